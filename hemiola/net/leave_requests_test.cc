#include "hemiola/net/leave_requests.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>

namespace hemiola::net {
namespace {

using From = LeaveRequests::From;

// In a process of its own: what the watch tells of after `signal`, as an exit status.
int told_after(From from, int signal) {
  LeaveRequests requests(from);
  auto told = std::make_shared<std::promise<bool>>();
  requests.tell([told](LeaveAsked asked) { told->set_value(asked.whole_job); });
  ::kill(::getpid(), signal);
  auto word = told->get_future();
  if (word.wait_for(std::chrono::seconds(20)) != std::future_status::ready) return 3;
  return word.get() ? 2 : 1;
}

// Signals that are blocked wait until the thread has seen them.
[[noreturn]] void signal_and_wait(int signal) {
  ::kill(::getpid(), signal);
  ::sleep(20);
  ::_exit(0);
}

class LeaveRequestsTest : public testing::Test {
 protected:
  LeaveRequestsTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LeaveRequestsTest, The_first_signal_of_a_user_asks_this_node_to_leave) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(::_exit(told_after(From::user, signal)), testing::ExitedWithCode(1),
                "a second signal ends it now");
  }
}

TEST_F(LeaveRequestsTest, The_launcher_asks_a_node_to_leave_or_the_job_to_end) {
  EXPECT_EXIT(::_exit(told_after(From::launcher, SIGTERM)), testing::ExitedWithCode(1), "^$");
  EXPECT_EXIT(::_exit(told_after(From::launcher, SIGINT)), testing::ExitedWithCode(2), "^$");
}

TEST_F(LeaveRequestsTest, Before_there_is_anything_to_put_in_order_a_signal_ends_the_process) {
  const auto begin = [](From from) {
    LeaveRequests requests(from);
    signal_and_wait(SIGTERM);
  };
  EXPECT_EXIT(begin(From::user), testing::ExitedWithCode(130), "interrupted");
  EXPECT_EXIT(begin(From::launcher), testing::ExitedWithCode(130), "^$");
}

TEST_F(LeaveRequestsTest, A_second_signal_of_a_user_ends_the_process) {
  const auto twice = [] {
    LeaveRequests requests(From::user);
    std::promise<void> told;
    requests.tell([&told](LeaveAsked) { told.set_value(); });
    ::kill(::getpid(), SIGINT);
    told.get_future().wait();
    signal_and_wait(SIGINT);
  };
  EXPECT_EXIT(twice(), testing::ExitedWithCode(130), "interrupted");
}

}  // namespace
}  // namespace hemiola::net
