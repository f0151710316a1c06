#include "hemiola/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

namespace hemiola {
namespace {

TEST(Mix, Gives_the_published_values_of_SplitMix64) {
  EXPECT_EQ(mix(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mix(0x9e3779b97f4a7c15ULL), 0x6e789e6aa1b965f4ULL);
}

TEST(Mix, Flipping_one_bit_flips_about_half_of_the_result) {
  double flipped = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    for (int bit = 0; bit < 64; ++bit) flipped += std::popcount(mix(i) ^ mix(i ^ (1ULL << bit)));
  }
  EXPECT_NEAR(flipped / 64'000, 32, 0.1);
}

TEST(Mix, The_order_of_its_arguments_matters) {
  EXPECT_NE(mix(1, 2), mix(2, 1));
  EXPECT_NE(mix(1, 2, 3), mix(1, 3, 2));
  EXPECT_NE(mix(0, 0), mix(0));
}

TEST(Random, One_seed_gives_one_stream_and_two_seeds_give_two) {
  Random a(5), b(5), c(6);
  int same = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = a();
    EXPECT_EQ(value, b());
    same += value == c();
  }
  EXPECT_EQ(same, 0);
}

TEST(Random, The_stream_of_a_seed_never_changes) {
  Random random(42);
  const uint64_t first = random(), second = random();
  EXPECT_EQ(first, mix(mix(42) + 0x9e3779b97f4a7c15ULL));
  EXPECT_EQ(second, mix(mix(42) + 2 * 0x9e3779b97f4a7c15ULL));
}

TEST(Random, Below_stays_below_and_takes_every_value_equally_often) {
  constexpr int kDraws = 120'000;
  Random random(1);
  std::vector<int> seen(12);
  for (int i = 0; i < kDraws; ++i) ++seen.at(random.below(12));
  double chi2 = 0;
  for (int n : seen) chi2 += (n - kDraws / 12.0) * (n - kDraws / 12.0) / (kDraws / 12.0);
  EXPECT_LT(chi2, 31.3);  // 11 degrees of freedom, 99.9 %
}

TEST(Random, Below_one_is_zero_and_large_bounds_work) {
  Random random(2);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.below(1), 0u);
  uint64_t highest = 0;
  for (int i = 0; i < 100; ++i) highest = std::max(highest, random.below(1ULL << 40));
  EXPECT_LT(highest, 1ULL << 40);
  EXPECT_GT(highest, 1ULL << 39);
}

TEST(Random, Uniform_lies_in_its_interval_with_the_right_mean_and_variance) {
  constexpr int kDraws = 100'000;
  Random random(3);
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.uniform(-1, 3);
    ASSERT_GE(x, -1);
    ASSERT_LT(x, 3);
    sum += x, squares += x * x;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 1, 0.02);
  EXPECT_NEAR(squares / kDraws - mean * mean, 16.0 / 12, 0.02);
}

TEST(Random, Normal_has_mean_zero_and_variance_one_and_the_right_tails) {
  constexpr int kDraws = 100'000;
  Random random(4);
  double sum = 0, squares = 0, beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x, squares += x * x, beyond_two += std::abs(x) > 2;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.015);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
  EXPECT_NEAR(beyond_two / kDraws, 0.0455, 0.003);
}

TEST(Random, Chance_of_zero_never_happens_and_of_one_always) {
  Random random(5);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.chance(0));
    EXPECT_TRUE(random.chance(1));
  }
}

TEST(Shuffle, Keeps_the_elements_and_is_the_same_for_one_seed) {
  std::vector<int> a(100), b(100);
  std::iota(a.begin(), a.end(), 0);
  b = a;
  Random one(7), two(7);
  shuffle(a, one), shuffle(b, two);
  EXPECT_EQ(a, b);
  EXPECT_FALSE(std::is_sorted(a.begin(), a.end()));
  std::sort(a.begin(), a.end());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a[static_cast<size_t>(i)], i);
}

TEST(Shuffle, All_orders_of_three_are_equally_likely) {
  Random random(8);
  int seen[3][3] = {};
  for (int i = 0; i < 60'000; ++i) {
    std::vector<size_t> order = {0, 1, 2};
    shuffle(order, random);
    ++seen[order[0]][order[1]];
  }
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) EXPECT_NEAR(seen[a][b], a == b ? 0 : 10'000, 500);
  }
}

}  // namespace
}  // namespace hemiola
