#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "hemiola/average/codec_for_test.h"

namespace hemiola {
namespace {

using test::decoded;
using test::encoded;
using test::normal_vector;

// The plain way: sort all, take the first k.
std::vector<float> largest(std::span<const float> x, size_t k) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::abs(x[a]) > std::abs(x[b]); });
  std::vector<float> y(x.size(), 0.0f);
  for (size_t i = 0; i < k; ++i) y[order[i]] = x[order[i]];
  return y;
}

std::vector<std::vector<float>> vectors_of(size_t n) {
  std::vector<std::vector<float>> all{normal_vector(n, n), std::vector<float>(n, 2.5f),
                                      std::vector<float>(n, 0.0f), normal_vector(n, n + 1)};
  for (float& v : all.back()) v = std::round(v * 2);  // many of the same size
  all.push_back(normal_vector(n, n + 2));
  for (float& v : all.back()) v = std::exp(20 * v);
  all.push_back(normal_vector(n, n + 3));
  for (float& v : all.back()) v *= 1e-40f;
  return all;
}

TEST(CodecTopk, The_largest_are_sent_as_they_are_and_nothing_else) {
  for (const double share : {0.001, 0.01, 0.1, 0.5, 1.0}) {
    const auto codec = make_codec("topk(" + std::to_string(share) + ")");
    for (const size_t n : test::kLengths) {
      const size_t k = static_cast<size_t>(std::ceil(share * static_cast<double>(n) - 1e-9));
      for (const auto& x : vectors_of(n)) {
        EXPECT_EQ(decoded(*codec, encoded(*codec, x), n), largest(x, k)) << share << " of " << n;
      }
    }
  }
}

TEST(CodecTopk, The_error_shrinks_by_the_share_that_is_sent) {
  for (const size_t n : {10u, 1000u, 4096u}) {
    for (const auto& x : vectors_of(n)) {
      const auto codec = make_codec("topk(0.2)");
      const double error = test::squared_distance(x, decoded(*codec, encoded(*codec, x), n));
      EXPECT_LE(error, (1 - 0.2) * test::squares(x) * (1 + 1e-6) + 1e-60);
    }
  }
  // With all values alike the bound is met exactly.
  const std::vector<float> even(1000, 3.0f);
  const auto codec = make_codec("topk(0.2)");
  EXPECT_NEAR(test::squared_distance(even, decoded(*codec, encoded(*codec, even), 1000)), 7200, 1);
}

TEST(CodecTopk, Places_far_apart_fit_the_announced_size) {
  for (const size_t n : {200u, 20000u, 300000u}) {
    for (const double share : {0.00001, 0.0001, 0.01}) {
      const auto codec = make_codec("topk(" + std::to_string(share) + ")");
      std::vector<float> x(n, 0.0f);
      Random random(n);
      for (size_t i = 0; i < n / 50; ++i) x[random.below(n)] = static_cast<float>(random.normal());
      x[n - 1] = 100;
      const auto message = encoded(*codec, x);
      EXPECT_LE(message.size(), codec->bytes_for(n));
      EXPECT_EQ(decoded(*codec, message, n)[n - 1], 100.0f);
    }
  }
}

TEST(CodecTopk, A_place_takes_little_more_than_a_byte_where_one_in_a_hundred_is_sent) {
  const auto codec = make_codec("topk(0.01)");
  const auto message = encoded(*codec, normal_vector(1 << 17, 2));
  const double values = std::ceil((1 << 17) * 0.01);
  EXPECT_LT(static_cast<double>(message.size()), 5.4 * values);
}

}  // namespace
}  // namespace hemiola
