// Rows that are asked for, and copies: when they are taken, kept, left and taken back.
#include "hemiola/table/keeper_for_test.h"

namespace hemiola {
namespace {

using KeeperAskTest = KeeperTest;

TEST_F(KeeperAskTest, A_row_that_nobody_said_he_wants_comes_as_a_copy_for_now) {
  start({.nodes = 3});
  auto& read = fetch(1, 0);
  EXPECT_FALSE(done(read));
  settle();
  EXPECT_TRUE(done(read));
  EXPECT_TRUE(finds(1, 0));
  EXPECT_FALSE(keeps(1, 0));
  EXPECT_EQ(owner(0), 0u);
  push(1, {Key{0}});
  settle();
  EXPECT_EQ(value(0, 0), 1);
  tick(1);
  EXPECT_FALSE(finds(1, 0)) << "dropped at the tick";
  tick(1);
  settle();
  EXPECT_EQ(value(0, 0), 1);
}

TEST_F(KeeperAskTest, Copies_for_now_are_dropped_at_a_barrier_too) {
  start({});
  for (int round = 0; round < 3; ++round) {
    auto& read = fetch(1, 0);
    settle();
    EXPECT_TRUE(done(read));
    EXPECT_TRUE(finds(1, 0));
    auto& one = barrier(0);
    auto& other = barrier(1);
    EXPECT_FALSE(finds(1, 0));
    settle();
    EXPECT_TRUE(done(one) && done(other));
  }
}

TEST_F(KeeperAskTest, A_copy_that_is_dropped_stays_valid_for_a_worker_that_found_it) {
  start({.workers = 2});
  fetch(1, 0, 0, 0);
  settle();
  float* const row = at(1, 0);
  tick(1, {}, 0);
  EXPECT_FALSE(finds(1, 0));
  fetch(1, 2, 0, 0);
  settle();
  ASSERT_NE(at(1, 2), row) << "its place is not given to another row";
  *row += 1;
  tick(1, {Key{0}}, 1);
  settle();
  EXPECT_EQ(value(0, 0), 1);
}

TEST_F(KeeperAskTest, While_updates_are_on_their_way_the_row_is_not_asked_for) {
  start({});
  push(1, {Key{0}});
  auto& read = fetch(1, 0);
  want(1, 0);
  EXPECT_EQ(waiting(1, 0, Kind::ask), 0u) << "the answer might not show them";
  let(1, 0, Kind::change);
  let(0, 1, Kind::settled);
  EXPECT_EQ(waiting(1, 0, Kind::ask), 1u) << "one question for both";
  settle();
  EXPECT_TRUE(done(read));
  EXPECT_EQ(value(1, 0), 1);
}

TEST_F(KeeperAskTest, What_is_added_while_the_row_is_asked_for_is_seen_here_and_sent_behind) {
  for (const bool wants : {false, true}) {
    SCOPED_TRACE(wants);
    sets_.clear(), machines_.clear(), lines_.clear();
    start({.nodes = 3});
    want(0, 0);
    if (wants) want(1, 0);
    auto& read = fetch(1, 0);
    push(1, {Key{0}}, 2);
    push(1, {Key{0}}, 3);
    EXPECT_EQ(waiting(1, 0, Kind::change), 0u);
    let_all(1, 0);
    push(2, {Key{0}}, 10);
    let_all(2, 0);  // after the row was sent
    let_all(0, 1);
    EXPECT_TRUE(done(read));
    EXPECT_EQ(value(1, 0), 5);
    EXPECT_EQ(waiting(1, 0, Kind::change), 1u);
    settle();
    EXPECT_EQ(value(0, 0), 15);
  }
}

// A worker reads what another of its node adds to all the time, without a copy.
TEST_F(KeeperAskTest, A_read_ends_though_another_worker_never_stops_adding_to_the_row) {
  start({.workers = 2});
  push(1, {Key{0}}, 1, 1);
  auto& read = fetch(1, 0, 0, 0);
  int steps = 0;
  for (; !done(read) && steps < 50; ++steps) {
    push(1, {Key{0}}, 1, 1);
    if (waiting(1, 0) != 0) let(1, 0);
    if (waiting(0, 1) != 0) let(0, 1);
  }
  EXPECT_TRUE(done(read));
  EXPECT_EQ(value(1, 0), 1.0f + static_cast<float>(steps));
  settle();
  EXPECT_EQ(value(0, 0), 1.0f + static_cast<float>(steps));
}

TEST_F(KeeperAskTest, An_old_copy_is_not_taken_when_the_row_has_been_here_since) {
  start({.nodes = 3, .placement = "relocate"});
  want(0, 1, 1);
  settle();  // row 1, whose home is node 1, is with node 0
  fetch(1, 1);
  let(1, 0, Kind::ask);
  ASSERT_EQ(waiting(0, 1, Kind::give), 1u);  // a copy, held back from now on
  want(2, 1);
  settle({{0, 1}});
  ASSERT_EQ(owner(1), 2u);
  want(1, 1);
  settle({{0, 1}});
  ASSERT_EQ(owner(1), 1u);
  change(1, 1, 5);
  clocks_[2][0] = 1;
  want(2, 1);
  settle({{0, 1}});
  ASSERT_EQ(owner(1), 2u);
  let_all(0, 1);
  EXPECT_FALSE(finds(1, 1)) << "it lacks what this node added as the owner";
  fetch(1, 1);
  settle();
  EXPECT_EQ(value(1, 1), 5);
}

// A question that was under way when the row came by itself finds its asker the owner.
TEST_F(KeeperAskTest, A_question_that_meets_its_answer_ends_with_who_asked) {
  start({});
  want(0, 0, 1);
  want(1, 0, 1);
  settle();
  ASSERT_TRUE(keeps(1, 0));
  tick(1), tick(1);  // the copy is let go of
  tick(0);           // and the row given to who kept it
  want(1, 0);
  auto& read = fetch(1, 0);
  settle();
  EXPECT_TRUE(done(read));
  EXPECT_EQ(owner(0), 1u);
  tick(1);
  settle();
  EXPECT_EQ(owner(0), 1u);
}

TEST_F(KeeperAskTest, A_copy_that_is_wanted_again_before_it_is_let_go_of_is_taken_back) {
  start({.workers = 2});
  want(0, 0);
  intend(1, {Key{0}}, 0, 1);
  settle();
  ASSERT_TRUE(keeps(1, 0));
  tick(1);
  EXPECT_FALSE(finds(1, 0));
  intend(1, {Key{0}}, 1, 3);
  EXPECT_TRUE(keeps(1, 0));
  EXPECT_EQ(waiting(1, 0, Kind::ask), 0u);
  tick(1, {}, 1), tick(1, {}, 1);
  settle();
  EXPECT_TRUE(keeps(1, 0)) << "the earlier dropping frees nothing";
  tick(1), tick(1), tick(1);
  tick(1, {}, 1);
  EXPECT_EQ(waiting(1, 0, Kind::leave), 1u);
  EXPECT_FALSE(finds(1, 0));
}

// Node 1 has two workers; the first wants row 0 for clock 0, the second reads it later.
class KeeperTwoWorkersTest : public KeeperTest {
 protected:
  void keep_at_clock_1() {
    start({.nodes = 3, .workers = 2, .scheme = "ssp(9)"});
    want(0, 0);
    intend(1, {Key{0}}, 0, 2);
    settle();
    ASSERT_TRUE(keeps(1, 0));
    for (uint32_t n = 0; n < 3; ++n) tick(n, {}, 0), tick(n, {}, 1);
  }
  void expect_that_the_owner_hears_of_its_end() {
    for (int i = 0; i < 4; ++i) {
      for (uint32_t n = 0; n < 3; ++n) tick(n, {}, 0), tick(n, {}, 1);
      settle();
    }
    EXPECT_FALSE(finds(1, 0));
    change(0, 0);
    tick(0, {Key{0}}, 0), tick(0, {}, 1);
    for (uint32_t n = 1; n < 3; ++n) tick(n, {}, 0), tick(n, {}, 1);
    settle({{0, 1}});
    EXPECT_NE(waiting(0, 1, Kind::round), 0u);
    EXPECT_EQ(waiting(0, 1, Kind::renew), 0u) << "node 1 is still sent what changes";
  }
};

TEST_F(KeeperTwoWorkersTest,
       A_copy_that_is_dropped_while_a_worker_waits_for_its_round_is_taken_back) {
  keep_at_clock_1();
  settle({{0, 1}});
  let(0, 1, Kind::mark);
  ASSERT_NE(waiting(0, 1, Kind::round), 0u);  // held back
  auto& read = fetch(1, 0, 1, 1);
  EXPECT_FALSE(done(read));
  tick(1, {}, 0);  // the first worker's intent is over
  fetch(1, 3, 0, 0);
  settle();
  EXPECT_TRUE(done(read));
  expect_that_the_owner_hears_of_its_end();
}

TEST_F(KeeperTwoWorkersTest, A_copy_for_now_does_not_take_the_place_of_one_that_is_kept) {
  keep_at_clock_1();
  settle({{0, 1}, {2, 0}});  // node 0 does not know that node 2 is at clock 1
  tick(1, {}, 0);
  tick(1, {}, 0), tick(1, {}, 1), tick(1, {}, 1);  // the copy is let go of
  ASSERT_FALSE(finds(1, 0));
  let_all(0, 1);
  auto& read = fetch(1, 0, 1, 1);
  let_all(1, 0);  // it waits there for node 2
  intend(1, {Key{0}}, 4, 5);
  let_all(1, 0);
  let_all(0, 1);
  ASSERT_TRUE(keeps(1, 0));
  EXPECT_FALSE(done(read));
  tick(1, {}, 0), tick(1, {}, 0);  // wanted no more, and the other worker has not ticked
  EXPECT_FALSE(finds(1, 0));
  settle();
  EXPECT_TRUE(done(read));
  expect_that_the_owner_hears_of_its_end();
}

TEST_F(KeeperAskTest, A_question_that_names_a_row_twice_is_answered_once) {
  start({.placement = "relocate"});
  Writer writer;
  writer.put(AskHead{{1, 0}, kTable, NodeId{1}, Clock{0}, 1, 0});
  writer.put_all(std::span<const Key>(std::vector{Key{0}, Key{0}}));
  deliver(1, 0, Kind::ask, std::move(writer).take());
  size_t gives = 0;
  for (const auto& sent : lines_[{0, 1}]) {
    if (sent.kind != Kind::give) continue;
    gives += (sent.body.size() - sizeof(GiveHead)) / (sizeof(GiveRecord) + 2 * sizeof(float));
  }
  EXPECT_EQ(gives, 1u);
}

TEST_F(KeeperAskTest, A_long_wait_says_for_whose_rows) {
  start({.scheme = "bsp"});
  fetch(1, 0);
  now_ = now_ + seconds(20);
  feed(1, TimerFired{MachineId::table, 0});
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_NE(said_[0].find("for rows of node 0"), std::string::npos) << said_[0];
}

}  // namespace
}  // namespace hemiola
