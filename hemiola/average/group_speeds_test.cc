#include "hemiola/average/group_speeds.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

std::vector<StepTime> times(std::initializer_list<std::pair<uint32_t, float>> list) {
  std::vector<StepTime> result;
  for (const auto& [w, seconds] : list) result.push_back({WorkerId{w}, seconds});
  return result;
}

TEST(GroupSpeeds, Groups_change_once_all_speeds_are_known) {
  GroupSpeeds speeds(first_plan(4, 2), 2, 1);
  EXPECT_FALSE(speeds.report(0, times({{0, 1}, {1, 5}})));
  EXPECT_EQ(speeds.reason(), "not all speeds are known");
  EXPECT_FALSE(speeds.report(0, times({{2, 1}, {3, 0}})));
  EXPECT_TRUE(speeds.report(0, times({{2, 1}, {3, 5}})));
  EXPECT_EQ(speeds.plan().number, 1u);
  EXPECT_EQ(speeds.plan().groups, (Groups{{0, 2}, {1, 3}}));
}

TEST(GroupSpeeds, A_report_of_an_older_plan_changes_nothing) {
  GroupSpeeds speeds(first_plan(4, 2), 2, 1);
  speeds.report(0, times({{0, 1}, {1, 5}, {2, 1}, {3, 5}}));
  ASSERT_EQ(speeds.plan().number, 1u);
  EXPECT_FALSE(speeds.report(0, times({{0, 5}, {1, 1}, {2, 1}, {3, 5}})));
  EXPECT_EQ(speeds.plan().number, 1u);
  // All are to be measured again: these are not all.
  EXPECT_FALSE(speeds.report(1, times({{0, 5}, {1, 5}, {2, 1}})));
  EXPECT_TRUE(speeds.report(1, times({{3, 1}})));
  EXPECT_EQ(speeds.plan().groups, (Groups{{2, 3}, {0, 1}}));
}

TEST(GroupSpeeds, A_speed_that_cannot_be_is_refused) {
  GroupSpeeds speeds(first_plan(4, 2), 2, 1);
  EXPECT_THROW(speeds.report(0, times({{4, 1}})), std::runtime_error);
  EXPECT_THROW(speeds.report(0, times({{0, -1}})), std::runtime_error);
  EXPECT_THROW(speeds.report(0, times({{0, std::numeric_limits<float>::quiet_NaN()}})),
               std::runtime_error);
}

}  // namespace
}  // namespace hemiola
