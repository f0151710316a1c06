#include "hemiola/train/runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace hemiola {
namespace {

TEST(Runner, Every_task_is_done_exactly_once) {
  for (const uint32_t threads : {1u, 2u, 5u}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{100}}) {
      std::vector<std::atomic<int>> done(count);
      thread_runner(threads)(count, [&](size_t i) { ++done[i]; });
      for (const auto& d : done) EXPECT_EQ(d, 1);
    }
  }
}

}  // namespace
}  // namespace hemiola
