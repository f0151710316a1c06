#include "hemiola/table/clock_board.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

const Place kTwoByTwo{NodeId{0}, 2, 2};

MarkBody mark(uint32_t generation, int start, Clock clock, int last = 0) {
  return {generation, Clock{start}, clock, Clock{last}};
}

TEST(ClockBoard, A_node_is_as_far_as_its_slowest_worker) {
  ClockBoard board(kTwoByTwo);
  board.worker_at(WorkerId{0}, Clock{3});
  EXPECT_EQ(board.own().clock, Clock{0});
  board.worker_at(WorkerId{1}, Clock{2});
  EXPECT_EQ(board.own().clock, Clock{2});
  EXPECT_EQ(board.slowest(), Clock{0});
  EXPECT_EQ(board.why(), "node 1 is at clock 0");
  board.mark(NodeId{1}, mark(0, 0, Clock{5}));
  EXPECT_EQ(board.slowest(), Clock{2});
}

TEST(ClockBoard, An_older_mark_changes_nothing) {
  ClockBoard board(kTwoByTwo);
  board.mark(NodeId{1}, mark(0, 0, Clock{5}));
  board.mark(NodeId{1}, mark(0, 0, Clock{4}));
  board.worker_at(WorkerId{0}, Clock{9});
  board.worker_at(WorkerId{1}, Clock{9});
  EXPECT_EQ(board.slowest(), Clock{5});
}

TEST(ClockBoard, A_worker_at_the_barrier_holds_nobody_back) {
  ClockBoard board(kTwoByTwo);
  board.worker_at(WorkerId{0}, Clock{4});
  board.worker_at_barrier(WorkerId{1}, Clock{1});
  board.mark(NodeId{1}, mark(0, 0, kClockNever, 7));
  EXPECT_EQ(board.slowest(), Clock{4});
  EXPECT_FALSE(board.pass_barrier());
  board.worker_at_barrier(WorkerId{0}, Clock{4});
  EXPECT_TRUE(board.pass_barrier());
  EXPECT_EQ(board.floor(), Clock{8});
  EXPECT_EQ(board.slowest(), Clock{8});
  EXPECT_EQ(board.own().generation, 1u);
}

TEST(ClockBoard, A_node_that_passed_the_barrier_first_counts_as_being_there) {
  ClockBoard board({NodeId{0}, 3, 1});
  board.mark(NodeId{1}, mark(0, 0, kClockNever, 2));
  board.mark(NodeId{1}, mark(1, 6, Clock{7}));  // it saw node 2 arrive before we did
  board.worker_at_barrier(WorkerId{0}, Clock{3});
  EXPECT_FALSE(board.pass_barrier());
  board.mark(NodeId{2}, mark(0, 0, kClockNever, 5));
  EXPECT_TRUE(board.pass_barrier());
  EXPECT_EQ(board.floor(), Clock{6});
  EXPECT_EQ(board.slowest(), Clock{6});
  board.worker_at(WorkerId{0}, Clock{9});
  EXPECT_EQ(board.slowest_node(), NodeId{2});
}

}  // namespace
}  // namespace hemiola
