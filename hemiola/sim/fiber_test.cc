#include "hemiola/sim/fiber.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace hemiola::sim {
namespace {

constexpr size_t kStack = 64 << 10;

TEST(Fiber, Runs_until_it_yields_and_goes_on_where_it_left) {
  std::string story;
  Fiber* inside = nullptr;
  Fiber fiber(kStack, [&] {
    story += "a";
    inside->yield();
    story += "b";
  });
  inside = &fiber;
  fiber.resume();
  story += "-";
  EXPECT_FALSE(fiber.finished());
  fiber.resume();
  EXPECT_TRUE(fiber.finished());
  EXPECT_EQ(story, "a-b");
}

TEST(Fiber, Keeps_what_its_body_threw) {
  Fiber fiber(kStack, [] { throw std::runtime_error("inside"); });
  fiber.resume();
  ASSERT_TRUE(fiber.finished());
  EXPECT_THROW(std::rethrow_exception(fiber.error()), std::runtime_error);
}

TEST(Fiber, An_exception_unwinds_the_stack_of_the_body) {
  int destroyed = 0;
  struct Counter {
    int& count;
    ~Counter() { ++count; }
  };
  Fiber* inside = nullptr;
  Fiber fiber(kStack, [&] {
    const Counter outer{destroyed};
    try {
      const Counter inner{destroyed};
      inside->yield();
      throw std::runtime_error("late");
    } catch (const std::runtime_error&) {
      EXPECT_EQ(destroyed, 1);
    }
  });
  inside = &fiber;
  fiber.resume();
  EXPECT_EQ(destroyed, 0);
  fiber.resume();
  EXPECT_EQ(destroyed, 2);
  EXPECT_EQ(fiber.error(), nullptr);
}

// The runtime keeps a stack of caught exceptions per thread; without care the two would mix.
TEST(Fiber, Fibers_may_yield_inside_their_catch_blocks) {
  std::vector<std::unique_ptr<Fiber>> fibers(3);
  std::vector<std::string> seen;
  for (int i = 0; i < 3; ++i) {
    fibers[i] = std::make_unique<Fiber>(kStack, [&, i] {
      try {
        throw std::runtime_error(std::to_string(i));
      } catch (const std::runtime_error&) {
        fibers[i]->yield();
        try {
          throw;
        } catch (const std::runtime_error& again) {
          seen.emplace_back(again.what());
        }
      }
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    });
  }
  for (auto& fiber : fibers) fiber->resume();
  for (const int i : {1, 0, 2}) fibers[i]->resume();
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "0", "2"}));
}

TEST(Fiber, One_that_never_ran_is_dropped_with_its_body) {
  auto held = std::make_shared<int>(1);
  {
    Fiber fiber(kStack, [held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Fiber, Thousands_can_live_at_once) {
  std::vector<std::unique_ptr<Fiber>> fibers(2000);
  int64_t sum = 0;
  for (auto& fiber : fibers) {
    fiber = std::make_unique<Fiber>(kStack, [&sum, &fiber] {
      for (int i = 0; i < 3; ++i) {
        ++sum;
        fiber->yield();
      }
    });
  }
  for (int round = 0; round < 4; ++round) {
    for (auto& fiber : fibers) fiber->resume();
  }
  EXPECT_EQ(sum, 6000);
}

TEST(FiberDeathTest, An_overflow_of_the_stack_stops_at_the_guard_page) {
#ifdef HEMIOLA_SANITIZE_THREAD
  GTEST_SKIP() << "the thread sanitizer's own handler needs the stack that has overflowed";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
#ifdef HEMIOLA_SANITIZE_ADDRESS
  const char* const report = "stack-overflow";
#else
  const char* const report = "";
#endif
  EXPECT_DEATH(
      {
        std::function<int(int)> deeper = [&](int n) {
          volatile char room[4096] = {};
          return n == 0 ? room[0] : deeper(n - 1) + room[n % 4096];
        };
        Fiber fiber(kStack, [&] { deeper(1000); });
        fiber.resume();
      },
      report);
}

}  // namespace
}  // namespace hemiola::sim
