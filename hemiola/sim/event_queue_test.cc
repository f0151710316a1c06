#include "hemiola/sim/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "hemiola/core/random.h"

namespace hemiola::sim {
namespace {

TEST(EventQueue, Gives_events_back_in_order_of_time_then_chance) {
  Random random(1);
  for (const size_t count : {1, 2, 4, 5, 6, 21, 1000}) {
    EventQueue queue;
    std::vector<Due> plain;
    for (size_t i = 0; i < count; ++i) {
      const Due due(static_cast<int64_t>(random.below(50)), static_cast<uint32_t>(random()),
                    static_cast<uint32_t>(i));
      queue.push(due);
      plain.push_back(due);
    }
    std::sort(plain.begin(), plain.end(), [](auto& a, auto& b) { return a.before(b); });
    for (const Due& due : plain) {
      const Due popped = queue.pop();
      EXPECT_EQ(popped.when, due.when);
      EXPECT_EQ(popped.order, due.order);
    }
    EXPECT_TRUE(queue.empty());
  }
}

TEST(EventQueue, Stays_in_order_while_events_come_and_go) {
  Random random(2);
  EventQueue queue;
  int64_t now = 0;
  for (int i = 0; i < 20000; ++i) {
    if (queue.empty() || random.chance(0.5)) {
      queue.push(Due(now + static_cast<int64_t>(random.below(1000)), 0, 0));
    } else {
      const int64_t when = queue.pop().when;
      EXPECT_GE(when, now);
      now = when;
    }
  }
}

}  // namespace
}  // namespace hemiola::sim
