#include "hemiola/cluster/reducer.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

TEST(Reducer, The_sum_is_added_in_order_of_worker_whatever_order_the_parts_came_in) {
  // In order: (1e16 + 1) + -1e16 = 0. In other orders it would be 1.
  const std::vector<std::vector<uint32_t>> orders = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  const double values[] = {1e16, 1, -1e16};
  for (const auto& order : orders) {
    Reducer reducer(3);
    for (size_t i = 0; i < 3; ++i) {
      auto result = reducer.add(WorkerId{order[i]}, 0, {values[order[i]]}, {});
      EXPECT_EQ(result.error, "");
      EXPECT_EQ(result.sum.has_value(), i == 2);
      EXPECT_EQ(result.sum.value_or(std::vector{0.0}).at(0), 0.0);
    }
  }
}

TEST(Reducer, A_fast_worker_may_be_rounds_ahead) {
  Reducer reducer(2);
  EXPECT_FALSE(reducer.add(WorkerId{0}, 0, {1}, {}).sum);
  EXPECT_FALSE(reducer.add(WorkerId{0}, 1, {10}, {}).sum);
  EXPECT_EQ(reducer.add(WorkerId{1}, 0, {2}, {}).sum->at(0), 3);
  EXPECT_EQ(reducer.add(WorkerId{1}, 1, {20}, {}).sum->at(0), 30);
}

TEST(Reducer, A_part_that_comes_twice_or_out_of_turn_is_not_added) {
  Reducer reducer(2);
  reducer.add(WorkerId{0}, 0, {1}, {});
  EXPECT_EQ(reducer.add(WorkerId{0}, 0, {1}, {}).error,
            "worker 0 came with reduce 0 when its next was 1");
  EXPECT_EQ(reducer.add(WorkerId{1}, 1, {1}, {}).error,
            "worker 1 came with reduce 1 when its next was 0");
  EXPECT_EQ(reducer.add(WorkerId{1}, 0, {2}, {}).sum->at(0), 3);
}

TEST(Reducer, Parts_of_two_lengths_are_refused_with_both) {
  Reducer reducer(2);
  reducer.add(WorkerId{0}, 0, {1, 2}, {});
  EXPECT_EQ(reducer.add(WorkerId{1}, 0, {1}, {}).error,
            "reduce 0: worker 1 has 1 values and worker 0 has 2");
}

TEST(Reducer, It_tells_whose_part_is_missing_and_since_when) {
  Reducer reducer(3);
  EXPECT_FALSE(reducer.waiting());
  reducer.add(WorkerId{1}, 0, {}, Instant{5});
  const auto waiting = reducer.waiting().value();
  EXPECT_EQ(waiting.round, 0u);
  EXPECT_EQ(waiting.since, Instant{5});
  EXPECT_EQ(waiting.missing, (std::vector{WorkerId{0}, WorkerId{2}}));
}

}  // namespace
}  // namespace hemiola
