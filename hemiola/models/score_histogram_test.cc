#include "hemiola/models/score_histogram.h"

#include <gtest/gtest.h>

#include <vector>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

// By the definition: the share of pairs that are in the right order.
double plain_auc(const std::vector<double>& negatives, const std::vector<double>& positives) {
  double right = 0;
  for (const double n : negatives) {
    for (const double p : positives) right += p > n ? 1 : p == n ? 0.5 : 0;
  }
  return right / static_cast<double>(negatives.size() * positives.size());
}

TEST(ScoreHistogram, The_area_differs_from_that_of_all_pairs_by_less_than_one_in_ten_thousand) {
  for (const double spread : {0.2, 1.0, 4.0}) {
    Random random(1);
    std::vector<double> classes[2], sums(ScoreHistogram::kSums);
    for (int i = 0; i < 3'000; ++i) {
      const bool positive = random.chance(0.3);
      const double score = spread * (random.normal() + (positive ? 1 : 0));
      classes[positive].push_back(score);
      ScoreHistogram::add(sums, score, positive);
    }
    EXPECT_NEAR(ScoreHistogram::auc(sums), plain_auc(classes[0], classes[1]), 1e-4) << spread;
  }
}

TEST(ScoreHistogram, Perfect_order_is_1_and_ties_are_a_half) {
  std::vector<double> sums(ScoreHistogram::kSums);
  EXPECT_LT(ScoreHistogram::auc(sums), 0);
  ScoreHistogram::add(sums, -1e30, false);
  EXPECT_LT(ScoreHistogram::auc(sums), 0) << "one class only";
  ScoreHistogram::add(sums, 1e30, true);
  EXPECT_EQ(ScoreHistogram::auc(sums), 1);
  ScoreHistogram::add(sums, -1e30, true);
  EXPECT_EQ(ScoreHistogram::auc(sums), 0.75);
}

}  // namespace
}  // namespace hemiola
