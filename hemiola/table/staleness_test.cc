#include "hemiola/table/staleness.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(Staleness, Each_scheme_is_read_and_written_by_its_name) {
  for (const char* name : {"bsp", "bsp strict", "ssp(3)", "essp(0)", "essp(12)", "async"}) {
    EXPECT_EQ(parse_staleness(name).name(), name);
  }
  EXPECT_EQ(parse_staleness("ssp(0)").name(), "bsp");
  EXPECT_EQ(parse_staleness("shared").name(), "async");
}

TEST(Staleness, An_unknown_scheme_is_answered_with_those_that_exist) {
  for (const char* wrong :
       {"", "sync", "ssp", "ssp()", "ssp(-1)", "ssp(x)", "essp(1", "ssp(1.5)"}) {
    EXPECT_THROW(parse_staleness(wrong), UserError) << wrong;
  }
}

TEST(Staleness, A_read_needs_what_the_bound_leaves_and_never_less_than_the_last_barrier) {
  const StalenessRule ssp{.bound = 3};
  EXPECT_EQ(ssp.needed(Clock{10}, Clock{0}), Clock{7});
  EXPECT_EQ(ssp.needed(Clock{2}, Clock{0}), Clock{0});
  EXPECT_EQ(ssp.needed(Clock{10}, Clock{9}), Clock{9});
  const StalenessRule bsp{.bound = 0};
  EXPECT_EQ(bsp.needed(Clock{1}, Clock{0}), Clock{1});
  EXPECT_EQ(parse_staleness("async").needed(Clock{100}, Clock{4}), Clock{4});
}

TEST(Staleness, A_worker_starts_a_clock_at_most_the_bound_ahead_of_the_slowest) {
  const StalenessRule ssp{.bound = 2};
  EXPECT_TRUE(ssp.may_start(Clock{5}, Clock{3}));
  EXPECT_FALSE(ssp.may_start(Clock{6}, Clock{3}));
  EXPECT_TRUE(ssp.may_start(Clock{6}, kClockNever));
  EXPECT_TRUE(parse_staleness("async").may_start(Clock{1000}, Clock{0}));
}

}  // namespace
}  // namespace hemiola
