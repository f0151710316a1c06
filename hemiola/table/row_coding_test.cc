#include "hemiola/table/row_coding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

const char* const kLossy[] = {"bf16", "quantise(8)", "quantise(4)", "quantise(2)"};

std::vector<float> there_and_back(const RowForm& form, const std::vector<float>& row) {
  std::vector<std::byte> message(form.bytes() + 1, std::byte{0x5a});
  form.encode(row.data(), message.data());
  EXPECT_EQ(message.back(), std::byte{0x5a});
  std::vector<float> back(row.size(), -1);
  form.decode(message.data(), back.data());
  return back;
}

std::vector<float> some_row(Random& random, uint32_t length) {
  std::vector<float> row(length);
  const auto size = static_cast<float>(std::exp(20 * (random.uniform() - 0.5)));
  for (float& x : row) x = size * static_cast<float>(random.normal());
  return row;
}

TEST(RowCoding, A_row_takes_the_bytes_of_its_coding) {
  const auto bytes = [](const char* text, uint32_t length, uint32_t values) {
    return RowForm(length, values, parse_row_coding(text)).bytes();
  };
  EXPECT_EQ(bytes("none", 10, 10), 40u);
  EXPECT_EQ(bytes("bf16", 10, 10), 20u);
  EXPECT_EQ(bytes("bf16", 11, 10), 24u);
  EXPECT_EQ(bytes("quantise(8)", 100, 100), 104u);
  EXPECT_EQ(bytes("quantise(4)", 100, 100), 52u);
  EXPECT_EQ(bytes("quantise(2)", 100, 100), 28u);
  EXPECT_EQ(bytes("quantise(4)", 200, 100), 252u);
}

TEST(RowCoding, Floats_are_what_they_were) {
  Random random(1);
  const auto row = some_row(random, 7);
  EXPECT_EQ(there_and_back(RowForm(7), row), row);
}

TEST(RowCoding, No_value_is_further_off_than_half_a_step) {
  Random random(2);
  for (int turn = 0; turn < 2000; ++turn) {
    const auto length = static_cast<uint32_t>(1 + random.below(40));
    const auto row = some_row(random, length);
    float largest = 0;
    for (const float x : row) largest = std::max(largest, std::fabs(x));
    for (const char* text : kLossy) {
      const RowCoding coding = parse_row_coding(text);
      const auto back = there_and_back(RowForm(length, length, coding), row);
      for (uint32_t i = 0; i < length; ++i) {
        const float levels =
            coding.bits == 0 ? 256 : static_cast<float>((1 << (coding.bits - 1)) - 1);
        const float most = coding.bits == 0 ? std::fabs(row[i]) / levels : largest / levels;
        EXPECT_LE(std::fabs(back[i] - row[i]), most) << text;
        EXPECT_LE(std::fabs(back[i] - row[i]), std::fabs(row[i])) << text;
      }
    }
  }
}

// Steps are powers of two, so what is added up in floats is added up exactly.
TEST(RowCoding, What_was_sent_and_what_is_left_are_the_row_to_the_bit) {
  Random random(3);
  for (int turn = 0; turn < 1000; ++turn) {
    std::vector<float> row(9);
    for (float& x : row) x = static_cast<float>(random.below(2001)) - 1000;
    for (const char* text : kLossy) {
      const auto back = there_and_back(RowForm(9, 9, parse_row_coding(text)), row);
      for (uint32_t i = 0; i < 9; ++i) EXPECT_EQ(back[i] + (row[i] - back[i]), row[i]) << text;
    }
  }
}

TEST(RowCoding, With_what_was_left_out_added_each_time_all_comes_over) {
  Random random(4);
  for (const char* text : kLossy) {
    const RowForm form(6, 6, parse_row_coding(text));
    std::vector<float> given(6), got(6);
    for (int turn = 0; turn < 200; ++turn) {
      std::vector<float> change(6);
      for (uint32_t i = 0; i < 6; ++i) {
        if (turn < 150) given[i] += static_cast<float>(random.normal());
        change[i] = given[i] - got[i];
      }
      const auto sent = there_and_back(form, change);
      for (uint32_t i = 0; i < 6; ++i) got[i] += sent[i];
    }
    for (uint32_t i = 0; i < 6; ++i) EXPECT_NEAR(got[i], given[i], 1e-5) << text;
  }
}

// AdaGrad's sums begin at zero and grow, next to values of any size.
TEST(RowCoding, State_that_grows_is_never_told_larger_than_it_is) {
  Random random(5);
  for (const char* text : kLossy) {
    const RowForm form(4, 2, parse_row_coding(text));
    std::vector<float> given(4), got(4);
    for (int turn = 0; turn < 300; ++turn) {
      std::vector<float> change(4);
      for (uint32_t i = 0; i < 4; ++i) {
        given[i] += static_cast<float>(std::exp(10 * (random.uniform() - 0.7)));
        change[i] = given[i] - got[i];
      }
      const auto sent = there_and_back(form, change);
      for (uint32_t i = 0; i < 4; ++i) got[i] += sent[i];
      for (uint32_t i = 2; i < 4; ++i) {
        EXPECT_GE(sent[i], 0) << text;
        EXPECT_LE(got[i], given[i]) << text;
        EXPECT_NEAR(got[i], given[i], 0.01 * given[i]) << text;
      }
    }
  }
}

TEST(RowCoding, What_is_not_finite_does_not_become_finite) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    for (const char* text : kLossy) {
      std::vector<float> row{1, bad, 2, bad};
      const auto back = there_and_back(RowForm(4, 3, parse_row_coding(text)), row);
      EXPECT_FALSE(std::isfinite(back[1])) << text;
      EXPECT_FALSE(std::isfinite(back[3])) << text;
    }
  }
}

TEST(RowCoding, Zeros_tiny_and_huge_values_come_back) {
  for (const char* text : kLossy) {
    const RowForm form(2, 2, parse_row_coding(text));
    EXPECT_EQ(there_and_back(form, {0, 0}), (std::vector<float>{0, 0})) << text;
    for (const float x : {1e-44f, 1e-37f, 1.5f, 1e38f}) {
      const auto back = there_and_back(form, {x, 0});
      EXPECT_TRUE(std::isfinite(back[0])) << text << " " << x;
      EXPECT_LE(std::fabs(back[0] - x), x) << text << " " << x;
    }
  }
}

TEST(RowCoding, Rows_that_are_read_whole_have_eight_bits_at_least) {
  EXPECT_EQ(parse_row_coding("quantise(2)").of_reads().bits, 8u);
  EXPECT_EQ(parse_row_coding("bf16").of_reads().bits, 0u);
  EXPECT_FALSE(parse_row_coding("none").of_reads().lossy());
}

TEST(RowCoding, Codecs_that_need_more_than_a_row_are_refused_by_name) {
  for (const char* text : {"topk(0.1)", "sign", "lowrank(2)", "quantise(3)"}) {
    try {
      parse_row_coding(text);
      ADD_FAILURE() << text;
    } catch (const UserError& e) {
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos);
      EXPECT_NE(std::string(e.what()).find("quantise(8)"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace hemiola
