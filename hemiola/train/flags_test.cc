#include "hemiola/train/flags.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(Flags, Durations_have_units) {
  EXPECT_EQ(parse_duration("50us", "--latency").ns, 50'000);
  EXPECT_EQ(parse_duration("1.5ms", "--latency").ns, 1'500'000);
  EXPECT_EQ(parse_duration("2s", "--latency").ns, 2'000'000'000);
  EXPECT_THROW(parse_duration("50", "--latency"), UserError);
  EXPECT_THROW(parse_duration("-1s", "--latency"), UserError);
  EXPECT_THROW(parse_duration("nans", "--latency"), UserError);
}

TEST(Flags, Bandwidth_is_in_bits_or_bytes) {
  EXPECT_DOUBLE_EQ(parse_bandwidth("10Gbit", "--bandwidth"), 1.25e9);
  EXPECT_DOUBLE_EQ(parse_bandwidth("100MB", "--bandwidth"), 1e8);
  try {
    parse_bandwidth("fast", "--bandwidth");
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(), "`fast` is no value for --bandwidth; write for example 10Gbit");
  }
}

TEST(Flags, A_slow_node_is_a_number_and_a_factor) {
  EXPECT_EQ(parse_throw("2:100", "--throw"), (std::pair<uint32_t, uint64_t>{2, 100}));
  for (const char* wrong : {"", "2", "2:", ":7", "2:0", "2:1x", "x:1"}) {
    EXPECT_THROW(parse_throw(wrong, "--throw"), UserError) << wrong;
  }
  EXPECT_EQ(parse_slow_node("3:6x", "--slow-node"), (std::pair<uint32_t, double>{3, 6.0}));
  EXPECT_EQ(parse_slow_node("0:1.5", "--slow-node").second, 1.5);
  EXPECT_THROW(parse_slow_node("3", "--slow-node"), UserError);
  EXPECT_THROW(parse_slow_node("x:2", "--slow-node"), UserError);
  EXPECT_THROW(parse_slow_node("3:0x", "--slow-node"), UserError);
}

}  // namespace
}  // namespace hemiola
