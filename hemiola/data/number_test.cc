#include "hemiola/data/number.h"

#include <gtest/gtest.h>

#include <string>

#include "hemiola/core/random.h"

namespace hemiola::number {
namespace {

// The text stands alone, and inside more text so that the fast paths are taken.
void expect_uint(const std::string& text, uint64_t value) {
  for (const std::string tail : {"", " and so on, far enough away"}) {
    const std::string all = text + tail;
    uint64_t out = 0;
    const char* behind = parse_uint(all.data(), all.data() + all.size(), out);
    ASSERT_NE(behind, nullptr) << all;
    EXPECT_EQ(behind - all.data(), static_cast<long>(text.size())) << all;
    EXPECT_EQ(out, value) << all;
  }
}

void expect_float(const std::string& text, float value) {
  for (const std::string tail : {"", " ", "\tand so on, far enough away"}) {
    const std::string all = text + tail;
    float out = 0;
    const char* behind = parse_float(all.data(), all.data() + all.size(), out);
    ASSERT_NE(behind, nullptr) << all;
    EXPECT_EQ(behind - all.data(), static_cast<long>(text.size())) << all;
    EXPECT_EQ(out, value) << all;
  }
}

void expect_no_float(const std::string& text) {
  for (const std::string tail : {"", " and so on, far enough away"}) {
    const std::string all = text + tail;
    float out = 0;
    EXPECT_EQ(parse_float(all.data(), all.data() + all.size(), out), nullptr) << all;
  }
}

TEST(NumberTest, Integers_of_every_length_are_read) {
  Random random(1);
  uint64_t power = 1;
  for (int digits = 1; digits <= 19; ++digits, power *= 10) {
    for (int i = 0; i < 200; ++i) {
      const uint64_t n = (digits == 1 ? 0 : power) + random() % (9 * power);
      expect_uint(std::to_string(n), n);
    }
  }
  expect_uint("18446744073709551615", UINT64_MAX);
  expect_uint("00000000000000000000000017", 17);
}

TEST(NumberTest, What_is_no_integer_is_refused) {
  for (const std::string text :
       {"", "-1", "+1", "x1", " 1", ":", "18446744073709551616", "99999999999999999999999"}) {
    for (const std::string tail : {"", " and so on"}) {
      const std::string all = text + tail;
      uint64_t out = 0;
      EXPECT_EQ(parse_uint(all.data(), all.data() + all.size(), out), nullptr) << all;
    }
  }
}

TEST(NumberTest, Every_byte_but_a_digit_ends_an_integer) {
  for (int c = 0; c < 256; ++c) {
    if (is_digit(static_cast<char>(c))) continue;
    const std::string all = std::string("42") + static_cast<char>(c) + "9999999999";
    uint64_t out = 0;
    EXPECT_EQ(parse_uint(all.data(), all.data() + all.size(), out), all.data() + 2) << c;
    EXPECT_EQ(out, 42u) << c;
  }
}

TEST(NumberTest, Decimals_agree_with_the_standard_library) {
  Random random(2);
  for (int i = 0; i < 20'000; ++i) {
    const double value = (random.uniform() - 0.5) * std::pow(10.0, random.uniform(-12, 12));
    const char* formats[] = {"%.3f", "%.7f", "%g", "%.9g", "%.17g", "%e", "%.8f", "%.15f", "%.16f"};
    char text[400];
    std::snprintf(text, sizeof text, formats[i % 9], value);
    expect_float(text, static_cast<float>(std::strtod(text, nullptr)));
  }
}

TEST(NumberTest, Common_spellings_are_read) {
  expect_float("1", 1);
  expect_float("+1", 1);
  expect_float("-1", -1);
  expect_float("1.", 1);
  expect_float(".5", 0.5F);
  expect_float("-.5", -0.5F);
  expect_float("4.500000000000000000000", 4.5F);
  expect_float("12345678", 12345678);
  expect_float("-0.012345678", -0.012345678F);
  expect_float("9007199.254740993", 9007199);
  expect_float("1844674.407370955161699", 1844674.375F);
  expect_float("9999999.999999999999999", 10000000);
  expect_float("1e3", 1000);
  expect_float("+1E-3", 0.001F);
}

TEST(NumberTest, What_is_no_finite_number_is_refused) {
  for (const char* text : {"", "x", "-", "+", "+-1", ".", "e5", "nan", "-nan", "inf", "-inf",
                           "infinity", "1e39", "-1e39", "1e999"}) {
    expect_no_float(text);
  }
}

}  // namespace
}  // namespace hemiola::number
