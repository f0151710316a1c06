#include "hemiola/average/group_meetings.h"

#include <gtest/gtest.h>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

using Members = std::vector<uint32_t>;

TEST(GroupMeetings, Two_halves_that_take_turns_are_apart_until_one_comes_over) {
  GroupMeetings meetings(4);
  EXPECT_FALSE(meetings.apart(Members{0, 2}));
  meetings.met(Members{0, 2});
  EXPECT_FALSE(meetings.apart(Members{0, 2}));
  EXPECT_FALSE(meetings.apart(Members{1, 3}));
  meetings.met(Members{1, 3});
  EXPECT_TRUE(meetings.apart(Members{0, 2}));
  EXPECT_TRUE(meetings.apart(Members{1, 3}));
  EXPECT_FALSE(meetings.apart(Members{0, 1, 2}));
  meetings.met(Members{0, 1, 2});
  EXPECT_FALSE(meetings.apart(Members{0, 2}));
}

TEST(GroupMeetings, A_slow_member_is_not_waited_for) {
  GroupMeetings meetings(4);
  for (int round = 0; round < 100; ++round) {
    EXPECT_FALSE(meetings.apart(Members{0, 1, 2}));
    meetings.met(Members{0, 1, 2});
  }
}

TEST(GroupMeetings, Halves_that_part_while_one_is_silent_are_brought_together_again) {
  GroupMeetings meetings(5);
  int apart = 0;
  for (int round = 0; round < 1000; ++round) {
    const Members half = round % 2 ? Members{0, 1} : Members{2, 3};
    if (meetings.apart(half)) {
      ++apart;
      meetings.met(Members{0, 1, 2, 3});
    } else {
      meetings.met(half);
    }
  }
  EXPECT_GE(apart, 1000 / (5 * 4) - 1);
}

// More than half of a group always meets somebody of the round before.
TEST(GroupMeetings, More_than_half_are_never_apart) {
  Random random(5);
  for (uint32_t n = 1; n <= 9; ++n) {
    GroupMeetings meetings(n);
    for (int round = 0; round < 300; ++round) {
      Members all(n);
      for (uint32_t i = 0; i < n; ++i) all[i] = i;
      shuffle(all, random);
      all.resize(n / 2 + 1);
      EXPECT_FALSE(meetings.apart(all));
      meetings.met(all);
    }
  }
}

}  // namespace
}  // namespace hemiola
