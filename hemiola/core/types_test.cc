#include "hemiola/core/types.h"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>
#include <unordered_set>

namespace hemiola {
namespace {

TEST(Id, Two_kinds_of_number_cannot_be_mixed_up) {
  static_assert(!std::is_convertible_v<NodeId, WorkerId>);
  static_assert(!std::is_constructible_v<NodeId, WorkerId>);
  static_assert(!std::is_convertible_v<uint32_t, Key>);
  static_assert(!std::is_convertible_v<Key, uint32_t>);
  static_assert(!std::equality_comparable_with<NodeId, WorkerId>);
  static_assert(!std::is_constructible_v<Instant, Duration>);
}

TEST(Id, Costs_no_more_than_its_number) {
  static_assert(sizeof(Key) == 4 && std::is_trivially_copyable_v<Key>);
  static_assert(sizeof(Instant) == 8 && std::is_trivially_copyable_v<Instant>);
}

TEST(Id, Is_ordered_and_hashed_by_its_number) {
  EXPECT_LT(Key{3}, Key{4});
  const std::unordered_set<Key> keys = {Key{1}, Key{2}, Key{1}};
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_TRUE(keys.contains(Key{2}));
}

TEST(Clock, Never_is_later_than_every_tick_and_ticks_may_be_negative) {
  EXPECT_GT(kClockNever, Clock{1 << 30});
  EXPECT_EQ(Clock{2} + -3, Clock{-1});
  EXPECT_LT(Clock{-1}, Clock{0});
}

TEST(Time, Units_agree) {
  EXPECT_EQ(microseconds(1), nanoseconds(1000));
  EXPECT_EQ(milliseconds(1), microseconds(1000));
  EXPECT_EQ(seconds(1.5), milliseconds(1500));
  EXPECT_DOUBLE_EQ(milliseconds(250).seconds(), 0.25);
}

TEST(Time, The_difference_of_two_instants_is_a_duration) {
  const Instant start{1'000'000}, end = start + milliseconds(2);
  EXPECT_EQ(end - start, milliseconds(2));
  EXPECT_EQ(start - end, nanoseconds(-2'000'000));
  EXPECT_LT(start, end);
}

}  // namespace
}  // namespace hemiola
