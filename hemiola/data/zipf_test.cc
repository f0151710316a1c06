#include "hemiola/data/zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace hemiola {
namespace {

// Chi-square of the draws against the exact probabilities, ranks of little mass taken together;
// returned as standard deviations from its mean.
double surprise(uint64_t n, double skew, uint64_t seed) {
  constexpr int kDraws = 200'000;
  std::vector<double> expected(n);
  double sum = 0;
  for (uint64_t k = 1; k <= n; ++k)
    sum += expected[k - 1] = std::pow(static_cast<double>(k), -skew);
  std::vector<int> seen(n);
  const Zipf zipf(n, skew);
  Random random(seed);
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t k = zipf(random);
    EXPECT_TRUE(k >= 1 && k <= n);
    ++seen[k - 1];
  }
  double chi = 0, e = 0, s = 0;
  int cells = 0;
  for (uint64_t k = 0; k < n; ++k) {
    e += expected[k] / sum * kDraws;
    s += seen[k];
    if (e < 20 && k + 1 < n) continue;
    chi += (s - e) * (s - e) / e;
    e = s = 0;
    ++cells;
  }
  return cells < 2 ? 0 : (chi - (cells - 1)) / std::sqrt(2.0 * (cells - 1));
}

TEST(ZipfTest, Draws_have_the_exact_probabilities) {
  uint64_t seed = 1;
  for (const uint64_t n : {1, 2, 3, 10, 1000, 50'000}) {
    for (const double skew : {0.0, 0.5, 0.99, 1.0, 1.01, 1.1, 2.0, 4.0}) {
      EXPECT_LT(surprise(n, skew, seed++), 5) << n << " " << skew;
    }
  }
}

TEST(ZipfTest, The_wrong_skew_would_be_noticed) {
  const Zipf zipf(100, 1.1);
  Random random(1);
  int ones = 0;
  for (int i = 0; i < 100'000; ++i) ones += zipf(random) == 1;
  EXPECT_NEAR(ones / 1e5, 1 / 4.278, 0.005);  // the sum of k^-1.1 up to 100
}

TEST(ZipfTest, Scatter_is_a_permutation) {
  for (const uint64_t n : {1, 2, 3, 4, 6, 10, 97, 1000, 4096}) {
    const Scatter scatter(n, n);
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < n; ++i) seen.insert(scatter(i));
    EXPECT_EQ(seen.size(), n);
    EXPECT_LT(*seen.rbegin(), n);
  }
}

}  // namespace
}  // namespace hemiola
