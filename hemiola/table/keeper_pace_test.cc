// TableOptions::lingers, clings and pace: rows that are let go of late or not given away at once,
// and changes that wait for company.
#include "hemiola/table/keeper_for_test.h"

namespace hemiola {
namespace {

class KeeperPaceTest : public KeeperTest {
 protected:
  // Node 1 has row 0, which it wanted in its first clock only.
  void wanted_once(const NodesForTest& job) {
    start(job);
    want(1, 0, 1);
    settle();
    tick(1);
    settle();
    ASSERT_EQ(owner(0), 1u);
  }
  // Node 1 owns row 0 and wants it; node 2 keeps a copy, which it wanted in its first clock only.
  void kept_once(const NodesForTest& job) {
    start(job);
    want(1, 0);
    settle();
    want(2, 0, 1);
    settle();
    ASSERT_TRUE(keeps(2, 0));
  }
  // Until its intents are over, and the owner knows.
  void leave(uint32_t node) {
    for (int i = 0; i < 3; ++i) tick(node), settle();
    ASSERT_FALSE(finds(node, 0));
  }
  void changed_by(uint32_t node) {
    push(node, {Key{0}});
    settle();
    tick(node);
    settle();
  }
  size_t renewals(uint32_t to) { return waiting(0, to, Kind::renew); }
  void pass(Duration time) { now_ = now_ + time; }
};

TEST_F(KeeperPaceTest, Without_lingering_a_row_that_was_wanted_once_goes_to_who_wants_it_next) {
  wanted_once({.nodes = 3});
  want(2, 0);
  settle();
  EXPECT_EQ(owner(0), 2u);
}

TEST_F(KeeperPaceTest, A_row_that_lingers_is_shared_until_others_have_changed_it_so_often) {
  wanted_once({.nodes = 3, .lingers = 3});
  want(2, 0);
  settle();
  EXPECT_EQ(owner(0), 1u);
  EXPECT_TRUE(keeps(2, 0));
  for (int i = 0; i < 2; ++i) changed_by(2);
  tick(1), settle();
  EXPECT_EQ(owner(0), 1u) << "two of three changes";
  changed_by(2);
  tick(1), settle();
  EXPECT_EQ(owner(0), 2u);
  EXPECT_EQ(value(2, 0), 3);
}

TEST_F(KeeperPaceTest, Who_wants_the_row_again_lingers_anew) {
  wanted_once({.nodes = 3, .lingers = 2});
  want(2, 0);
  settle();
  changed_by(2);
  want(1, 0, 2);  // for its present clock
  settle();
  tick(1), settle();
  changed_by(2);
  tick(1), settle();
  EXPECT_EQ(owner(0), 1u) << "one change since";
  changed_by(2);
  tick(1), settle();
  EXPECT_EQ(owner(0), 2u);
}

TEST_F(KeeperPaceTest, Own_changes_do_not_end_the_interest_of_an_owner) {
  wanted_once({.nodes = 3, .lingers = 1});
  want(2, 0);
  settle();
  for (int i = 0; i < 5; ++i) changed_by(1);
  EXPECT_EQ(owner(0), 1u);
  EXPECT_TRUE(keeps(2, 0));
}

TEST_F(KeeperPaceTest, A_copy_that_lingers_is_renewed_so_often_and_then_left) {
  kept_once({.nodes = 3, .lingers = 2});
  tick(2), settle();
  ASSERT_TRUE(keeps(2, 0)) << "its intent is over";
  for (int i = 1; i <= 2; ++i) {
    push(1, {Key{0}});
    tick(2), settle();  // a clock of the peer brings the round
    EXPECT_EQ(value(2, 0), i);
  }
  tick(2), settle();
  EXPECT_FALSE(finds(2, 0));
  tick(2), settle();
  EXPECT_EQ(owner(0), 1u);
}

TEST_F(KeeperPaceTest, Where_staleness_is_bounded_nothing_lingers) {
  kept_once({.nodes = 3, .scheme = "ssp(9)", .lingers = 7});
  tick(2), settle();
  EXPECT_FALSE(finds(2, 0));
}

// ---- clings ---------------------------------------------------------------------------------

TEST_F(KeeperPaceTest, A_home_that_clings_shares_a_row_first_and_gives_it_away_the_second_time) {
  start({.nodes = 3, .clings = 3});
  want(1, 0, 1);
  settle();
  EXPECT_EQ(owner(0), 0u);
  EXPECT_TRUE(keeps(1, 0));
  tick(1), settle();
  tick(1), settle();
  ASSERT_FALSE(finds(1, 0));
  want(2, 0);
  settle();
  EXPECT_EQ(owner(0), 2u);
}

TEST_F(KeeperPaceTest, A_row_that_several_wanted_at_once_stays_until_one_alone_wanted_it_often) {
  start({.nodes = 3, .clings = 3});
  want(1, 0, 1), settle();
  want(2, 0, 1), settle();
  leave(1);  // node 2 is alone with it for a while: that is once
  leave(2);
  for (int alone = 2; alone <= 3; ++alone) {
    want(1, 0, clocks_[1][0] + 1), settle();
    leave(1);
    ASSERT_EQ(owner(0), 0u) << alone;
  }
  want(1, 0), settle();
  EXPECT_EQ(owner(0), 1u);
}

TEST_F(KeeperPaceTest, The_next_owner_begins_without_clinging) {
  start({.nodes = 3, .clings = 3});
  want(1, 0, 1), settle();
  tick(1), settle(), tick(1), settle();
  want(1, 0, 4), settle();
  ASSERT_EQ(owner(0), 1u);
  while (clocks_[1][0] < 5) tick(1), settle();
  want(2, 0), settle();
  EXPECT_EQ(owner(0), 2u);
}

// ---- pace ----------------------------------------------------------------------------------

constexpr Duration kPace = milliseconds(10);

class KeeperRoundTest : public KeeperPaceTest {
 protected:
  void keep(const char* scheme = "async") {
    start({.nodes = 2, .scheme = scheme, .pace = kPace});
    want(0, 0);
    want(1, 0);
    settle();
    ASSERT_TRUE(keeps(1, 0));
    pass(kPace);
  }
  // A change by the owner, and a clock of its peer's, which asks for what is new.
  void change_and_ask() {
    push(0, {Key{0}});
    tick(1);
    let_all(1, 0);
  }
};

TEST_F(KeeperRoundTest, What_changes_within_the_pace_goes_once_when_it_is_over) {
  keep();
  change_and_ask();
  EXPECT_EQ(renewals(1), 1u) << "the last round was long ago";
  settle();
  for (int i = 0; i < 5; ++i) change_and_ask();
  EXPECT_EQ(renewals(1), 0u);
  settle();
  EXPECT_EQ(value(1, 0), 1);
  pass(kPace);
  feed(0, TimerFired{MachineId::table, Keeper::kPaceTimer});
  EXPECT_EQ(renewals(1), 1u);
  settle();
  EXPECT_EQ(value(1, 0), 6);
}

TEST_F(KeeperRoundTest, One_timer_is_set_for_when_the_pace_is_over) {
  keep();
  change_and_ask();
  const Instant sent = now_;
  settle();
  std::vector<Outbox::Wake> wakes;
  for (int i = 0; i < 3; ++i) {
    push(0, {Key{0}});
    auto& call = make<TickCall>(1, 0);
    call.clock = Clock{++clocks_[1][0]};
    post(1, call);
    while (waiting(1, 0) != 0) {
      const Outbox::Send next = lines_[{1, 0}].front();
      lines_[{1, 0}].pop_front();
      Outbox out;
      now_ = now_ + microseconds(10);
      Event event = MessageArrived{{NodeId{1}, NodeId{0}, Epoch{1}, next.kind, next.body}};
      machines_[0]->on(event, now_, out);
      wakes.insert(wakes.end(), out.wakes.begin(), out.wakes.end());
    }
  }
  std::erase_if(wakes, [](const Outbox::Wake& w) { return w.tag != Keeper::kPaceTimer; });
  ASSERT_EQ(wakes.size(), 1u);
  EXPECT_GT(wakes[0].when, sent);
  EXPECT_LE(wakes[0].when, sent + kPace);
}

TEST_F(KeeperRoundTest, A_timer_that_comes_too_early_sends_nothing) {
  keep();
  change_and_ask();
  settle();
  change_and_ask();
  pass(kPace - milliseconds(1));
  feed(0, TimerFired{MachineId::table, Keeper::kPaceTimer});
  EXPECT_EQ(renewals(1), 0u);
}

TEST_F(KeeperRoundTest, Under_a_bound_every_clock_brings_what_is_new) {
  keep("ssp(3)");
  for (int i = 1; i <= 4; ++i) {
    push(0, {Key{0}});
    tick(0), tick(1);
    settle();
    EXPECT_EQ(value(1, 0), i);
  }
}

TEST_F(KeeperRoundTest, After_a_barrier_what_is_new_is_seen_at_once) {
  keep();
  change_and_ask();
  settle();
  change_and_ask();
  settle();
  ASSERT_EQ(value(1, 0), 1);
  barrier(0), barrier(1);
  settle();
  EXPECT_EQ(value(1, 0), 2);
}

}  // namespace
}  // namespace hemiola
