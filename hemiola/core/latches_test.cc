#include "hemiola/core/latches.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hemiola {
namespace {

// Runs `work(thread)` on `count` threads at once and waits for all.
template <class Work>
void on_threads(size_t count, Work work) {
  std::vector<std::thread> threads;
  for (size_t t = 0; t < count; ++t) threads.emplace_back([&work, t] { work(t); });
  for (std::thread& thread : threads) thread.join();
}

TEST(Latches, One_thread_at_a_time_changes_a_row) {
  constexpr int kAdds = 20'000;
  Latches latches(true);
  float row = 0;
  on_threads(4, [&](size_t) {
    for (int i = 0; i < kAdds; ++i) {
      const LatchGuard guard(latches, &row);
      row = row + 1;
    }
  });
  EXPECT_EQ(row, 4.0f * kAdds);
}

TEST(Latches, A_guard_over_two_rows_holds_both_whatever_their_order) {
  constexpr int kMoves = 20'000;
  Latches latches(true);
  std::vector<float> rows(2 * 1000);
  float *a = &rows[0], *b = &rows[1000];
  on_threads(4, [&](size_t thread) {
    for (int i = 0; i < kMoves; ++i) {
      float *from = a, *to = b;
      if (thread % 2) std::swap(from, to);
      const LatchGuard guard(latches, from, to);
      *from -= 1;
      *to += 1;
    }
  });
  EXPECT_EQ(*a, 0);
  EXPECT_EQ(*b, 0);
}

TEST(Latches, Every_pair_of_rows_can_be_held_even_when_they_share_a_stripe) {
  Latches latches(true);
  std::vector<float> rows(200 * 16);
  for (size_t i = 0; i < 200; ++i) {
    for (size_t j = 0; j < 200; ++j) {
      const LatchGuard guard(latches, &rows[i * 16], &rows[j * 16]);
    }
  }
}

TEST(Latches, A_released_latch_can_be_taken_again_at_once) {
  Latches latches(true);
  float row = 0;
  for (int i = 0; i < 3; ++i) const LatchGuard guard(latches, &row);
}

TEST(Latches, Those_that_are_not_needed_hold_nobody_back) {
  Latches latches(false);
  EXPECT_FALSE(latches.needed());
  float row = 0;
  const LatchGuard outer(latches, &row);
  const LatchGuard inner(latches, &row, &row);  // would wait for ever if it latched
}

}  // namespace
}  // namespace hemiola
