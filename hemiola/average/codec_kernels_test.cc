#include "hemiola/average/codec_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "hemiola/average/codec_for_test.h"
#include "hemiola/average/codec_kinds.h"

namespace hemiola {
namespace {

using test::kLengths;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class CodecKernelsTest : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > simd_here()) GTEST_SKIP() << "this machine lacks the instruction set";
  }
  const CodecKernels& fast() const { return codec_kernels_for(GetParam()); }
};

// Vectors with all that may make trouble: zeros of both signs, tiny, huge and equal values, and
// buckets that hold something that is not finite.
std::vector<std::vector<float>> vectors_of(size_t n) {
  std::vector<std::vector<float>> all;
  all.push_back(test::normal_vector(n, n));
  all.emplace_back(n, 0.0f);
  all.emplace_back(n, -0.0f);
  all.emplace_back(n, -3.5f);
  for (const float scale : {1e-38f, 1e-42f, 1e37f}) {
    all.push_back(test::normal_vector(n, n + 1));
    for (float& v : all.back()) v *= scale;
  }
  for (const float bad : {kNaN, -kNaN, kInfinity, -kInfinity}) {
    all.push_back(test::normal_vector(n, n + 2));
    for (size_t i = n / 2; i < n; i += 300) all.back()[i] = bad;
  }
  return all;
}

struct Coded {
  std::vector<unsigned char> steps, codes;

  Coded(size_t n, unsigned bits, size_t bucket)
      : steps((n + bucket - 1) / bucket * 4, 0xAB), codes((n * bits + 7) / 8 + 8, 0xCD) {}
  friend bool operator==(const Coded&, const Coded&) = default;
};

void expect_same_floats(std::span<const float> got, std::span<const float> want) {
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(want[i])) continue;
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i]))
        << "value " << i << " of " << got.size() << ": " << got[i] << ", not " << want[i];
  }
}

// `decode` of both kernels, setting and adding.
void expect_same_decoded(size_t n, const CodecKernels& fast, auto&& decode) {
  for (const bool add : {false, true}) {
    std::vector<float> got = test::normal_vector(n, 5), want = got;
    decode(fast, DecodeInto{got.data(), add, 0.3f});
    decode(kCodecPlain, DecodeInto{want.data(), add, 0.3f});
    expect_same_floats(got, want);
  }
}

TEST_P(CodecKernelsTest, Quantised_bytes_are_those_of_the_plain_twin) {
  for (const size_t n : kLengths) {
    for (const unsigned bits : {2u, 4u, 8u}) {
      for (const size_t bucket : {256u, 768u}) {
        for (const auto& x : vectors_of(n)) {
          SCOPED_TRACE(testing::Message() << n << " values, " << bits << " bits, " << bucket);
          const uint64_t key = mix(n, bits);
          Coded got(n, bits, bucket), want(n, bits, bucket);
          fast().quantise(x.data(), n, bits, bucket, key, got.steps.data(), got.codes.data());
          kCodecPlain.quantise(x.data(), n, bits, bucket, key, want.steps.data(),
                               want.codes.data());
          ASSERT_EQ(got.codes, want.codes);
          ASSERT_EQ(got.steps, want.steps);
          expect_same_decoded(n, fast(), [&](const CodecKernels& k, const DecodeInto& into) {
            k.dequantise(got.steps.data(), got.codes.data(), n, bits, bucket, into);
          });
        }
      }
    }
  }
}

TEST_P(CodecKernelsTest, Any_codes_decode_as_in_the_plain_twin) {
  Random random(3);
  for (const size_t n : kLengths) {
    for (const unsigned bits : {1u, 2u, 4u, 8u}) {
      Coded noise(n, bits, 256);
      for (auto& b : noise.codes) b = static_cast<unsigned char>(random());
      for (auto& b : noise.steps) b = static_cast<unsigned char>(random());
      expect_same_decoded(n, fast(), [&](const CodecKernels& k, const DecodeInto& into) {
        if (bits == 1) {
          k.from_signs(noise.steps.data(), noise.codes.data(), n, 256, into);
        } else {
          k.dequantise(noise.steps.data(), noise.codes.data(), n, bits, 256, into);
        }
      });
    }
  }
}

TEST_P(CodecKernelsTest, Signs_are_those_of_the_plain_twin) {
  for (const size_t n : kLengths) {
    for (const auto& x : vectors_of(n)) {
      SCOPED_TRACE(testing::Message() << n << " values");
      Coded got(n, 1, 256), want(n, 1, 256);
      fast().signs(x.data(), n, 256, got.steps.data(), got.codes.data());
      kCodecPlain.signs(x.data(), n, 256, want.steps.data(), want.codes.data());
      ASSERT_EQ(got, want);
      expect_same_decoded(n, fast(), [&](const CodecKernels& k, const DecodeInto& into) {
        k.from_signs(got.steps.data(), got.codes.data(), n, 256, into);
      });
    }
  }
}

TEST_P(CodecKernelsTest, Halves_are_those_of_the_plain_twin) {
  for (const size_t n : kLengths) {
    for (const auto& x : vectors_of(n)) {
      std::vector<unsigned char> got(2 * n + 3, 9), want = got;
      fast().to_bf16(x.data(), n, got.data());
      kCodecPlain.to_bf16(x.data(), n, want.data());
      ASSERT_EQ(got, want);
      expect_same_decoded(n, fast(), [&](const CodecKernels& k, const DecodeInto& into) {
        k.from_bf16(got.data(), n, into);
      });
    }
  }
}

TEST_P(CodecKernelsTest, Sums_and_combinations_are_bit_for_bit_those_of_the_plain_twin) {
  for (const size_t n : kLengths) {
    const auto x = test::normal_vector(n, 1), y = test::normal_vector(n, 2);
    EXPECT_EQ(fast().dot(x.data(), y.data(), n), kCodecPlain.dot(x.data(), y.data(), n));
    auto got = y, want = y;
    fast().axpy(got.data(), 0.7f, x.data(), n);
    kCodecPlain.axpy(want.data(), 0.7f, x.data(), n);
    expect_same_floats(got, want);
    const auto rows = test::normal_vector(3 * (n + 5), 3);
    const float factors[] = {0.3f, -1.7f, 2.9f};
    expect_same_decoded(n, fast(), [&](const CodecKernels& k, const DecodeInto& into) {
      k.combine(factors, 3, rows.data(), n + 5, n, into);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, CodecKernelsTest,
                         testing::Values(Simd::baseline, Simd::avx2, Simd::avx512));

}  // namespace
}  // namespace hemiola
