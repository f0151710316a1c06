// Rows that move, with their messages held back and let through in awkward orders.
#include "hemiola/table/keeper_for_test.h"

namespace hemiola {
namespace {

using KeeperMoveTest = KeeperTest;

TEST_F(KeeperMoveTest, A_row_comes_from_its_home_in_two_hops) {
  start({.placement = "relocate"});
  want(1, 4);
  ASSERT_EQ(waiting(1, 0), 1u);
  let(1, 0);
  EXPECT_FALSE(owns(0, 4));
  EXPECT_FALSE(finds(1, 4));
  ASSERT_EQ(waiting(0, 1), 1u);
  let(0, 1);
  EXPECT_EQ(owner(4), 1u);
  EXPECT_EQ(moves(1).moved, 1u);
  EXPECT_EQ(moves(0).hops, 0u);
}

TEST_F(KeeperMoveTest, A_row_that_is_not_at_its_home_comes_in_three_hops_and_the_home_is_told) {
  start({.nodes = 3, .placement = "relocate"});
  want(1, 3);
  settle();
  ASSERT_EQ(owner(3), 1u);
  want(2, 3);
  let(2, 0), let(0, 1), let(1, 2);
  EXPECT_EQ(owner(3), 2u);
  EXPECT_EQ(moves(1).hops, 1u);
  EXPECT_EQ(waiting(1, 0, Kind::located), 1u);
  settle();
  want(1, 3);
  EXPECT_EQ(waiting(1, 2, Kind::ask), 1u) << "who gave it away knows where it went";
}

TEST_F(KeeperMoveTest, What_the_home_is_told_late_does_not_overwrite_what_it_knows) {
  start({.nodes = 3, .placement = "relocate"});
  want(1, 3);
  settle();
  want(2, 3);
  let(2, 0), let(0, 1), let(1, 2);  // now with 2, but node 1's word of it is held back
  want(0, 3);
  let(0, 1, Kind::ask), let(1, 2, Kind::ask), let(2, 0, Kind::give);
  ASSERT_EQ(owner(3), 0u);
  tick(1), tick(1);
  want(1, 3);
  settle({{1, 0}});
  let_all(1, 0);
  settle();
  EXPECT_EQ(owner(3), 1u);
  want(2, 3);
  settle();
  EXPECT_EQ(owner(3), 2u);
}

TEST_F(KeeperMoveTest, A_question_that_comes_while_the_row_is_under_way_follows_it) {
  start({.nodes = 3, .placement = "relocate"});
  want(1, 0);
  let(1, 0);
  want(2, 0);
  let(2, 0);
  ASSERT_EQ(waiting(0, 1), 2u) << "the row, and behind it the question";
  let(0, 1), let(0, 1), let(1, 2);
  EXPECT_EQ(owner(0), 2u);
}

TEST_F(KeeperMoveTest, A_question_that_is_faster_than_the_row_goes_to_and_fro_until_it_comes) {
  start({.nodes = 4, .placement = "relocate"});
  want(1, 0);
  settle();
  want(2, 0);
  let(2, 0), let(0, 1);
  let(1, 0, Kind::located);  // the home knows that 2 has it, and 2 does not
  want(3, 0);
  let(3, 0, Kind::ask);
  for (int i = 0; i < 5; ++i) {
    let(0, 2, Kind::ask);
    ASSERT_EQ(waiting(2, 0, Kind::ask), 1u);
    let(2, 0, Kind::ask);
  }
  let(1, 2, Kind::give);
  settle();
  EXPECT_EQ(owner(0), 3u);
  EXPECT_GE(moves(2).hops, 10u);
}

TEST_F(KeeperMoveTest, Whatever_order_nodes_ask_in_the_row_visits_all_and_ends_at_one) {
  start({.nodes = 5, .placement = "relocate"});
  for (int round = 0; round < 20; ++round) {
    for (uint32_t n = 0; n < 5; ++n) {
      clocks_[n][0] += 1;
      want((n * 3 + static_cast<uint32_t>(round)) % 5, 7, clocks_[n][0] + 1);
      if (round % 3 == 0) settle({{1, 2}, {3, 0}});
    }
    settle();
    owner(7);
  }
  uint64_t moved = 0;
  for (uint32_t n = 0; n < 5; ++n) moved += moves(n).moved;
  EXPECT_GE(moved, 20u);
}

TEST_F(KeeperMoveTest, Who_asks_last_takes_the_row_from_one_who_still_wants_it) {
  start({.nodes = 3, .workers = 2, .placement = "relocate"});
  want(1, 0);
  settle();
  float* const row = at(1, 0);
  *row += 1;
  want(2, 0);
  settle();
  ASSERT_EQ(owner(0), 2u);
  EXPECT_EQ(value(2, 0), 1);
  EXPECT_FALSE(finds(1, 0));
  *row += 1;  // by a worker that found it before
  tick(1, {Key{0}});
  settle();
  EXPECT_EQ(value(2, 0), 2);
  *row += 1;  // by the other, which has not ticked since the row went
  tick(1, {}, 1);
  settle();
  EXPECT_EQ(value(2, 0), 3) << "sent when the slot is let go of, though nobody named it";
}

// Node 0 wants row 0 and node 1 keeps a copy; then node 0 wants it no more and gives it away.
class KeeperGiveTest : public KeeperTest {
 protected:
  void keep(uint32_t nodes) {
    start({.nodes = nodes});
    want(0, 0, 1);
    want(1, 0);
    settle();
    ASSERT_TRUE(keeps(1, 0));
  }
};

TEST_F(KeeperGiveTest, A_copy_becomes_the_row_when_its_owner_wants_it_no_more) {
  keep(2);
  change(0, 0, 5);
  tick(0, {Key{0}});
  ASSERT_EQ(waiting(0, 1, Kind::give), 1u);
  let_all(0, 1);
  EXPECT_EQ(owner(0), 1u);
  EXPECT_EQ(value(1, 0), 5);
}

TEST_F(KeeperGiveTest, An_update_that_meets_the_row_on_its_way_is_in_it_once) {
  for (const bool update_first : {false, true}) {
    SCOPED_TRACE(update_first);
    sets_.clear(), machines_.clear(), lines_.clear();
    keep(2);
    change(1, 0);
    tick(1, {Key{0}});
    ASSERT_EQ(waiting(1, 0, Kind::change), 1u);
    tick(0);
    ASSERT_EQ(waiting(0, 1, Kind::give), 1u);
    if (update_first) let_all(1, 0);
    let_all(0, 1);
    EXPECT_EQ(owner(0), 1u);
    EXPECT_EQ(value(1, 0), 1);
    settle();
    EXPECT_EQ(value(1, 0), 1) << "and node 0 sends on nothing";
    change(1, 0, 2);
    tick(1, {Key{0}});
    want(0, 0, 9);
    settle();
    EXPECT_EQ(value(0, 0), 3);
  }
}

TEST_F(KeeperGiveTest, An_update_of_a_third_node_that_the_new_owner_had_sent_on_is_in_it_once) {
  start({.nodes = 3});
  want(1, 0, 1);
  settle();
  auto& read = fetch(2, 0);  // so node 2 learns that node 1 has it
  settle();
  ASSERT_TRUE(done(read));
  want(0, 0, 2);
  settle();
  tick(1), tick(1);  // node 1 wants it no more: node 0 gets it back
  settle();
  ASSERT_EQ(owner(0), 0u);
  tick(2), tick(2);
  settle();
  want(1, 0);
  settle();
  ASSERT_TRUE(keeps(1, 0));

  push(2, {Key{0}}, 4);
  let(2, 1, Kind::change);
  ASSERT_EQ(waiting(1, 0, Kind::change), 1u) << "sent on to who owns it";
  tick(0), tick(0);
  let(0, 1, Kind::give);
  EXPECT_EQ(owner(0), 1u);
  EXPECT_EQ(value(1, 0), 4);
  settle();
  EXPECT_EQ(value(1, 0), 4);
}

TEST_F(KeeperGiveTest, A_copy_does_not_show_what_is_only_sent_on_here) {
  start({.nodes = 3});
  want(1, 0, 1);
  settle();
  fetch(2, 0);
  settle();
  want(0, 0, 2);
  settle();
  tick(1), tick(1);
  settle();
  ASSERT_EQ(owner(0), 0u);
  push(2, {Key{0}}, 4);
  want(1, 0);
  let(2, 1, Kind::change);  // behind node 1's question
  let(1, 0, Kind::ask);
  let(0, 1, Kind::give);
  ASSERT_TRUE(keeps(1, 0));
  EXPECT_EQ(value(1, 0), 0) << "the next copy may lack it again";
  settle();
  tick(1);
  settle();
  EXPECT_EQ(value(1, 0), 4);
}

TEST_F(KeeperGiveTest, An_update_that_finds_the_row_gone_is_sent_on) {
  keep(3);
  push(2, {Key{0}}, 3);
  tick(0);
  let_all(2, 0);
  ASSERT_EQ(waiting(0, 1, Kind::change), 1u);
  let_all(0, 1);
  EXPECT_EQ(value(1, 0), 3);
  EXPECT_EQ(waiting(1, 2, Kind::settled), 1u);
}

TEST_F(KeeperGiveTest, Of_two_windows_on_one_pair_each_ends_with_its_own_message) {
  keep(2);
  change(1, 0);
  tick(1, {Key{0}});
  tick(0);        // gives it away, with the update still under way
  let_all(0, 1);  // node 1 takes it over; its word of that is held back
  want(0, 0, 3);  // and node 0 asks again
  let_all(0, 1);
  change(1, 0);
  tick(1, {Key{0}});
  settle();
  EXPECT_EQ(value(owner(0), 0), 2);
  tick(0), tick(0), tick(0);
  settle();
  change(1, 0);
  tick(1, {Key{0}});
  settle();
  EXPECT_EQ(value(owner(0), 0), 3);
  EXPECT_EQ(owner(0), 1u);
}

TEST_F(KeeperGiveTest, A_row_that_comes_to_who_has_just_left_it_is_his_all_the_same) {
  keep(2);
  change(1, 0);
  tick(1, {Key{0}});
  clocks_[1][0] = 1'000'000;
  tick(1);
  tick(1);  // lets go of its copy
  ASSERT_EQ(waiting(1, 0, Kind::leave), 1u);
  tick(0);  // gives it away before it hears of that
  let_all(0, 1);
  EXPECT_EQ(owner(0), 1u);
  settle();
  EXPECT_EQ(owner(0), 1u);
  EXPECT_EQ(value(1, 0), 1);
}

// The leave is for the copy of an earlier time: since then node 1 has owned the row.
TEST_F(KeeperGiveTest, A_leave_that_comes_late_does_not_end_a_copy_that_was_given_since) {
  keep(3);
  clocks_[1][0] = 1'000'000;
  tick(1), tick(1);
  ASSERT_EQ(waiting(1, 0, Kind::leave), 1u);  // and is held back from now on
  tick(0);
  let_all(0, 1);
  ASSERT_EQ(owner(0), 1u);
  want(2, 0, 1);
  settle({{1, 0}});
  ASSERT_EQ(owner(0), 2u);
  want(0, 0, 99);
  settle({{1, 0}});
  tick(2);
  settle({{1, 0}});
  ASSERT_EQ(owner(0), 0u);
  clocks_[1][0] = 1'000'010;
  want(1, 0, 1'000'900);
  settle({{1, 0}});
  ASSERT_TRUE(keeps(1, 0));
  settle();
  change(0, 0, 7);
  tick(0, {Key{0}}), tick(1);
  settle();
  ASSERT_TRUE(keeps(1, 0));
  EXPECT_EQ(value(1, 0), 7) << "it is kept fresh";
}

TEST_F(KeeperGiveTest, A_row_stays_while_a_third_node_keeps_a_copy_and_goes_to_the_last_one) {
  keep(4);
  want(2, 0, 5);
  want(3, 0);
  settle();
  ASSERT_TRUE(keeps(2, 0) && keeps(3, 0));
  tick(0);
  settle();
  EXPECT_EQ(owner(0), 0u);
  clocks_[1][0] = 1'000'000;
  tick(1), tick(1);
  settle();
  EXPECT_EQ(owner(0), 0u);
  EXPECT_FALSE(finds(1, 0));
  clocks_[2][0] = 5;
  tick(2), tick(2);
  settle();
  EXPECT_EQ(owner(0), 3u) << "the one that remains";
}

TEST_F(KeeperMoveTest, A_lost_link_in_the_middle_of_a_move_loses_and_doubles_nothing) {
  for (int lost = 0; lost < 6; ++lost) {
    SCOPED_TRACE(lost);
    sets_.clear(), machines_.clear(), lines_.clear();
    start({.nodes = 3, .placement = "relocate"});
    push(1, {Key{0}});
    if (lost == 0) lose(0, 1);
    push(2, {Key{0}});
    settle();
    want(1, 0);
    if (lost == 1) lose(0, 1);
    let(1, 0, Kind::ask);
    if (lost == 2) lose(0, 1);
    push(2, {Key{0}});
    let(2, 0, Kind::change);
    if (lost == 3) lose(0, 1);
    let(0, 1, Kind::give);
    if (lost == 4) lose(0, 1);
    let(0, 1, Kind::change);
    if (lost == 5) lose(0, 1), lose(1, 2);
    settle();
    EXPECT_EQ(owner(0), 1u);
    EXPECT_EQ(value(1, 0), 3);
    want(2, 0);
    settle();
    EXPECT_EQ(value(2, 0), 3);
  }
}

}  // namespace
}  // namespace hemiola
