#include "hemiola/train/predict_vectors.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

// The columns that say what a row is like: a bias says how much, for any partner.
uint32_t direction_columns(const ModelReader& model, const StoredTable& table) {
  const auto factors = model.manifest().facts.find("factors");
  const bool has_bias = model.manifest().model == "mf" && factors != model.manifest().facts.end();
  return has_bias ? std::min(table.columns, static_cast<uint32_t>(factors->second)) : table.columns;
}

// Rows of length 1; one of zeros stays as it is.
class Directions {
 public:
  Directions(const ModelReader& model, const StoredTable& table)
      : labels_(model, table), columns_(direction_columns(model, table)) {
    if (columns_ < 2) {
      throw UserError("rows of table `" + table.name +
                      "` are single numbers, so none is nearer "
                      "to another in direction; choose another table with --table");
    }
    rows_ = model.values(table);
    for (uint32_t r = 0; r < rows_.rows; ++r) make_unit(row(r));
  }

  const RowLabels& labels() const { return labels_; }
  std::span<float> row(uint32_t r) const { return rows_.row(r).first(columns_); }

  static void make_unit(std::span<float> row) {
    double square = 0;
    for (const float v : row) square += static_cast<double>(v) * v;
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (float& v : row) v = static_cast<float>(v * scale);
  }

  // The rows of the range that are nearest to the direction, but for those left out.
  std::vector<Answer> nearest(std::span<const float> direction, RowLabels::Range range,
                              std::span<const uint32_t> without, uint32_t top) const {
    std::vector<float> cosines(range.end - range.begin);
    for (uint32_t r = range.begin; r < range.end; ++r) {
      cosines[r - range.begin] = vec().dot(direction.data(), row(r).data(), columns_);
    }
    for (const uint32_t r : without) {
      if (r >= range.begin && r < range.end) cosines[r - range.begin] = kLeftOut;
    }
    return best_rows(cosines, range.begin, top, labels_);
  }

 private:
  RowLabels labels_;
  uint32_t columns_;
  Matrix rows_;
};

class Neighbours : public Answerer {
 public:
  Neighbours(const ModelReader& model, const StoredTable& table) : directions_(model, table) {}

  const char* measure() const override { return "cosine"; }
  std::vector<Answer> answer(std::span<const std::string> parts, uint32_t top) override {
    const uint32_t row = directions_.labels().find(parts[0]);
    const uint32_t itself[] = {row};
    return directions_.nearest(directions_.row(row), directions_.labels().kin(row), itself, top);
  }

 private:
  Directions directions_;
};

std::vector<std::string> three_names(const std::string& text) {
  const std::string_view parting = text.find('\t') != text.npos ? "\t" : " ";
  std::vector<std::string> names;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(parting, at), text.size());
    if (end > at) names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (names.size() != 3) {
    throw UserError(
        "an analogy is three names, such as \"man king woman\" (parted by tabs when "
        "names hold blanks), but there are " +
        std::to_string(names.size()) + " in \"" + text + "\"");
  }
  return names;
}

class Analogies : public Answerer {
 public:
  Analogies(const ModelReader& model, const StoredTable& table) : directions_(model, table) {}

  const char* measure() const override { return "cosine"; }
  std::vector<Answer> answer(std::span<const std::string> parts, uint32_t top) override {
    uint32_t row[3];
    const auto names = three_names(parts[0]);
    for (int i = 0; i < 3; ++i) row[i] = directions_.labels().find(names[i]);
    std::vector<float> wanted;
    for (size_t c = 0; c < directions_.row(0).size(); ++c) {
      wanted.push_back(directions_.row(row[1])[c] - directions_.row(row[0])[c] +
                       directions_.row(row[2])[c]);
    }
    Directions::make_unit(wanted);
    return directions_.nearest(wanted, directions_.labels().kin(row[2]), row, top);
  }

 private:
  Directions directions_;
};

}  // namespace

std::vector<Answer> best_rows(std::span<const float> scores, uint32_t first, uint32_t top,
                              const RowLabels& labels) {
  std::vector<uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  const size_t count = std::min<size_t>(top, order.size());
  const auto score = [&](uint32_t i) { return std::isnan(scores[i]) ? kLeftOut : scores[i]; };
  std::partial_sort(
      order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(),
      [&](uint32_t a, uint32_t b) { return std::pair(-score(a), a) < std::pair(-score(b), b); });
  std::vector<Answer> answers;
  for (size_t i = 0; i < count && score(order[i]) != kLeftOut; ++i) {
    answers.push_back({labels.label(first + order[i]), scores[order[i]]});
  }
  return answers;
}

std::unique_ptr<Answerer> neighbours(const ModelReader& model, const StoredTable& table) {
  return std::make_unique<Neighbours>(model, table);
}

std::unique_ptr<Answerer> analogies(const ModelReader& model, const StoredTable& table) {
  return std::make_unique<Analogies>(model, table);
}

}  // namespace hemiola
