#include "hemiola/average/group_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

TEST(GroupPlan, Groups_are_as_few_as_can_be_and_their_sizes_differ_by_at_most_one) {
  for (uint32_t n = 1; n <= 40; ++n) {
    for (uint32_t m = 1; m <= 12; ++m) {
      const GroupPlan plan = first_plan(n, m);
      EXPECT_TRUE(valid_plan(plan, n));
      EXPECT_EQ(plan.groups.size(), (n + m - 1) / m);
      size_t least = n, most = 0;
      for (const auto& group : plan.groups) {
        least = std::min(least, group.size());
        most = std::max(most, group.size());
      }
      EXPECT_LE(most, m);
      EXPECT_LE(most - least, 1u);
    }
  }
}

TEST(GroupPlan, Workers_that_follow_each_other_stand_together_at_first) {
  EXPECT_EQ(first_plan(5, 3).groups, (Groups{{0, 1}, {2, 3, 4}}));
  EXPECT_EQ(first_plan(5, 3).group_of(WorkerId{3}), 1u);
  EXPECT_EQ(first_plan(5, 3).controller(1), WorkerId{2});
}

TEST(GroupPlan, By_speed_equally_fast_workers_stand_together) {
  const std::vector<double> seconds{1, 6, 1, 6, 1, 6, 1, 6};
  const GroupPlan plan = plan_by_speed(first_plan(8, 4), seconds, 3);
  EXPECT_EQ(plan.number, 1u);
  EXPECT_EQ(plan.groups, (Groups{{0, 2, 4, 6}, {1, 3, 5, 7}}));
  EXPECT_EQ(plan, plan_by_speed(first_plan(8, 4), seconds, 3));
}

TEST(GroupPlan, By_speed_is_a_plan_of_the_same_sizes_whatever_the_speeds) {
  Random random(1);
  for (uint32_t n = 1; n <= 30; ++n) {
    GroupPlan plan = first_plan(n, 1 + n % 5);
    for (int round = 0; round < 5; ++round) {
      std::vector<double> seconds;
      for (uint32_t w = 0; w < n; ++w) seconds.push_back(static_cast<double>(random.below(3)));
      const GroupPlan next = plan_by_speed(plan, seconds, 7);
      ASSERT_TRUE(valid_plan(next, n));
      EXPECT_EQ(next.number, plan.number + 1);
      for (size_t g = 0; g < plan.groups.size(); ++g) {
        EXPECT_EQ(next.groups[g].size(), plan.groups[g].size());
      }
      plan = next;
    }
  }
}

TEST(GroupPlan, A_plan_that_leaves_somebody_out_or_takes_one_twice_is_none) {
  EXPECT_TRUE(valid_plan({0, {{0, 2}, {1}}}, 3));
  EXPECT_FALSE(valid_plan({0, {{0, 2}}}, 3));
  EXPECT_FALSE(valid_plan({0, {{0, 1}, {1, 2}}}, 3));
  EXPECT_FALSE(valid_plan({0, {{0, 1}, {2, 3}}}, 3));
  EXPECT_FALSE(valid_plan({0, {{0, 1, 2}, {}}}, 3));
  EXPECT_FALSE(valid_plan({0, {{1, 0}, {2}}}, 3));
}

TEST(GroupPlan, Steps_per_second_count_the_last_one_that_is_waited_for) {
  const GroupPlan plan = first_plan(4, 4);
  const std::vector<double> seconds{1, 1, 1, 4};
  EXPECT_DOUBLE_EQ(steps_per_second(plan, 4, seconds), 1);
  EXPECT_DOUBLE_EQ(steps_per_second(plan, 3, seconds), 3.25);
}

TEST(GroupPlan, Workers_are_regrouped_only_when_it_is_worth_it) {
  const GroupPlan plan = first_plan(8, 4);
  const auto mixed = decide_regrouping(plan, 4, std::vector<double>{1, 6, 1, 6, 1, 6, 1, 6}, 1);
  ASSERT_TRUE(mixed.plan);
  EXPECT_EQ(mixed.reason, "groups of equally fast workers would make 3.50 times the steps");
  EXPECT_FALSE(
      decide_regrouping(*mixed.plan, 4, std::vector<double>{1, 6, 1, 6, 1, 6, 1, 6}, 1).plan);
  EXPECT_FALSE(
      decide_regrouping(plan, 4, std::vector<double>{1, 1.02, 1, 1, 1, 1.03, 1, 1}, 1).plan);
  const auto unknown = decide_regrouping(plan, 4, std::vector<double>{1, 6, 0, 6, 1, 6, 1, 6}, 1);
  EXPECT_FALSE(unknown.plan);
  EXPECT_EQ(unknown.reason, "not all speeds are known");
}

TEST(GroupPlan, A_round_closes_for_a_reason) {
  struct Case {
    GroupState state;
    bool close;
    const char* reason;
  };
  const Case cases[] = {
      {{.members = 4, .ready = 4, .enough = 4}, true, "all were ready"},
      {{.members = 4, .ready = 3, .enough = 4}, false, "3 of 4 are ready, 4 are wanted"},
      {{.members = 4, .ready = 3, .enough = 3}, true, "3 of 4 were ready"},
      {{.members = 4, .ready = 2, .resting = 1, .enough = 3}, true, "3 of 4 were ready or at rest"},
      {{.members = 4, .ready = 1, .resting = 3, .enough = 4},
       true,
       "all that had work left were ready"},
      {{.members = 4, .resting = 4, .enough = 2}, false, "nobody is ready"},
      {{.members = 4, .resting = 4, .enough = 2, .asked = true},
       true,
       "all rest and another group asked"},
      {{.members = 4, .resting = 3, .enough = 2, .asked = true}, false, "nobody is ready"},
      {{.members = 2, .ready = 2, .enough = 3}, true, "all were ready"},
      {{.members = 4, .ready = 2, .enough = 2, .apart = true},
       false,
       "2 of 4 are ready, but the others never meet them"},
      {{.members = 4, .ready = 2, .enough = 4, .time_is_up = true},
       true,
       "2 of 4 were ready when the time was up"},
      {{.members = 4, .ready = 1, .enough = 4, .time_is_up = true},
       false,
       "1 of 4 are ready, 4 are wanted"},
  };
  for (const Case& c : cases) {
    const CloseDecision decision = decide_close(c.state);
    EXPECT_EQ(decision.close, c.close);
    EXPECT_EQ(decision.reason, c.reason);
  }
}

TEST(GroupPlan, Partners_of_a_round_have_each_other) {
  for (uint32_t groups = 1; groups <= 9; ++groups) {
    for (uint64_t round = 0; round < 20; ++round) {
      for (uint32_t g = 0; g < groups; ++g) {
        const uint32_t other = trade_partner(g, groups, round, 5);
        EXPECT_EQ(trade_partner(other, groups, round, 5), g);
      }
    }
  }
}

TEST(GroupPlan, Blocks_follow_each_other_and_are_all_of_the_values) {
  for (size_t values = 1; values < 50; ++values) {
    for (size_t parts = 1; parts < 12; ++parts) {
      size_t at = 0;
      for (size_t i = 0; i < parts; ++i) {
        const Block block = block_of(values, i, parts);
        EXPECT_EQ(block.from, at);
        EXPECT_LE(block.count, values / parts + 1);
        at = block.end();
      }
      EXPECT_EQ(at, values);
    }
  }
  EXPECT_EQ(overlap({2, 5}, {4, 9}), (Block{4, 3}));
  EXPECT_EQ(overlap({2, 2}, {4, 9}).count, 0u);
}

}  // namespace
}  // namespace hemiola
