#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/average/codec_for_test.h"
#include "hemiola/average/codec_kinds.h"

namespace hemiola {
namespace {

using test::decoded;
using test::encoded;
using test::normal_vector;

// The same levels, to the nearest: what an unbiased codec must not do.
class NearestCodec final : public Codec {
 public:
  explicit NearestCodec(double levels) : levels_(levels) {}

  size_t encode(std::span<const float> x, CodecMemory& memory, Random& random,
                std::span<std::byte> out) const override {
    double largest = 0;
    for (const float v : x) largest = std::max<double>(largest, std::abs(v));
    std::vector<float> rounded;
    for (const float v : x) {
      rounded.push_back(static_cast<float>(std::round(v * levels_ / largest) * largest / levels_));
    }
    return none_->encode(rounded, memory, random, out);
  }
  Refusal decode(std::span<const std::byte> m, std::span<float> out) const override {
    return none_->decode(m, out);
  }
  Refusal decode_add(std::span<const std::byte> m, float w, std::span<float> out) const override {
    return none_->decode_add(m, w, out);
  }
  size_t bytes_for(size_t n) const override { return 4 * n; }
  double error_bound(size_t) const override { return 0; }
  bool biased() const override { return true; }
  std::string text() const override { return "nearest"; }

 private:
  double levels_;
  std::unique_ptr<const Codec> none_ = make_codec("none");
};

// The exact variance of each value: step^2 p (1 - p), p the part above the level below.
std::vector<double> variances(std::span<const float> x, size_t bucket, double levels) {
  std::vector<double> all;
  for (size_t first = 0; first < x.size(); first += bucket) {
    const size_t here = std::min(bucket, x.size() - first);
    double largest = 0;
    for (size_t i = 0; i < here; ++i) largest = std::max<double>(largest, std::abs(x[first + i]));
    const double step = largest / levels;
    for (size_t i = 0; i < here; ++i) {
      const double a = std::abs(x[first + i]) / step, p = a - std::floor(a);
      all.push_back(step * step * p * (1 - p));
    }
  }
  return all;
}

struct Draws {
  double worst_mean = 0;      // farthest mean of a value from the true one, in standard errors
  double variance_ratio = 0;  // sum of the squared errors to that of the exact variances
};

Draws draw(const Codec& codec, std::span<const float> x, size_t bucket, double levels, int times) {
  std::vector<double> sum(x.size(), 0);
  double squared = 0, expected = 0;
  for (int t = 0; t < times; ++t) {
    const auto y = decoded(codec, encoded(codec, x, static_cast<uint64_t>(t) + 1000), x.size());
    for (size_t i = 0; i < x.size(); ++i) sum[i] += static_cast<double>(y[i]) - x[i];
    squared += test::squared_distance(x, y);
  }
  Draws draws;
  const auto exact = variances(x, bucket, levels);
  for (size_t i = 0; i < x.size(); ++i) {
    expected += exact[i];
    // Values within rounding of a level hardly vary: there the mean must be as near as floats are.
    const double error = std::sqrt(exact[i] / times) + 1e-7 * std::abs(x[i]);
    draws.worst_mean = std::max(draws.worst_mean, std::abs(sum[i]) / times / error);
  }
  draws.variance_ratio = squared / times / expected;
  return draws;
}

TEST(CodecQuantise, The_mean_is_exact_and_the_variance_as_computed) {
  const auto x = normal_vector(700, 5);
  for (const unsigned bits : {2u, 4u, 8u}) {
    const double levels = (1 << (bits - 1)) - 1;
    const auto codec = make_codec("quantise(" + std::to_string(bits) + ", 256)");
    const Draws draws = draw(*codec, x, 256, levels, 4000);
    EXPECT_LT(draws.worst_mean, 5) << bits << " bits";
    EXPECT_NEAR(draws.variance_ratio, 1, 0.02) << bits << " bits";
  }
}

TEST(CodecQuantise, Rounding_to_the_nearest_is_caught_as_biased) {
  const auto x = normal_vector(200, 5);
  for (const double levels : {1.0, 7.0, 127.0}) {
    EXPECT_GT(draw(NearestCodec(levels), x, 256, levels, 4000).worst_mean, 20);
  }
}

TEST(CodecQuantise, Values_below_the_least_scale_keep_their_mean) {
  auto x = normal_vector(64, 5);
  for (float& v : x) v *= 1e-32f;
  const auto codec = make_codec("quantise(4)");
  double sum = 0, true_sum = 0, squared = 0;
  constexpr int kTimes = 20000;
  for (int t = 0; t < kTimes; ++t) {
    for (const float v : decoded(*codec, encoded(*codec, x, static_cast<uint64_t>(t)), 64)) {
      sum += std::abs(v);
      squared += static_cast<double>(v) * v;
    }
  }
  for (const float v : x) true_sum += std::abs(v);
  EXPECT_NEAR(sum / kTimes, true_sum, 5 * std::sqrt(squared) / kTimes);
  EXPECT_LT(std::sqrt(squared) / kTimes, 0.02 * true_sum);
}

TEST(CodecQuantise, The_variance_is_within_the_bound_of_the_theorem) {
  for (const unsigned bits : {2u, 4u, 8u}) {
    const double s = (1 << (bits - 1)) - 1;
    for (const size_t m : {1u, 2u, 16u, 100u, 256u}) {
      const auto codec = make_codec("quantise(" + std::to_string(bits) + ", 256)");
      for (const int kind : {0, 1, 2}) {
        auto x = normal_vector(m, m);
        for (size_t i = 0; kind > 0 && i < m; ++i) x[i] = kind == 1 ? 0.5f : x[i] * x[i] * x[i];
        if (kind == 1) x[0] = 1;  // all others half way between levels, where there is one
        double exact = 0;
        for (const double v : variances(x, 256, s)) exact += v;
        const double md = static_cast<double>(m);
        const double bound = std::min(md / (s * s), std::sqrt(md) / s) * test::squares(x);
        EXPECT_LE(exact, bound);
        EXPECT_LE(exact, codec->error_bound(m) * test::squares(x) * (1 + 1e-9));
        EXPECT_LE(codec->error_bound(m), std::min(md / (s * s), std::sqrt(md) / s));
      }
    }
  }
}

TEST(CodecQuantise, Values_on_levels_come_back_as_they_were) {
  for (const unsigned bits : {2u, 4u, 8u}) {
    const int most = (1 << (bits - 1)) - 1;
    const auto codec = make_codec("quantise(" + std::to_string(bits) + ", 256)");
    for (const size_t n : test::kLengths) {
      Random random(n);
      std::vector<float> x(n);
      for (float& v : x) {
        v = static_cast<float>(static_cast<int>(random.below(2 * most + 1)) - most);
      }
      for (size_t i = 0; i < n; i += 256) x[i] = static_cast<float>(most);
      EXPECT_EQ(decoded(*codec, encoded(*codec, x, n), n), x) << bits << " bits, " << n;
    }
  }
}

TEST(CodecQuantise, A_second_encoding_of_decoded_values_hardly_changes_any) {
  for (const char* text : {"quantise(2)", "quantise(4)", "quantise(8)"}) {
    const auto codec = make_codec(text);
    size_t changed = 0;  // those that are a rounding of floats away from their level
    for (const size_t n : test::kLengths) {
      const auto y = decoded(*codec, encoded(*codec, normal_vector(n, n)), n);
      const auto again = decoded(*codec, encoded(*codec, y, 99), n);
      for (size_t i = 0; i < n; ++i) changed += std::abs(again[i] - y[i]) > 1e-6 * std::abs(y[i]);
    }
    EXPECT_LE(changed, 3u) << text;
  }
}

TEST(CodecQuantise, Errors_of_neighbours_are_not_related) {
  const auto codec = make_codec("quantise(4)");
  std::vector<float> x(512, 0.55f);
  x[0] = 1;
  constexpr int kTimes = 2000;
  for (const size_t apart : {1u, 8u, 16u, 64u}) {
    double product = 0, square = 0;
    for (int t = 0; t < kTimes; ++t) {
      const auto y = decoded(*codec, encoded(*codec, x, static_cast<uint64_t>(t)), x.size());
      for (size_t i = 1; i + apart < x.size(); ++i) {
        product += static_cast<double>(y[i] - x[i]) * (y[i + apart] - x[i + apart]);
        square += static_cast<double>(y[i] - x[i]) * (y[i] - x[i]);
      }
    }
    EXPECT_LT(std::abs(product / square), 5 / std::sqrt(400.0 * kTimes)) << apart << " apart";
  }
}

TEST(CodecQuantise, Zeros_stay_zeros) {
  for (const char* text : {"quantise(2)", "quantise(4)", "quantise(8)", "sign"}) {
    const auto codec = make_codec(text);
    const std::vector<float> zeros(1000, 0.0f);
    EXPECT_EQ(decoded(*codec, encoded(*codec, zeros), 1000), zeros) << text;
  }
}

TEST(CodecQuantise, Only_the_bucket_of_a_nan_is_lost) {
  for (const char* text : {"quantise(4, 512)", "sign"}) {
    const size_t bucket = text[0] == 's' ? 1024 : 512;
    auto x = normal_vector(3 * bucket, 1);
    x[bucket + 7] = std::nanf("");
    const auto codec = make_codec(text);
    const auto y = decoded(*codec, encoded(*codec, x), x.size());
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isnan(y[i]), i / bucket == 1) << text;
  }
}

TEST(CodecSign, Values_become_their_sign_times_the_mean_magnitude) {
  const auto codec = make_codec("sign");
  for (const size_t n : {1u, 33u, 1024u, 1500u}) {
    const auto x = normal_vector(n, n);
    const auto y = decoded(*codec, encoded(*codec, x), n);
    for (size_t first = 0; first < n; first += 1024) {
      const size_t here = std::min<size_t>(1024, n - first);
      double mean = 0, inner = 0;
      for (size_t i = first; i < first + here; ++i) mean += std::abs(x[i]) / here;
      for (size_t i = first; i < first + here; ++i) {
        EXPECT_NEAR(y[i], std::copysign(mean, x[i]), 1e-5 * mean);
        inner += std::abs(x[i]);
      }
      // |x - C(x)|^2 = (1 - |x|_1^2 / (m |x|^2)) |x|^2.
      const std::span<const float> part(x.data() + first, here), sent(y.data() + first, here);
      EXPECT_NEAR(test::squared_distance(part, sent),
                  test::squares(part) - inner * inner / static_cast<double>(here),
                  1e-4 * test::squares(part));
    }
  }
}

}  // namespace
}  // namespace hemiola
