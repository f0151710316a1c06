#include "hemiola/train/predict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <set>
#include <sstream>

#include "hemiola/core/random.h"
#include "hemiola/data/json.h"
#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

class Predict : public testing::Test {
 protected:
  void save(const std::string& kind, const std::vector<TestTable>& tables,
            std::map<std::string, double> facts = {},
            std::map<std::string, std::string> settings = {}) {
    Manifest about;
    about.model = kind;
    about.facts = std::move(facts);
    about.settings = std::move(settings);
    save_model(folder.path("run/model"), about, tables, 2);
  }
  void save_words() {
    save("word2vec", {{"input",
                       {{1, 0}, {10, 1}, {0, 1}, {1, 1}, {-1, 0}, {0, 0}},
                       {"east", "nearly east", "north", "northeast", "west", "nowhere"}}});
  }

  std::string asked(PredictOptions options, const std::string& input = "") {
    options.folder = folder.path("run");
    std::istringstream in(input);
    std::ostringstream out, told;
    status = predict(options, in, out, told);
    wrong = told.str();
    return out.str();
  }
  std::string refused(const PredictOptions& options) {
    return refusal_of([&] { asked(options); });
  }
  // Name and score of each answer.
  std::vector<std::pair<std::string, double>> answers(PredictOptions options) {
    options.json = true;
    const std::string text = asked(options);
    std::vector<std::pair<std::string, double>> found;
    const Json json = parse_json(text, "answers");
    for (const Json& a : *json.find("answers")->array()) {
      found.emplace_back(*a.find("name")->text(), *a.object()->at(1).second.number());
    }
    return found;
  }

  const test::TempFolder folder;
  int status = 0;
  std::string wrong;
};

TEST_F(Predict, The_nearest_rows_are_those_of_the_smallest_angle) {
  save_words();
  EXPECT_EQ(asked({.near = "east", .top = 3}),
            "    0.9950  nearly east\n    0.7071  northeast\n    0.0000  north\n");
  const auto all = answers({.near = "east"});
  ASSERT_EQ(all.size(), 5U);  // not itself
  EXPECT_EQ(all[4], (std::pair<std::string, double>("west", -1)));
  EXPECT_EQ(answers({.near = "nowhere"})[0].second, 0);
}

TEST_F(Predict, An_analogy_leaves_out_its_own_words) {
  save_words();
  // As east is to northeast, north is to what is further round.
  const auto found = answers({.analogy = "east northeast north"});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].first, "west");
  const double root = std::sqrt(0.5);
  const double length = std::hypot(root - 1, 1 + root);
  EXPECT_NEAR(found[0].second, (1 - root) / length, 1e-6);
  EXPECT_EQ(answers({.analogy = "nearly east\teast\tnorth"}).size(), 3U);
  EXPECT_EQ(refused({.analogy = "east north"}),
            "an analogy is three names, such as \"man king woman\" (parted by tabs when names "
            "hold blanks), but there are 2 in \"east north\"");
}

TEST_F(Predict, Answers_as_JSON_name_what_was_asked_and_what_the_score_is) {
  save_words();
  EXPECT_EQ(asked({.near = "north", .top = 1, .json = true}),
            "{\n  \"near\": \"north\",\n  \"answers\": [\n    {\"name\": \"northeast\", "
            "\"cosine\": 0.70710677}\n  ]\n}\n");
}

TEST_F(Predict, Lines_of_the_input_ask_one_after_the_other) {
  save_words();
  EXPECT_EQ(asked({.near = "-", .top = 1}, "east\n\nnearly east\r\n"),
            "east\n    0.9950  nearly east\nnearly east\n    0.9950  east\n");
  EXPECT_EQ(status, 0);
  EXPECT_EQ(asked({.near = "-", .top = 1, .json = true}, "east\nup\nnorth"),
            "{\"near\": \"east\", \"answers\": [{\"name\": \"nearly east\", \"cosine\": "
            "0.9950372}]}\n"
            "{\"line\": \"up\", \"error\": \"no row of table `input` is called `up`\"}\n"
            "{\"near\": \"north\", \"answers\": [{\"name\": \"northeast\", \"cosine\": "
            "0.70710677}]}\n");
  EXPECT_EQ(status, 1);
  EXPECT_EQ(wrong, "hemiola: line 2: no row of table `input` is called `up`\n");
}

TEST_F(Predict, Ratings_are_mean_biases_and_product) {
  save("mf", {{"factors", {{1, 2, 0.5f}, {0, 1, 0}, {3, 1, -1}, {0, 0, 0.25f}, {9, 9, 9}}, {}, 1}},
       {{"users", 2}, {"items", 3}, {"factors", 2}, {"biases", 1}, {"mean", 3}});
  const auto one = answers({.user = "0", .item = "0"});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0], (std::pair<std::string, double>("item 0", 3 + 0.5 - 1 + 5)));
  const auto best = answers({.user = "1", .top = 2});
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0], (std::pair<std::string, double>("item 2", 3 + 9 + 9)));
  EXPECT_EQ(best[1], (std::pair<std::string, double>("item 1", 3.25)));
  // Alike are rows of one kind, by their factors without the bias.
  const auto near = answers({.near = "item 0"});
  ASSERT_EQ(near.size(), 2U);
  EXPECT_EQ(near[0].first, "item 2");
  EXPECT_NEAR(near[0].second, 36 / (std::sqrt(10) * std::sqrt(162)), 1e-6);
  EXPECT_EQ(asked({.user = "-", .item = "-", .json = true}, "0\t0\n1 1\n"),
            "{\"user\": \"0\", \"item\": \"0\", \"answers\": [{\"name\": \"item 0\", \"rating\": "
            "7.5}]}\n{\"user\": \"1\", \"item\": \"1\", \"answers\": [{\"name\": \"item 1\", "
            "\"rating\": 3.25}]}\n");
  asked({.user = "-", .item = "-"}, "0\n0\t0\t0\n");
  EXPECT_EQ(wrong,
            "hemiola: line 1: expected user and item, parted by a tab, found `0`\n"
            "hemiola: line 2: expected user and item, parted by a tab, found `0 0 0`\n");
}

// ---- links, by each scorer, against its formula written out ---------------------------------

using Row = std::vector<float>;
using Number = std::complex<double>;

Number at(const Row& row, size_t i) { return {row[i], row[i + row.size() / 2]}; }

double formula(const std::string& scorer, int norm, const Row& h, const Row& r, const Row& t) {
  double sum = 0, squares = 0;
  const size_t half = h.size() / 2;
  if (scorer == "complex") {
    for (size_t i = 0; i < half; ++i) sum += (at(h, i) * at(r, i) * std::conj(at(t, i))).real();
    return sum;
  }
  if (scorer == "rotate") {
    for (size_t i = 0; i < half; ++i) {
      const double gap = std::abs(at(h, i) * std::polar(1.0, static_cast<double>(r[i])) - at(t, i));
      sum += gap, squares += gap * gap;
    }
    return norm == 1 ? -sum : -std::sqrt(squares);
  }
  for (size_t i = 0; i < h.size(); ++i) {
    const double gap = scorer == "transe" ? h[i] + r[i] - t[i] : 0;
    if (scorer == "distmult") sum += static_cast<double>(h[i]) * r[i] * t[i];
    for (size_t j = 0; scorer == "rescal" && j < h.size(); ++j) {
      sum += static_cast<double>(h[i]) * r[i * h.size() + j] * t[j];
    }
    squares += gap * gap, sum -= scorer == "transe" ? std::fabs(gap) : 0;
  }
  return scorer == "transe" && norm == 2 ? -std::sqrt(squares) : sum;
}

class PredictLinks : public Predict {
 protected:
  static constexpr uint32_t kEntities = 9, kRelations = 3, kDim = 6;

  void save_links(const std::string& scorer, int norm, bool reciprocal) {
    Random random(7);
    const auto rows = [&](uint32_t count, uint32_t columns) {
      std::vector<Row> list(count, Row(columns));
      for (Row& row : list) {
        for (float& v : row) v = static_cast<float>(random.normal());
      }
      return list;
    };
    const bool complex = scorer == "complex" || scorer == "rotate";
    const uint32_t width = complex ? 2 * kDim : kDim;
    entities = {"entities", rows(kEntities, width), {}, width};
    relations = {"relations",
                 rows(kRelations * (reciprocal ? 2 : 1), scorer == "rotate"   ? kDim
                                                         : scorer == "rescal" ? kDim * kDim
                                                                              : width),
                 {}};
    for (uint32_t e = 0; e < kEntities; ++e) entities.names.push_back("e" + std::to_string(e));
    for (uint32_t r = 0; r < relations.rows.size(); ++r) {
      relations.names.push_back(r < kRelations ? "r" + std::to_string(r) : "");
    }
    save("kge", {entities, relations}, {},
         {{"model.scorer", scorer},
          {"model.dim", std::to_string(kDim)},
          {"data.train", "none.txt"},
          {"model.norm", std::to_string(norm)},
          {"model.reciprocal", reciprocal ? "true" : "false"}});
  }

  TestTable entities, relations;
};

TEST_F(PredictLinks, Every_scorer_ranks_by_its_formula) {
  for (const std::string scorer : {"complex", "distmult", "transe", "rotate", "rescal"}) {
    for (const int norm : {1, 2}) {
      for (const bool reciprocal : {false, true}) {
        save_links(scorer, norm, reciprocal);
        const Row &from = entities.rows[4], &forward = relations.rows[1];
        const Row& back = reciprocal ? relations.rows[kRelations + 1] : forward;
        const auto tails = answers({.head = "e4", .relation = "r1"});
        const auto heads = answers({.relation = "r1", .tail = "e4"});
        ASSERT_EQ(tails.size(), kEntities);
        ASSERT_EQ(heads.size(), kEntities);
        for (uint32_t i = 0; i < kEntities; ++i) {
          const Row& tail = entities.rows[std::stoul(tails[i].first.substr(1))];
          const Row& head = entities.rows[std::stoul(heads[i].first.substr(1))];
          EXPECT_NEAR(tails[i].second, formula(scorer, norm, from, forward, tail), 1e-4) << scorer;
          EXPECT_NEAR(heads[i].second,
                      reciprocal ? formula(scorer, norm, from, back, head)
                                 : formula(scorer, norm, head, back, from),
                      1e-4)
              << scorer;
          if (i == 0) continue;
          EXPECT_LE(tails[i].second, tails[i - 1].second);
          EXPECT_LE(heads[i].second, heads[i - 1].second);
        }
      }
    }
  }
}

TEST_F(PredictLinks, Facts_that_are_known_are_left_out_when_asked_for) {
  save_links("complex", 1, true);
  folder.write("known.txt", "e4\tr1\te2\ne4\tr1\te7\ne3\tr1\te4\nstranger\tr1\te4\ne4\tr9\te1\n");
  const auto names = [&](PredictOptions options) {
    options.only_new = true;
    options.facts = folder.path("known.txt");
    std::set<std::string> found;
    for (const auto& [name, score] : answers(options)) found.insert(name);
    return found;
  };
  EXPECT_EQ(names({.head = "e4", .relation = "r1"}),
            (std::set<std::string>{"e0", "e1", "e3", "e4", "e5", "e6", "e8"}));
  EXPECT_EQ(names({.relation = "r1", .tail = "e4"}),
            (std::set<std::string>{"e0", "e1", "e2", "e4", "e5", "e6", "e7", "e8"}));
  EXPECT_EQ(names({.head = "e4", .relation = "r2"}).size(), kEntities);
  PredictOptions without{.head = "e4", .relation = "r1"};
  without.only_new = true;
  EXPECT_EQ(refused(without),
            "--new needs the facts that are known, but none.txt, on which the model was trained, "
            "is not here; name a file with --facts");
  without.only_new = false;
  without.facts = "x";
  EXPECT_EQ(refused(without), "--facts needs --new too");
  PredictOptions near{.near = "e4"};
  near.only_new = true;
  EXPECT_EQ(refused(near), "--new and --facts go with --head, --relation and --tail only");
}

TEST_F(PredictLinks, A_name_that_is_not_there_is_told) {
  save_links("distmult", 1, true);
  EXPECT_EQ(refused({.head = "e44", .relation = "r1"}),
            "no row of table `entities` is called `e44`; near it are `e4`");
  EXPECT_EQ(refused({.head = "e4", .relation = "x"}), "no row of table `relations` is called `x`");
  EXPECT_EQ(refused({.head = "e4", .relation = "#4"}),
            "`#4` is the inverse of a relation, which the model uses for questions about heads; "
            "name the relation itself");
}

TEST_F(PredictLinks, A_manifest_that_does_not_fit_its_tables_is_told) {
  save_links("distmult", 1, false);
  const std::string path = folder.path("run/model/manifest.json");
  const std::string good = folder.read("run/model/manifest.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    folder.write("run/model/manifest.json", text);
    return refused({.head = "e4", .relation = "r1"});
  };
  const std::string begin = path + " contradicts itself: ";
  EXPECT_EQ(with("\"distmult\"", "\"tucker\""), begin + "model.scorer is `tucker`");
  EXPECT_EQ(with("model.scorer", "model.other"), begin + "`model.scorer` is missing");
  EXPECT_EQ(with("\"6\"", "\"six\""), begin + "model.dim is `six`");
  EXPECT_EQ(with("\"6\"", "\"7\""),
            begin + "its tables are not of the sizes that model.scorer and model.dim ask for");
  EXPECT_EQ(with("\"relations\"", "\"others\""), "there is no table `relations` in " +
                                                     folder.path("run/model") +
                                                     "; its tables are `entities`, `others`");
}

TEST_F(Predict, Questions_that_make_no_sense_are_told) {
  save_words();
  EXPECT_EQ(refused({}).substr(0, 40), "say what to predict: --near NAME, --anal");
  EXPECT_EQ(refused({.near = "east", .analogy = "a b c"}),
            "ask one question at a time: --near, --analogy, the end of a fact or a rating");
  EXPECT_EQ(refused({.head = "east", .relation = "r"}),
            "--head, --relation and --tail need a model of kind kge, but " +
                folder.path("run/model") + " holds one of kind word2vec");
  EXPECT_EQ(refused({.user = "1"}), "--user and --item need a model of kind mf, but " +
                                        folder.path("run/model") + " holds one of kind word2vec");
  EXPECT_EQ(refused({.table = "output", .near = "east"}).substr(0, 26),
            "there is no table `output`");
  save("kge", {{"entities", {{1, 2}}, {"a"}}});
  EXPECT_EQ(refused({.relation = "r"}), "--relation needs --head or --tail too");
  EXPECT_EQ(refused({.head = "a"}), "--head and --tail need --relation too");
  EXPECT_EQ(refused({.head = "a", .relation = "r", .tail = "a"}),
            "leave out one of --head and --tail: it is what is predicted");
  EXPECT_EQ(refused({.table = "entities", .head = "a", .relation = "r"}),
            "--table goes with --near and --analogy only");
  save("mf", {{"factors", {{1, 2}}, {}}});
  EXPECT_EQ(refused({.item = "1"}), "--item needs --user too");
  EXPECT_EQ(refused({.user = "1"}), folder.path("run/model/manifest.json") +
                                        " contradicts itself: the fact `mean` is missing");
  save("linear", {{"weights", {{1}, {2}}, {}}});
  EXPECT_EQ(refused({.near = "1"}),
            "rows of table `weights` are single numbers, so none is nearer to another in "
            "direction; choose another table with --table");
  save("dense", {{"features", {{1, 2}, {3, 4}}, {}}});
  EXPECT_EQ(refused({.near = "1"}),
            folder.path("run/model") +
                " holds a model of kind dense, whose rows are weights of its layers: predict "
                "cannot ask it; hemiola export hands it on");
}

}  // namespace
}  // namespace hemiola
