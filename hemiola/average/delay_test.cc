#include "hemiola/average/delay.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(DelayRule, A_late_step_counts_in_inverse_proportion_to_its_delay_or_not_at_all) {
  const DelayRule fixed = parse_delay("fixed"), adaptive = parse_delay("adaptive");
  for (const uint32_t delay : {0u, 1u, 7u, 1000u}) EXPECT_EQ(fixed.times(delay, 2), 1);
  EXPECT_EQ(adaptive.times(0, 2), 1);
  EXPECT_EQ(adaptive.times(2, 2), 1);
  EXPECT_EQ(adaptive.times(8, 2), 0.25f);
  EXPECT_EQ(adaptive.times(8, 0), 0.125f);
  const DelayRule drop = parse_delay("drop(5)");
  EXPECT_EQ(drop.times(5, 2), 1);
  EXPECT_EQ(drop.times(6, 2), 0);
}

TEST(DelayRule, What_is_written_wrongly_is_refused) {
  for (const char* text : {"fixed", "adaptive", "drop(12)"}) {
    EXPECT_EQ(parse_delay(text).name(), text);
  }
  for (const char* text :
       {"", "Fixed", "drop", "drop()", "drop(0)", "drop(-1)", "drop(3", "drop(x)"})
    EXPECT_THROW(parse_delay(text), UserError) << text;
}

TEST(DelayHistogram, Quantiles_are_at_most_an_eighth_too_large) {
  DelayHistogram all;
  EXPECT_EQ(all.quantile(0.5), 0u);
  for (uint32_t d = 0; d < 1000; ++d) all.add(d);
  EXPECT_EQ(all.count(), 1000u);
  EXPECT_DOUBLE_EQ(all.mean(), 499.5);
  EXPECT_EQ(all.quantile(0.01), 9u);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = share * 1000 - 1, found = static_cast<double>(all.quantile(share));
    EXPECT_GE(found, exact);
    EXPECT_LE(found, exact * 1.126);
  }
  DelayHistogram long_ones;
  for (const uint32_t d : {16u, 17u, 100'000u, UINT32_MAX}) long_ones.add(d);
  EXPECT_EQ(long_ones.quantile(0.25), 17u);
  EXPECT_GE(long_ones.quantile(0.75), 100'000u);
}

TEST(DelayHistogram, The_sum_of_packed_ones_is_that_of_all) {
  DelayHistogram a, b, both;
  for (uint32_t d = 0; d < 300; ++d) {
    (d % 3 ? a : b).add(d * 7);
    both.add(d * 7);
  }
  auto sum = a.pack();
  const auto other = b.pack();
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
  EXPECT_EQ(DelayHistogram::unpack(sum).pack(), both.pack());
}

}  // namespace
}  // namespace hemiola
