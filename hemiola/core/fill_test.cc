#include "hemiola/core/fill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

using Floats = std::vector<float>;

class FillTest : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > simd_here()) GTEST_SKIP() << "this machine lacks the instruction set";
  }
};

TEST_P(FillTest, Every_bit_is_that_of_the_plain_twin_at_every_length) {
  const FillKernels& fast = fill_for(GetParam());
  for (size_t n = 0; n <= 200; ++n) {
    for (const uint64_t place : {uint64_t{0}, mix(n), ~uint64_t{0}}) {
      Floats got(n + 2, 9), want(n + 2, 9);
      fast.uniform(got.data() + 1, n, place, -0.3F, 1.7F);
      kFillPlain.uniform(want.data() + 1, n, place, -0.3F, 1.7F);
      ASSERT_EQ(got, want) << n;
      fast.normal(got.data() + 1, n, place, 0.1F, 0.7F);
      kFillPlain.normal(want.data() + 1, n, place, 0.1F, 0.7F);
      ASSERT_EQ(got, want) << n;
    }
  }
  Floats got(1 << 20), want(1 << 20);
  fast.normal(got.data(), got.size(), 7, 0, 1);
  kFillPlain.normal(want.data(), want.size(), 7, 0, 1);
  EXPECT_EQ(got, want) << "where the tails are";
}

std::string name_of(const testing::TestParamInfo<Simd>& tried) {
  const char* const names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(tried.param)];
}

INSTANTIATE_TEST_SUITE_P(Simd, FillTest, testing::Values(Simd::baseline, Simd::avx2, Simd::avx512),
                         name_of);

// Many short rows at places that follow each other, as a table has them: mix(seed, key).
Floats rows_of(bool normal, size_t rows, size_t length, uint64_t seed = 3) {
  Floats all(rows * length);
  for (size_t r = 0; r < rows; ++r) {
    const uint64_t place = mix(seed, r);
    if (normal) fill().normal(&all[r * length], length, place, 0, 1);
    if (!normal) fill().uniform(&all[r * length], length, place, 0, 1);
  }
  return all;
}

double normal_below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// Largest distance between the distribution of the values and `below`, times sqrt(n): above 1.95
// by chance once in a thousand seeds, and the seed is fixed (Kolmogorov and Smirnov).
template <class Below>
double distance(Floats values, const Below& below) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double most = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double at = below(values[i]);
    const auto before = static_cast<double>(i);
    most = std::max({most, at - before / n, (before + 1) / n - at});
  }
  return most * std::sqrt(n);
}

TEST(Fill, Uniform_values_are_even) {
  EXPECT_LT(distance(rows_of(false, 1 << 16, 16), [](double x) { return x; }), 1.95);
  EXPECT_LT(distance(rows_of(false, 1, 1 << 20), [](double x) { return x; }), 1.95);
}

TEST(Fill, Normal_values_are_normal_and_so_are_their_tails) {
  const Floats values = rows_of(true, 1 << 17, 32);
  EXPECT_LT(distance(values, normal_below), 1.95);
  for (const double beyond : {2.5, 3.5, 4.5}) {
    const double expected = 2 * normal_below(-beyond) * static_cast<double>(values.size());
    const auto seen = static_cast<double>(
        std::count_if(values.begin(), values.end(), [&](float x) { return std::abs(x) > beyond; }));
    EXPECT_NEAR(seen, expected, 4 * std::sqrt(expected)) << "beyond " << beyond;
  }
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_GT(*least, -5.5F);
  EXPECT_LT(*most, 5.5F);
}

// Sum of products over sqrt(n): normal with deviation 1 when the two have nothing to do with each
// other.
double together(const Floats& values, size_t apart) {
  double sum = 0;
  for (size_t i = apart; i < values.size(); ++i) sum += double{values[i]} * values[i - apart];
  return sum / std::sqrt(static_cast<double>(values.size() - apart));
}

TEST(Fill, Neighbours_in_a_row_rows_of_neighbours_and_seeds_have_nothing_in_common) {
  const Floats values = rows_of(true, 1 << 15, 64);
  for (const size_t apart : {1, 2, 16, 63, 64, 128, 64 * 1024}) {
    EXPECT_LT(std::abs(together(values, apart)), 4) << apart << " apart";
  }
  Floats squares = values;
  for (float& x : squares) x = (x * x - 1) / std::sqrt(2.0F);
  for (const size_t apart : {1, 2, 16, 63, 64, 128}) {
    EXPECT_LT(std::abs(together(squares, apart)), 4) << "squares, " << apart << " apart";
  }
  Floats both = values;
  const Floats other = rows_of(true, 1 << 15, 64, 4);
  both.insert(both.end(), other.begin(), other.end());
  EXPECT_LT(std::abs(together(both, values.size())), 4);
}

}  // namespace
}  // namespace hemiola
