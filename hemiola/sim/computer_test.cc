#include "hemiola/sim/computer.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola::sim {
namespace {

TEST(Computer, Work_takes_its_cost_divided_by_the_speed_of_the_node) {
  ComputerModel model;
  model.speeds = {1, 4};
  Random chance(1);
  EXPECT_EQ(model.time_for(Duration{1000}, NodeId{0}, chance).ns, 1000);
  EXPECT_EQ(model.time_for(Duration{1000}, NodeId{1}, chance).ns, 250);
  EXPECT_EQ(model.time_for(Duration{1000}, NodeId{2}, chance).ns, 1000);
}

TEST(Computer, A_straggler_stalls_with_the_given_chance) {
  ComputerModel model;
  model.stall_chance = 0.1;
  model.stall = milliseconds(50);
  Random chance(1);
  int stalls = 0;
  for (int i = 0; i < 10000; ++i) {
    const Duration time = model.time_for(Duration{1000}, NodeId{0}, chance);
    if (time.ns != 1000) {
      ++stalls;
      EXPECT_EQ(time.ns, 1000 + 50'000'000);
    }
  }
  EXPECT_NEAR(stalls, 1000, 120);
}

TEST(Computer, A_slow_piece_of_work_is_slower_by_the_factor) {
  ComputerModel model;
  model.slow_chance = 1;
  model.slow_factor = 3;
  Random chance(1);
  EXPECT_EQ(model.time_for(Duration{1000}, NodeId{0}, chance).ns, 3000);
}

TEST(Computer, The_spread_is_kept) {
  ComputerModel model;
  model.spread = 0.25;
  Random chance(1);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const int64_t ns = model.time_for(Duration{1000}, NodeId{0}, chance).ns;
    EXPECT_GE(ns, 750);
    EXPECT_LE(ns, 1250);
    sum += static_cast<double>(ns);
  }
  EXPECT_NEAR(sum / 10000, 1000, 10);
}

TEST(Computer, A_model_that_makes_no_sense_is_refused) {
  ComputerModel model;
  model.speeds = {0};
  EXPECT_THROW(model.validate(), UserError);
  model = {};
  model.stall_chance = -1;
  EXPECT_THROW(model.validate(), UserError);
}

}  // namespace
}  // namespace hemiola::sim
