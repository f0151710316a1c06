#include "hemiola/net/poller.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <thread>

namespace hemiola::net {
namespace {

using namespace std::chrono_literals;

struct Ends {
  Ends() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    near = Fd(fds[0]);
    far = Fd(fds[1]);
  }
  void write() { EXPECT_EQ(::send(far.get(), "x", 1, 0), 1); }
  Fd near, far;
};

TEST(Poller, An_event_is_told_once_inside_and_again_when_there_is_more) {
  Poller poller;
  Ends ends;
  std::array<epoll_event, 4> events;
  poller.add(ends.near.get(), 7, EPOLLIN);
  EXPECT_EQ(poller.wait(events, 0), 0u);
  ends.write();
  ASSERT_EQ(poller.wait(events, 1000), 1u);
  EXPECT_EQ(events[0].data.u64, 7u);
  EXPECT_EQ(poller.wait(events, 0), 0u);
  ends.write();
  EXPECT_EQ(poller.wait(events, 0), 1u);
}

TEST(Poller, A_timer_comes_at_its_time_and_a_new_time_replaces_the_old) {
  Poller poller;
  std::array<epoll_event, 4> events;
  const Instant start = poller.now();
  poller.arm(start + seconds(1000));
  poller.arm(start + milliseconds(20));
  ASSERT_EQ(poller.wait(events, 5000), 1u);
  EXPECT_EQ(events[0].data.u64, Poller::kTimer);
  EXPECT_GE((poller.now() - start).ns, 20'000'000);
  poller.arm(start);  // in the past: at once
  EXPECT_EQ(poller.wait(events, 1000), 1u);
}

TEST(Poller, Behind_a_closed_gate_nothing_is_seen_until_it_opens) {
  Poller poller;
  Ends ends;
  poller.add(ends.near.get(), 7, EPOLLIN);
  std::atomic<bool> woken{false};
  poller.open_gate(false);
  std::thread loop([&] {
    poller.wait_at_gate(-1);
    woken = true;
  });
  ends.write();
  std::this_thread::sleep_for(30ms);
  EXPECT_FALSE(woken);
  poller.open_gate(true);
  loop.join();
  std::array<epoll_event, 4> events;
  EXPECT_EQ(poller.wait(events, 0), 1u);
}

TEST(Poller, Kicks_reach_the_loop_at_the_gate_and_the_driver_inside) {
  Poller poller;
  poller.open_gate(false);
  std::thread loop([&] { poller.wait_at_gate(-1); });
  poller.kick_loop();
  loop.join();
  std::array<epoll_event, 4> events;
  EXPECT_EQ(poller.wait(events, 0), 0u);
  std::thread driver([&] { EXPECT_EQ(poller.wait(events, -1), 1u); });
  poller.kick_driver();
  driver.join();
  EXPECT_EQ(events[0].data.u64, Poller::kKick);
}

}  // namespace
}  // namespace hemiola::net
