// Updates: on their way to rows that move, to those who keep copies, and to the clocks.
#include <cmath>

#include "hemiola/table/keeper_for_test.h"

namespace hemiola {
namespace {

class KeeperChangeTest : public KeeperTest {
 protected:
  // All nodes keep row 0, which node 0 owns and wants.
  void keep(const NodesForTest& job) {
    start(job);
    for (uint32_t n = 0; n < job.nodes; ++n) want(n, 0);
    settle();
    for (uint32_t n = 1; n < job.nodes; ++n) ASSERT_TRUE(keeps(n, 0));
  }
  void tick_all(std::vector<Key> dirty = {}) {
    for (uint32_t n = 0; n < job_.nodes; ++n) tick(n, dirty);
  }
};

TEST_F(KeeperChangeTest, A_changed_row_goes_to_all_who_keep_it_but_to_who_changed_it) {
  keep({.nodes = 3});
  change(1, 0);
  tick(1, {Key{0}});
  let_all(1, 0);
  tick(2);
  tick(1);
  let_all(1, 0), let_all(2, 0);
  EXPECT_EQ(waiting(0, 1, Kind::renew), 0u);
  EXPECT_EQ(waiting(0, 2, Kind::renew), 1u);
  settle();
  for (uint32_t n = 0; n < 3; ++n) EXPECT_EQ(value(n, 0), 1);
}

TEST_F(KeeperChangeTest, A_change_of_the_owners_own_workers_goes_to_all_who_keep_it) {
  keep({.nodes = 3});
  change(0, 0);
  tick(0, {Key{0}});
  tick(1), tick(2);
  settle();
  for (uint32_t n = 0; n < 3; ++n) EXPECT_EQ(value(n, 0), 1);
}

TEST_F(KeeperChangeTest, A_fresh_row_keeps_what_was_added_here_and_what_is_on_its_way) {
  keep({.nodes = 3});
  change(1, 0, 1);
  tick(1, {Key{0}});  // on its way
  change(1, 0, 2);    // not sent
  push(2, {Key{0}}, 10);
  let_all(2, 0);
  tick(2), let_all(2, 0);
  settle({{1, 0}});
  tick(0);
  settle({{1, 0}});
  EXPECT_GE(value(1, 0), 3);
  tick(1, {Key{0}});
  settle();
  tick_all();
  settle();
  for (uint32_t n = 0; n < 3; ++n) EXPECT_EQ(value(n, 0), 13);
}

TEST_F(KeeperChangeTest, At_most_two_rounds_are_on_their_way_and_the_rest_goes_once) {
  keep({});
  for (int i = 0; i < 6; ++i) {
    change(0, 0);
    tick(0, {Key{0}});
    tick(1);
    let_all(1, 0);
  }
  EXPECT_EQ(waiting(0, 1, Kind::round), 2u);
  EXPECT_LE(waiting(0, 1, Kind::renew), 2u);
  settle();
  EXPECT_EQ(value(1, 0), 6);
}

TEST_F(KeeperChangeTest, A_key_that_is_named_several_times_in_a_push_counts_as_often) {
  start({});
  push(1, {Key{0}, Key{2}, Key{0}, Key{0}});
  settle();
  EXPECT_EQ(value(0, 0), 3);
  EXPECT_EQ(value(0, 2), 1);
  want(0, 0);
  want(1, 0);
  settle();
  push(1, {Key{0}, Key{0}});  // a copy came since the worker looked
  EXPECT_EQ(value(1, 0), 5);
  settle();
  EXPECT_EQ(value(0, 0), 5);
}

TEST_F(KeeperChangeTest, A_clock_counts_only_when_all_updates_from_before_it_are_in) {
  start({.nodes = 3, .placement = "relocate", .scheme = "bsp"});
  want(1, 0);
  settle();
  push(2, {Key{0}});  // to its home, which has given it away
  auto& ticked = tick(2);
  EXPECT_EQ(waiting(2, 0, Kind::mark), 0u);
  let(2, 0, Kind::change), let(0, 1, Kind::change);
  EXPECT_EQ(waiting(2, 1, Kind::mark), 0u);
  let(1, 2, Kind::settled);
  EXPECT_EQ(waiting(2, 0, Kind::mark), 1u);
  EXPECT_EQ(waiting(2, 1, Kind::mark), 1u);
  EXPECT_FALSE(done(ticked));
  tick(0), tick(1);
  settle();
  EXPECT_TRUE(done(ticked));
}

TEST_F(KeeperChangeTest, A_clock_waits_for_updates_that_wait_for_their_row) {
  start({.scheme = "bsp"});
  want(1, 0);
  push(1, {Key{0}});  // the row is asked for
  tick(1);
  EXPECT_EQ(waiting(1, 0, Kind::mark), 0u);
  settle();
  EXPECT_EQ(value(1, 0), 1);
  tick(0);
  settle();
  auto& read = fetch(0, 0, 1);
  settle();
  EXPECT_TRUE(done(read));
  EXPECT_EQ(value(0, 0), 1);
}

TEST_F(KeeperChangeTest, A_barrier_waits_for_updates_on_their_way_and_ends_for_all_workers) {
  start({.nodes = 3, .workers = 2});
  want(1, 0);
  settle();
  push(2, {Key{0}});
  std::vector<BarrierCall*> calls;
  for (uint32_t n = 0; n < 3; ++n) {
    for (uint32_t w = 0; w < 2; ++w) calls.push_back(&barrier(n, w));
  }
  settle({{0, 1}});
  for (const auto* call : calls) EXPECT_FALSE(done(*call));
  settle();
  for (const auto* call : calls) EXPECT_TRUE(done(*call));
  EXPECT_EQ(value(1, 0), 1);
}

TEST_F(KeeperChangeTest, Updates_of_a_row_that_does_not_come_for_long_take_the_place_of_one) {
  start({});
  want(1, 0);
  for (int i = 0; i < 1000; ++i) push(1, {Key{0}, Key{2}, Key{0}});
  want(1, 2);
  for (int i = 0; i < 1000; ++i) push(1, {Key{0}});
  settle();
  EXPECT_EQ(owner(0), 1u);
  EXPECT_EQ(value(1, 0), 3000);
  EXPECT_EQ(value(1, 2), 1000);
}

TEST_F(KeeperChangeTest, An_update_far_above_the_usual_is_scaled_down_here_and_there) {
  keep({.clip = 2});
  for (int i = 0; i < 1000; ++i) {
    change(1, 0);
    tick(1, {Key{0}});
    settle();
  }
  ASSERT_EQ(value(0, 0), 1000) << "the first thousand only teach what is usual";
  change(1, 0, 100);
  tick(1, {Key{0}});
  settle();
  const float most = 2 * (1 + 99.0F / 1000);
  EXPECT_NEAR(value(0, 0), 1000 + most, 0.01);
  EXPECT_NEAR(value(1, 0), 1000 + most, 0.01);
  change(1, 0, 1.5F);
  tick(1, {Key{0}});
  settle();
  EXPECT_NEAR(value(0, 0), 1001.5 + most, 0.01);
}

// Node 0 under messages that no honest node sends.
class KeeperDistrustTest : public KeeperTest {
 protected:
  template <class... Parts>
  void from_peer(Kind kind, Parts... parts) {
    Writer writer;
    writer.put(StreamHead{++number_, 0});
    (writer.put(parts), ...);
    said_.clear();
    deliver(1, 0, kind, std::move(writer).take());
  }
  void expect_dropped(const char* what) {
    EXPECT_EQ(said_.size(), 1u) << what;
    EXPECT_EQ(owner(0), 0u);
    EXPECT_EQ(value(0, 0), 0);
  }
  static constexpr Kind kKinds[] = {Kind::ask,     Kind::give,  Kind::taken, Kind::change,
                                    Kind::settled, Kind::renew, Kind::round, Kind::leave,
                                    Kind::located, Kind::heat,  Kind::hot};
  uint32_t number_ = 0;
};

TEST_F(KeeperDistrustTest, What_cannot_be_read_is_dropped_and_said) {
  start({.placement = "nups"});
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    said_.clear();
    deliver(1, 0, kind, Bytes::copy_of("?"));
    expect_dropped("not even a head");
    if (kind != Kind::give && kind != Kind::change && kind != Kind::renew) {
      from_peer(kind);
      expect_dropped("nothing behind the head");
    }
    from_peer(kind, uint16_t{1});
    expect_dropped("half a number");
    from_peer(kind, TableId{7}, uint32_t{0}, uint32_t{0}, uint32_t{0}, uint32_t{0}, uint8_t{9});
    expect_dropped("a table that is not there, and a byte too many");
  }
}

TEST_F(KeeperDistrustTest, Rows_and_nodes_that_are_not_there_are_dropped_and_said) {
  start({.placement = "nups"});
  const Key far{99};
  const uint32_t one = 1;
  from_peer(Kind::ask, kTable, NodeId{1}, Clock{0}, one, 0U, one, far);
  expect_dropped("ask for a row");
  from_peer(Kind::ask, kTable, NodeId{9}, Clock{0}, one, 0U, one, Key{0});
  expect_dropped("ask for a node");
  from_peer(Kind::give, kTable, Clock{0}, GiveRecord{far, 1, GiveKind::owned}, 1.0F, 1.0F);
  expect_dropped("give a row");
  from_peer(Kind::give, kTable, Clock{0}, GiveRecord{Key{1}, 1, GiveKind{7}}, 1.0F, 1.0F);
  expect_dropped("give of a kind");
  from_peer(Kind::give, kTable, Clock{0}, GiveRecord{Key{0}, 9, GiveKind::owned}, 1.0F, 1.0F);
  expect_dropped("give what is here");
  from_peer(Kind::give, kTable, Clock{0}, GiveRecord{Key{0}, 9, GiveKind::kept}, 1.0F, 1.0F);
  expect_dropped("a copy of what is here");
  from_peer(Kind::taken, kTable, one, far);
  expect_dropped("taken");
  from_peer(Kind::taken, kTable, one, Key{0});
  expect_dropped("taken what was not given");
  from_peer(Kind::change, kTable, NodeId{1}, one, 0U, far, 1.0F, 1.0F);
  expect_dropped("change of a row");
  from_peer(Kind::change, kTable, NodeId{9}, one, 0U, Key{0}, 1.0F, 1.0F);
  expect_dropped("change of a node");
  from_peer(Kind::renew, kTable, far, 1.0F, 1.0F);
  expect_dropped("renew");
  from_peer(Kind::leave, kTable, one, far);
  expect_dropped("leave");
  from_peer(Kind::located, kTable, one, LocatedRecord{far, 1, NodeId{1}});
  expect_dropped("located, a row");
  from_peer(Kind::located, kTable, one, LocatedRecord{Key{1}, 1, NodeId{9}});
  expect_dropped("located, a node");
  from_peer(Kind::heat, kTable, one, HeatRecord{far, 1});
  expect_dropped("heat");
  for (const float share : {std::nanf(""), -1.0F, INFINITY}) {
    from_peer(Kind::heat, kTable, one, HeatRecord{Key{0}, share});
    expect_dropped("heat of what is no share");
  }
  from_peer(Kind::hot, kTable, one, far, 0U);
  expect_dropped("hot");
}

TEST_F(KeeperDistrustTest, Updates_that_are_settled_without_being_open_are_dropped_and_said) {
  start({});
  from_peer(Kind::settled, 1U, 1U);
  expect_dropped("none is open");
  push(0, {Key{1}});
  push(0, {Key{3}});
  for (const auto& [batch, rows] :
       std::vector<std::pair<uint32_t, uint32_t>>{{0, 1}, {3, 1}, {1, 2}, {1, 0}, {~0U, 1}}) {
    from_peer(Kind::settled, batch, rows);
    expect_dropped("not so");
  }
  from_peer(Kind::settled, 2U, 1U);
  from_peer(Kind::settled, 2U, 1U);
  expect_dropped("twice");
}

}  // namespace
}  // namespace hemiola
