#include "hemiola/data/synthetic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;

// The planted model's log-loss, computed from what was returned rather than on the way.
double log_loss(const SparseExamples& on, const std::vector<float>& weights, double bias,
                double noise) {
  double sum = 0;
  for (size_t r = 0; r < on.rows(); ++r) {
    double logit = bias;
    for (uint64_t i = on.offset[r]; i < on.offset[r + 1]; ++i) logit += weights[on.index[i]];
    const double p = noise + (1 - 2 * noise) / (1 + std::exp(-logit));
    sum -= std::log(on.label[r] > 0 ? p : 1 - p);
  }
  return sum / static_cast<double>(on.rows());
}

void expect_ascending_rows(const SparseExamples& examples, uint32_t length) {
  ASSERT_EQ(examples.offset.size(), examples.rows() + 1);
  for (size_t r = 0; r < examples.rows(); ++r) {
    ASSERT_EQ(examples.offset[r + 1] - examples.offset[r], length);
    for (uint64_t i = examples.offset[r]; i < examples.offset[r + 1]; ++i) {
      ASSERT_LT(examples.index[i], examples.features);
      if (i > examples.offset[r]) {
        ASSERT_LT(examples.index[i - 1], examples.index[i]);
      }
    }
  }
}

TEST(SyntheticTest, One_seed_gives_one_set_on_any_number_of_threads_and_another_seed_another) {
  const SyntheticLogistic logistic{.rows = 30'000, .features = 1'000};
  SyntheticLogistic other = logistic;
  other.seed = 2;
  const MadeExamples one = make_logistic(logistic);
  EXPECT_TRUE(one.train == make_logistic(logistic, test::on_threads).train);
  EXPECT_EQ(one.floor, make_logistic(logistic, test::on_threads).floor);
  EXPECT_FALSE(one.train == make_logistic(other).train);

  const SyntheticRatings ratings{.ratings = 30'000};
  const MadeRatings rated = make_ratings(ratings);
  EXPECT_TRUE(rated.split.train == make_ratings(ratings, test::on_threads).split.train);
  EXPECT_FALSE(rated.split.train == make_ratings({.ratings = 30'000, .seed = 2}).split.train);
}

TEST(SyntheticTest, Ratings_have_the_stated_spread_and_floor) {
  const MadeRatings made = make_ratings({.users = 3000, .items = 2000, .ratings = 400'000});
  const Ratings& train = made.split.train;
  EXPECT_EQ(train.size(), 360'000u);
  EXPECT_EQ(made.split.test.size(), 40'000u);
  EXPECT_NEAR(made.floor, 0.75, 0.01);
  double mean = 0, square = 0;
  for (const float v : train.value) mean += v / 360'000.0;
  for (const float v : train.value) square += (v - mean) * (v - mean) / 360'000.0;
  EXPECT_NEAR(mean, 3.5, 0.1);
  // 0.75^2 + 0.7^2 + 2 x 0.3^2
  EXPECT_NEAR(std::sqrt(square), 1.11, 0.08);
  EXPECT_LT(*std::max_element(train.user.begin(), train.user.end()), train.users);
  EXPECT_LT(*std::max_element(train.item.begin(), train.item.end()), train.items);
}

TEST(SyntheticTest, Popular_items_take_their_share_and_are_not_neighbours) {
  const MadeRatings made =
      make_ratings({.users = 1000, .items = 1000, .ratings = 200'000, .item_skew = 1.0});
  std::vector<int> count(1000);
  for (const uint32_t item : made.split.train.item) ++count[item];
  std::vector<size_t> order(1000);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return count[a] > count[b]; });
  EXPECT_NEAR(count[order[0]] / 180'000.0, 1 / 7.485, 0.005);  // the 1000th harmonic number
  EXPECT_GT(std::abs(static_cast<int>(order[0]) - static_cast<int>(order[1])), 100);
}

TEST(SyntheticTest, Logistic_rows_are_in_order_and_the_floor_is_the_planted_models) {
  for (const double noise : {0.0, 0.1}) {
    const SyntheticLogistic s{
        .rows = 50'000, .features = 2'000, .nonzeros = 12, .noise = noise, .test_share = 0.2};
    const MadeExamples made = make_logistic(s);
    EXPECT_EQ(made.train.rows(), 40'000u);
    EXPECT_EQ(made.test.rows(), 10'000u);
    EXPECT_TRUE(made.train.value.empty());
    expect_ascending_rows(made.train, 12);
    expect_ascending_rows(made.test, 12);
    EXPECT_NEAR(log_loss(made.test, made.weights, s.bias, noise), made.floor, 1e-6);
    EXPECT_NEAR(log_loss(made.train, made.weights, s.bias, noise), made.floor, 0.02);
  }
}

TEST(SyntheticTest, A_law_too_steep_for_different_features_still_fills_the_rows) {
  const MadeExamples made =
      make_logistic({.rows = 1'000, .features = 40, .nonzeros = 30, .skew = 6});
  expect_ascending_rows(made.train, 30);
  expect_ascending_rows(make_logistic({.rows = 100, .features = 5, .nonzeros = 5}).train, 5);
}

TEST(SyntheticTest, Clicks_have_one_feature_of_each_field) {
  const SyntheticClicks s{.rows = 20'000, .features = 30'000};
  const MadeExamples made = make_clicks(s);
  const auto sizes = field_sizes(s.fields, s.features);
  expect_ascending_rows(made.train, s.fields);
  for (size_t r = 0; r < made.train.rows(); ++r) {
    uint32_t base = 0;
    for (uint32_t f = 0; f < s.fields; base += sizes[f++]) {
      const uint32_t index = made.train.index[made.train.offset[r] + f];
      ASSERT_TRUE(index >= base && index < base + sizes[f]);
    }
  }
  EXPECT_NEAR(log_loss(made.test, made.weights, s.bias, 0), made.floor, 1e-6);
}

TEST(SyntheticTest, Field_sizes_grow_and_add_up) {
  for (const auto& [fields, features] :
       {std::pair(39U, 880'520U), {39U, 78U}, {1U, 2U}, {2U, 1000U}, {39U, 100U}, {200U, 1000U}}) {
    const auto sizes = field_sizes(fields, features);
    EXPECT_EQ(sizes.size(), fields);
    EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}), features);
    EXPECT_GE(*std::min_element(sizes.begin(), sizes.end()), 2u);
  }
  const auto sizes = field_sizes(39, 880'520);
  EXPECT_TRUE(std::is_sorted(sizes.begin(), sizes.end()));
  EXPECT_NEAR(sizes.back(), 220'130, 1'000);
}

TEST(SyntheticTest, Regression_labels_follow_the_sparse_weights) {
  const SyntheticRegression s{.rows = 20'000, .features = 3'000, .true_weights = 40};
  const MadeExamples made = make_regression(s);
  EXPECT_EQ(std::count_if(made.weights.begin(), made.weights.end(), [](float w) { return w != 0; }),
            40);
  expect_ascending_rows(made.train, s.nonzeros);
  double sum = 0;
  for (size_t r = 0; r < made.test.rows(); ++r) {
    double error = -made.test.label[r];
    for (uint64_t i = made.test.offset[r]; i < made.test.offset[r + 1]; ++i) {
      error += double{made.test.value[i]} * made.weights[made.test.index[i]];
    }
    sum += error * error;
  }
  EXPECT_NEAR(sum / static_cast<double>(made.test.rows()), made.floor, 1e-5);
  EXPECT_NEAR(made.floor, 0.01, 0.001);
}

TEST(SyntheticTest, Settings_that_cannot_be_are_named) {
  EXPECT_EQ(error_of([] { make_logistic({.features = 10, .nonzeros = 11}); }),
            "nonzeros must lie between 1 and features (10)");
  EXPECT_EQ(error_of([] { make_logistic({.noise = 0.6}); }), "noise must lie between 0 and 0.5");
  EXPECT_EQ(error_of([] { make_logistic({.skew = -1}); }), "skew must be 0 or more");
  EXPECT_EQ(error_of([] { make_logistic({.test_share = 1}); }),
            "test_share must lie between 0 and 1");
  EXPECT_EQ(error_of([] { make_clicks({.features = 60}); }),
            "features must be at least twice the fields");
  EXPECT_EQ(error_of([] { make_regression({.features = 30, .true_weights = 31}); }),
            "true_weights must not exceed features");
  EXPECT_EQ(error_of([] { make_ratings({.users = 0}); }), "users and items must be at least 1");
}

}  // namespace
}  // namespace hemiola
