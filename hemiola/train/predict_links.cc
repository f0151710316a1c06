#include "hemiola/train/predict_links.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/data/triples.h"
#include "hemiola/models/kge_questions.h"
#include "hemiola/train/model_labels.h"
#include "hemiola/train/predict_vectors.h"

namespace hemiola {
namespace {

[[noreturn]] void contradiction(const ModelReader& model, const std::string& what) {
  throw UserError(model.folder() + "/" + std::string(kManifestFile) +
                  " contradicts itself: " + what);
}

std::string setting(const ModelReader& model, const std::string& key) {
  const auto found = model.manifest().settings.find(key);
  if (found == model.manifest().settings.end()) contradiction(model, "`" + key + "` is missing");
  return found->second;
}

uint32_t number_setting(const ModelReader& model, const std::string& key) {
  const std::string text = setting(model, key);
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || behind != end) contradiction(model, key + " is `" + text + "`");
  return value;
}

KgeScorer scorer_of(const ModelReader& model) {
  static constexpr std::pair<std::string_view, KgeScorer> kScorers[] = {
      {"complex", KgeScorer::complex},
      {"distmult", KgeScorer::distmult},
      {"transe", KgeScorer::transe},
      {"rotate", KgeScorer::rotate},
      {"rescal", KgeScorer::rescal}};
  const std::string name = setting(model, "model.scorer");
  for (const auto& [known, scorer] : kScorers) {
    if (known == name) return scorer;
  }
  contradiction(model, "model.scorer is `" + name + "`");
}

KgeShape shape_of(const ModelReader& model, const StoredTable& entities,
                  const StoredTable& relations) {
  KgeOptions options;
  options.scorer = scorer_of(model);
  options.dim = number_setting(model, "model.dim");
  options.norm = number_setting(model, "model.norm");
  options.reciprocal = setting(model, "model.reciprocal") == "true";
  const uint32_t in_data = options.reciprocal ? relations.rows / 2 : relations.rows;
  const KgeShape shape(options, entities.rows, in_data);
  if (shape.values != entities.columns || shape.relation_values != relations.columns ||
      shape.relation_rows() != relations.rows) {
    contradiction(model, "its tables are not of the sizes that model.scorer and model.dim ask for");
  }
  return shape;
}

// Facts of a file, by the numbers of the model.
class KnownFacts {
 public:
  KnownFacts() = default;
  KnownFacts(const std::string& path, const RowLabels& entities, const RowLabels& relations) {
    const TripleData data = read_triples(path, "", "");
    const auto numbers = [](const Dictionary& names, const RowLabels& rows) {
      std::vector<uint32_t> found;
      for (uint32_t i = 0; i < names.size(); ++i) found.push_back(rows.row_of(names.name(i)));
      return found;
    };
    const auto entity = numbers(data.entities, entities);
    const auto relation = numbers(data.relations, relations);
    for (size_t i = 0; i < data.train.size(); ++i) {
      facts_.push_back({relation[data.train.relation[i]], entity[data.train.head[i]],
                        entity[data.train.tail[i]]});
    }
    std::sort(facts_.begin(), facts_.end());
  }

  bool empty() const { return facts_.empty(); }
  bool has(uint32_t head, uint32_t relation, uint32_t tail) const {
    return std::binary_search(facts_.begin(), facts_.end(), Fact{relation, head, tail});
  }

 private:
  using Fact = std::array<uint32_t, 3>;
  std::vector<Fact> facts_;  // in order
};

class LinkAnswers : public Answerer {
 public:
  LinkAnswers(const ModelReader& model, MissingEnd missing, const std::string& known)
      : side_(missing == MissingEnd::tail ? KgeSide::tail : KgeSide::head),
        shape_(shape_of(model, model.table("entities"), model.table("relations"))),
        questions_(shape_, kKgeBaseline),
        entity_labels_(model, model.table("entities")),
        relation_labels_(model, model.table("relations")),
        entities_(model.values(model.table("entities"))),
        relations_(model.values(model.table("relations"))) {
    if (!known.empty()) known_ = KnownFacts(known, entity_labels_, relation_labels_);
  }

  const char* measure() const override { return "score"; }

  std::vector<Answer> answer(std::span<const std::string> parts, uint32_t top) override {
    const bool for_tail = side_ == KgeSide::tail;
    const uint32_t from = entity_labels_.find(parts[for_tail ? 0 : 1]);
    const uint32_t relation = relation_labels_.find(parts[for_tail ? 1 : 0]);
    if (relation >= shape_.relations) {
      throw UserError("`" + parts[for_tail ? 1 : 0] +
                      "` is the inverse of a relation, which the "
                      "model uses for questions about heads; name the relation itself");
    }
    std::vector<float> spread(shape_.spread), question(shape_.values), scores(entities_.rows);
    const uint32_t row = shape_.relation_row(side_, relation);
    questions_.spread(relations_.row(row).data(), spread.data());
    questions_.ask(side_, entities_.row(from).data(), spread.data(), question.data());
    const RowPlaces all{nullptr, entities_.data.data(), entities_.columns};
    kKgeBaseline.match(shape_.match, question.data(), all, entities_.rows, shape_.values,
                       scores.data());
    for (uint32_t e = 0; e < entities_.rows && !known_.empty(); ++e) {
      const bool known = for_tail ? known_.has(from, relation, e) : known_.has(e, relation, from);
      if (known) scores[e] = kLeftOut;
    }
    return best_rows(scores, 0, top, entity_labels_);
  }

 private:
  const KgeSide side_;
  const KgeShape shape_;
  const KgeQuestions questions_;
  const RowLabels entity_labels_, relation_labels_;
  const Matrix entities_, relations_;
  KnownFacts known_;
};

class RatingAnswers : public Answerer {
 public:
  explicit RatingAnswers(const ModelReader& model)
      : labels_(model, model.table("factors")), rows_(model.values(model.table("factors"))) {
    const auto fact = [&](const char* name) {
      const auto found = model.manifest().facts.find(name);
      if (found == model.manifest().facts.end()) {
        contradiction(model, std::string("the fact `") + name + "` is missing");
      }
      return found->second;
    };
    mean_ = fact("mean");
    users_ = static_cast<uint32_t>(fact("users"));
    factors_ = static_cast<uint32_t>(fact("factors"));
    biases_ = fact("biases") != 0;
    if (factors_ + (biases_ ? 1 : 0) != rows_.columns || users_ >= rows_.rows) {
      contradiction(model, "its table is not of the size that its facts ask for");
    }
  }

  const char* measure() const override { return "rating"; }

  std::vector<Answer> answer(std::span<const std::string> parts, uint32_t top) override {
    const uint32_t user = labels_.find("user " + parts[0]);
    if (parts.size() == 2) {
      const uint32_t item = labels_.find("item " + parts[1]);
      return {{labels_.label(item), rating(user, item)}};
    }
    std::vector<float> ratings;
    for (uint32_t item = users_; item < rows_.rows; ++item) ratings.push_back(rating(user, item));
    return best_rows(ratings, users_, top, labels_);
  }

 private:
  float rating(uint32_t user, uint32_t item) const {
    const auto u = rows_.row(user), i = rows_.row(item);
    const double biases = biases_ ? static_cast<double>(u[factors_]) + i[factors_] : 0;
    return static_cast<float>(mean_ + biases + vec().dot(u.data(), i.data(), factors_));
  }

  const RowLabels labels_;
  const Matrix rows_;
  double mean_ = 0;
  uint32_t users_ = 0, factors_ = 0;
  bool biases_ = false;
};

}  // namespace

std::unique_ptr<Answerer> links(const ModelReader& model, MissingEnd missing,
                                const std::string& known) {
  return std::make_unique<LinkAnswers>(model, missing, known);
}

std::unique_ptr<Answerer> ratings(const ModelReader& model) {
  return std::make_unique<RatingAnswers>(model);
}

}  // namespace hemiola
