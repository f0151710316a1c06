#include "hemiola/average/auto_codec.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/average/codec.h"
#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

constexpr double kGigabyte = 1e9, kMegabyte = 1e6;

std::vector<CodecSpeed> speeds() {
  return {{"bf16", 10 * kGigabyte, 12 * kGigabyte},
          {"quantise(8)", 4 * kGigabyte, 8 * kGigabyte},
          {"quantise(4)", 4 * kGigabyte, 8 * kGigabyte}};
}

TEST(AutoCodec, A_slow_link_gets_few_bits) {
  const auto choice = auto_codec(125 * kMegabyte, speeds(), 4 << 20);
  EXPECT_EQ(choice.codec, "quantise(4, 512)");
  EXPECT_LT(choice.seconds, choice.dense_seconds / 5);
}

TEST(AutoCodec, A_fast_link_gets_plain_floats) {
  const auto choice = auto_codec(20 * kGigabyte, speeds(), 4 << 20);
  EXPECT_EQ(choice.codec, "none");
  EXPECT_EQ(choice.seconds, choice.dense_seconds);
}

TEST(AutoCodec, Between_them_the_smaller_error_is_preferred) {
  // Dense 0.25 ns a byte; bf16 0.125 + 0.18; nothing pays. At half that link bf16 does, and fewer
  // bits would save less than a fifth more.
  EXPECT_EQ(auto_codec(4 * kGigabyte, speeds(), 1 << 20).codec, "none");
  EXPECT_EQ(auto_codec(2 * kGigabyte, speeds(), 1 << 20).codec, "none");
  EXPECT_EQ(auto_codec(1.5 * kGigabyte, speeds(), 1 << 20).codec, "bf16");
  EXPECT_EQ(auto_codec(0.6 * kGigabyte, speeds(), 1 << 20).codec, "quantise(4, 512)");
  auto slower = speeds();
  slower.back().encode = 1.5 * kGigabyte;
  EXPECT_EQ(auto_codec(0.6 * kGigabyte, slower, 1 << 20).codec, "quantise(8, 512)");
}

TEST(AutoCodec, A_slow_encoder_is_not_taken_however_few_its_bytes) {
  const std::vector<CodecSpeed> slow{{"quantise(2)", 50 * kMegabyte, 50 * kMegabyte}};
  EXPECT_EQ(auto_codec(100 * kMegabyte, slow, 1 << 20).codec, "none");
  const std::vector<CodecSpeed> one_way{{"quantise(2)", 5 * kGigabyte, 50 * kMegabyte}};
  EXPECT_EQ(auto_codec(100 * kMegabyte, one_way, 1 << 20).codec, "none");
}

TEST(AutoCodec, What_was_not_measured_or_is_empty_is_no_candidate) {
  const std::vector<CodecSpeed> unknown{{"quantise(4)", 0, 0}, {"bf16", std::nan(""), 1e9}};
  EXPECT_EQ(auto_codec(1, unknown, 1000).codec, "none");
  EXPECT_EQ(auto_codec(1, {}, 1000).codec, "none");
  EXPECT_EQ(auto_codec(1 * kMegabyte, speeds(), 0).codec, "none");
  const std::vector<CodecSpeed> wrong{{"zip", 1e9, 1e9}};
  EXPECT_THROW(auto_codec(1, wrong, 1000), UserError);
}

TEST(AutoCodec, The_choice_is_never_slower_than_plain_floats_by_its_model) {
  Random random(5);
  int compressed = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto some = [&](double least, double most) {
      return std::exp(random.uniform(std::log(least), std::log(most)));
    };
    std::vector<CodecSpeed> all;
    for (const char* text : {"bf16", "quantise(8)", "quantise(4)", "quantise(2)", "none"}) {
      if (random.chance(0.8)) all.push_back({text, some(1e7, 1e11), some(1e7, 1e11)});
    }
    const double link = some(1e5, 1e11);
    const size_t n = static_cast<size_t>(some(1, 1e8));
    const CodecChoice choice = auto_codec(link, all, n);
    const double dense = 4.0 * static_cast<double>(n) / link;
    EXPECT_NEAR(choice.dense_seconds, dense, 1e-9 * dense);
    double again = dense;
    for (const CodecSpeed& speed : all) {
      if (make_codec(speed.codec)->text() != choice.codec || choice.codec == "none") continue;
      again = 4.0 * static_cast<double>(n) * (1 / speed.encode + 1 / speed.decode) +
              static_cast<double>(make_codec(choice.codec)->bytes_for(n)) / link;
      ++compressed;
    }
    EXPECT_NEAR(choice.seconds, again, 1e-9 * again);
    EXPECT_LE(again, 1.02 * dense);
  }
  EXPECT_GT(compressed, 200);
  EXPECT_LT(compressed, 1800);
}

TEST(AutoCodec, The_reason_has_both_times_and_the_link) {
  EXPECT_EQ(auto_codec(125 * kMegabyte, speeds(), 4'000'000).reason,
            "quantise(4, 512) takes 22.3 ms a vector, plain floats 128 ms over a link of 125 MB/s");
  EXPECT_EQ(
      auto_codec(20 * kGigabyte, speeds(), 4'000'000).reason,
      "no codec: bf16 would take 3.33 ms a vector, plain floats 800 us over a link of 20 GB/s");
  EXPECT_EQ(auto_codec(20 * kGigabyte, {}, 4'000'000).reason,
            "plain floats 800 us over a link of 20 GB/s: no codec was measured");
}

}  // namespace
}  // namespace hemiola
