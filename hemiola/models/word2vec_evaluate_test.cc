#include "hemiola/models/word2vec_evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

using Four = std::array<uint32_t, 4>;
using Two = std::array<uint32_t, 2>;
constexpr uint32_t kDim = 6;

TableSpec spec_of(uint32_t words) {
  TableSpec spec;
  spec.name = "input";
  spec.rows = words;
  spec.row_length = kDim;
  spec.init = {Initialiser::Kind::normal, 0, 1, 0, 5};
  return spec;
}

std::map<std::string, double> metrics_of(const WordEvaluation& evaluation, LocalTables& tables,
                                         bool by_pointer) {
  LocalParameters params(tables, by_pointer);
  std::vector<double> sums(evaluation.sums());
  for (uint32_t p = 0; p < evaluation.parts(); ++p) {
    std::vector<double> part(sums.size());
    evaluation.evaluate(p, params, part);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += part[i];
  }
  std::map<std::string, double> metrics;
  for (const Metric& m : evaluation.metrics(sums)) metrics[m.name] = m.value;
  return metrics;
}

std::vector<double> unit(std::span<const float> row) {
  double length = 0;
  for (const float v : row) length += static_cast<double>(v) * v;
  std::vector<double> out;
  for (const float v : row) out.push_back(v / std::sqrt(length));
  return out;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The word that answers, by the definition.
uint32_t answer(LocalTables& tables, const Four& four, uint32_t answers) {
  const auto row = [&](uint32_t w) { return unit(tables.row(TableId{0}, Key{w})); };
  auto wanted = row(four[1]);
  const auto a = row(four[0]), c = row(four[2]);
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] += c[i] - a[i];
  uint32_t best = UINT32_MAX;
  double best_product = -1e9;
  for (uint32_t w = 0; w < answers; ++w) {
    if (w == four[0] || w == four[1] || w == four[2]) continue;
    const double product = dot(row(w), wanted);
    if (product > best_product) best = w, best_product = product;
  }
  return best;
}

TEST(WordEvaluation, Analogies_are_those_of_a_search_over_all_words) {
  constexpr uint32_t kWords = 120, kAnswers = 100;
  const TableSpec spec = spec_of(kWords);
  LocalTables tables({&spec, 1}, false);
  Random random(3);
  std::vector<Four> semantic, syntactic;
  double right[2] = {}, all[2] = {};
  for (size_t q = 0; q < 600; ++q) {
    Four four;
    for (uint32_t& w : four) w = static_cast<uint32_t>(random.below(kWords));
    // Every second question asks for what the vectors say.
    bool common = four[0] < kAnswers && four[1] < kAnswers && four[2] < kAnswers;
    const uint32_t best = common ? answer(tables, four, kAnswers) : 0;
    if (common && q % 2 == 0) four[3] = best;
    common = common && four[3] < kAnswers;
    (q % 3 == 0 ? semantic : syntactic).push_back(four);
    if (common) right[q % 3 != 0] += four[3] == best, ++all[q % 3 != 0];
  }
  const WordEvaluation evaluation({semantic, syntactic, {}}, TableId{0}, kDim, kWords, kAnswers,
                                  kWord2VecBaseline);
  EXPECT_EQ(evaluation.analogies(), static_cast<size_t>(all[0] + all[1]));
  EXPECT_GT(all[0] + all[1] - right[0] - right[1], 50);
  for (const bool by_pointer : {false, true}) {
    auto metrics = metrics_of(evaluation, tables, by_pointer);
    EXPECT_NEAR(metrics["semantic"], right[0] / all[0], 1e-12);
    EXPECT_NEAR(metrics["syntactic"], right[1] / all[1], 1e-12);
    EXPECT_NEAR(metrics["analogy"], (right[0] + right[1]) / (all[0] + all[1]), 1e-12);
  }
}

TEST(WordEvaluation, Words_of_many_parts_are_all_asked) {
  constexpr uint32_t kWords = 5000;
  const TableSpec spec = spec_of(kWords);
  LocalTables tables({&spec, 1}, false);
  // The answer's only rival is in the last part.
  const float a[kDim] = {1}, b[kDim] = {0, 1}, c[kDim] = {0, 0, 1};
  const float d[kDim] = {-1, 1, 0.5f}, rival[kDim] = {-1, 1, 1};
  for (uint32_t w = 0; w < kWords; ++w) {
    auto row = tables.row(TableId{0}, Key{w});
    std::fill(row.begin(), row.end(), 0.0f);
    row[5] = 1;
  }
  const auto set = [&](uint32_t w, const float* v) {
    std::copy(v, v + kDim, tables.row(TableId{0}, Key{w}).data());
  };
  set(0, a), set(1, b), set(2, c), set(3, d);
  const std::vector<Four> questions{{0, 1, 2, 3}};
  const WordEvaluation evaluation({questions, {}, {}}, TableId{0}, kDim, kWords, kWords,
                                  kWord2VecBaseline);
  EXPECT_GT(evaluation.parts(), 3u);
  EXPECT_EQ(metrics_of(evaluation, tables, false)["semantic"], 1);
  set(kWords - 1, rival);
  EXPECT_EQ(metrics_of(evaluation, tables, false)["semantic"], 0);
}

TEST(WordEvaluation, A_set_of_similarities_gives_its_rank_correlation) {
  const TableSpec spec = spec_of(40);
  LocalTables tables({&spec, 1}, false);
  std::vector<Two> pairs;
  std::vector<float> scores, reversed;
  for (uint32_t i = 0; i < 20; ++i) {
    pairs.push_back({i, 20 + i});
    const double cosine =
        dot(unit(tables.row(TableId{0}, Key{i})), unit(tables.row(TableId{0}, Key{20 + i})));
    scores.push_back(static_cast<float>(std::exp(3 * cosine)));
    reversed.push_back(-scores.back());
  }
  const WordQuestions questions{{}, {}, {{"same", pairs, scores}, {"reversed", pairs, reversed}}};
  const WordEvaluation evaluation(questions, TableId{0}, kDim, 40, 40, kWord2VecBaseline);
  for (const bool by_pointer : {false, true}) {
    auto metrics = metrics_of(evaluation, tables, by_pointer);
    EXPECT_EQ(metrics.size(), 2u);
    EXPECT_NEAR(metrics["same"], 1, 1e-12);
    EXPECT_NEAR(metrics["reversed"], -1, 1e-12);
  }
}

TEST(WordEvaluation, A_word_that_there_is_not_is_refused) {
  const std::vector<Four> questions{{0, 1, 2, 40}};
  EXPECT_THROW(WordEvaluation({questions, {}, {}}, TableId{0}, kDim, 40, 40, kWord2VecBaseline),
               UserError);
}

TEST(Spearman, Equal_values_share_their_mean_rank) {
  // Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: covariance 4.5, variances 4.5 and 5.
  const double a[] = {10, 20, 20, 30}, b[] = {1, 3, 2, 4};
  EXPECT_NEAR(spearman(a, b), 4.5 / std::sqrt(4.5 * 5.0), 1e-12);
  const double same[] = {7, 7, 7, 7};
  EXPECT_EQ(spearman(a, same), 0);
  EXPECT_EQ(spearman({}, {}), 0);
}

}  // namespace
}  // namespace hemiola
