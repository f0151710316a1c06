#include "hemiola/core/distribution.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

SamplerSpec weighted(std::vector<float> weights) {
  SamplerSpec spec{"test", TableId{0}, Key{10}, static_cast<uint32_t>(weights.size()), nullptr};
  spec.weights = std::make_shared<const std::vector<float>>(std::move(weights));
  return spec;
}

// Pearson's statistic over `draws`, for all keys of which some are expected.
double chi_square(const Distribution& distribution, int draws, uint64_t seed) {
  Random random(seed);
  std::vector<int> seen(distribution.count());
  for (int i = 0; i < draws; ++i) {
    ++seen.at(distribution.draw(random).value - distribution.first().value);
  }
  double sum = 0;
  for (uint32_t i = 0; i < seen.size(); ++i) {
    const double expected = draws * distribution.probability(Key{distribution.first().value + i});
    if (expected == 0) {
      EXPECT_EQ(seen[i], 0) << "key without weight";
    } else {
      sum += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
  }
  return sum;
}

TEST(DistributionTest, Keys_are_drawn_as_often_as_their_weights_say) {
  std::vector<float> weights;
  for (int i = 0; i < 100; ++i) weights.push_back(1.0F / static_cast<float>(1 + i));
  weights[7] = 0;
  // 98 degrees of freedom: beyond 149 once in a thousand times.
  EXPECT_LT(chi_square(Distribution(weighted(weights)), 1'000'000, 3), 149);
}

TEST(DistributionTest, Without_weights_all_keys_are_alike) {
  const Distribution uniform({"test", TableId{0}, Key{5}, 100, nullptr});
  EXPECT_LT(chi_square(uniform, 1'000'000, 4), 149);
  EXPECT_EQ(uniform.probability(Key{4}), 0);
  EXPECT_EQ(uniform.probability(Key{5}), 0.01);
}

TEST(DistributionTest, The_test_of_weights_notices_wrong_ones) {
  const Distribution drawn(weighted({1, 2, 3, 4}));
  Random random(1);
  double sum = 0;
  std::vector<int> seen(4);
  for (int i = 0; i < 10'000; ++i) ++seen[drawn.draw(random).value - 10];
  for (const int n : seen) sum += (n - 2500.0) * (n - 2500.0) / 2500;  // as if uniform
  EXPECT_GT(sum, 100);
}

TEST(DistributionTest, What_cannot_be_drawn_from_is_refused) {
  EXPECT_THROW(Distribution({"test", TableId{0}, Key{0}, 0, nullptr}), UserError);
  EXPECT_THROW(Distribution(weighted({0, 0})), UserError);
  EXPECT_THROW(Distribution(weighted({1, -1})), UserError);
}

}  // namespace
}  // namespace hemiola
