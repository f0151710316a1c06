// The settings of placement: what an owner decides under each, and what they leave behind.
#include "hemiola/table/keeper.h"

#include "hemiola/core/check.h"
#include "hemiola/table/keeper_for_test.h"

namespace hemiola {
namespace {

using KeeperIntentTest = KeeperTest;

TEST_F(KeeperIntentTest, One_node_wants_a_row_and_it_moves_there) {
  start({.nodes = 3});
  want(1, 0);
  settle();
  EXPECT_EQ(owner(0), 1u);
  EXPECT_FALSE(finds(0, 0));
}

TEST_F(KeeperIntentTest, Two_want_it_and_the_second_gets_a_copy_that_is_kept_fresh) {
  start({.nodes = 3});
  want(1, 0);
  want(2, 0);
  settle();
  EXPECT_EQ(owner(0), 1u);
  EXPECT_TRUE(keeps(2, 0));
  EXPECT_EQ(moves(2).kept, 1u);
  for (int i = 0; i < 3; ++i) {
    change(1, 0), change(2, 0, 10);
    tick(0), tick(1, {Key{0}}), tick(2, {Key{0}});
    settle();
  }
  tick(0), tick(1), tick(2);
  settle();
  EXPECT_EQ(value(1, 0), 33);
  EXPECT_EQ(value(2, 0), 33);
}

TEST_F(KeeperIntentTest, When_the_copy_is_left_the_row_stays_and_when_the_owner_leaves_it_follows) {
  for (const bool owner_leaves : {false, true}) {
    SCOPED_TRACE(owner_leaves);
    sets_.clear(), machines_.clear(), lines_.clear();
    start({.nodes = 3});
    want(1, 0, owner_leaves ? 1 : 9);
    settle();
    want(2, 0, owner_leaves ? 9 : 1);
    settle();
    for (int i = 0; i < 3; ++i) {
      tick(0), tick(1), tick(2);
      settle();
    }
    EXPECT_EQ(owner(0), owner_leaves ? 2u : 1u);
    EXPECT_FALSE(finds(owner_leaves ? 1 : 2, 0));
  }
}

TEST_F(KeeperIntentTest, A_row_that_nobody_wants_any_more_stays_where_it_was_wanted_last) {
  start({});
  want(1, 0, 1);
  settle();
  for (int i = 0; i < 3; ++i) tick(0), tick(1);
  settle();
  EXPECT_EQ(owner(0), 1u);
}

TEST_F(KeeperIntentTest, A_copy_that_comes_when_its_intent_is_over_is_left_again) {
  start({});
  want(0, 0);
  want(1, 0, 1);
  tick(1);  // before the copy is here
  settle();
  EXPECT_TRUE(keeps(1, 0));
  tick(1), tick(1);
  EXPECT_FALSE(finds(1, 0));
  EXPECT_EQ(waiting(1, 0, Kind::leave), 1u);
}

TEST_F(KeeperIntentTest, An_intent_for_much_later_sends_nothing_yet) {
  start({});
  intend(1, {Key{0}, Key{2}}, 100'000, 100'001);
  EXPECT_EQ(waiting(1, 0), 0u);
}

TEST_F(KeeperIntentTest, More_than_64_nodes_keep_copies_and_leave_them) {
  constexpr uint32_t kNodes = 131;
  start({.nodes = kNodes, .rows = 200});
  want(0, 0);
  for (uint32_t n = 1; n < kNodes; ++n) want(n, 0, n % 2 == 0 ? 1 : 9);
  settle();
  for (uint32_t n = 1; n < kNodes; ++n) ASSERT_TRUE(keeps(n, 0)) << n;
  push(70, {Key{0}}, 3);
  settle();
  for (uint32_t n = 0; n < kNodes; ++n) tick(n);
  settle();
  for (uint32_t n = 0; n < kNodes; ++n) tick(n);
  settle();
  for (uint32_t n = 1; n < kNodes; ++n) {
    EXPECT_EQ(finds(n, 0), n % 2 != 0) << n;
    EXPECT_TRUE(n % 2 == 0 || value(n, 0) == 3) << n;
  }
  push(129, {Key{0}}, 4);
  settle({{0, 128}, {0, 130}});
  EXPECT_EQ(waiting(0, 128, Kind::renew) + waiting(0, 130, Kind::renew), 0u) << "they left";
}

TEST(KeeperReplicateTest, A_row_that_everyone_keeps_needs_no_message_to_begin_with) {
  TableOptions table;
  table.spec = {"t", 12, 2, 0, {.kind = Initialiser::Kind::uniform, .a = -1, .b = 1, .seed = 3}};
  table.staleness = parse_staleness("async");
  table.placement = parse_placement("replicate");
  TableSet one({table}, Place{NodeId{0}, 2, 1}), other({table}, Place{NodeId{1}, 2, 1});
  const TableMachine first(one), second(other);
  for (uint32_t k = 0; k < 12; ++k) {
    const Copies& here = one.rows(TableId{0}).shelf();
    const Copies& there = other.rows(TableId{0}).shelf();
    const auto a = here.look(Key{k}), b = there.look(Key{k});
    ASSERT_TRUE(a.slot != Copies::kNone && b.slot != Copies::kNone);
    EXPECT_EQ(a.owned, k % 2 == 0);
    EXPECT_EQ(b.owned, k % 2 != 0);
    EXPECT_EQ(here.value(a.slot)[0], there.value(b.slot)[0]);
    EXPECT_EQ(here.value(a.slot)[1], there.value(b.slot)[1]);
  }
}

class KeeperHotTest : public KeeperTest {
 protected:
  // Both nodes want rows `hot` and `hot + 1` in every clock, and others once in a while.
  void work(uint32_t hot, int clocks) {
    for (int i = 0; i < clocks; ++i) {
      for (uint32_t n = 0; n < 2; ++n) {
        const int c = clocks_[n][0];
        std::vector<Key> keys;
        for (uint32_t k = 0; k < 2; ++k) keys.push_back(Key{hot + k});
        for (uint32_t k = 0; k < 6; ++k) {
          keys.push_back(Key{10 + (static_cast<uint32_t>(c) * 6 + k) % (job_.rows - 10)});
        }
        intend(n, keys, c, c + 1);
        tick(n);
      }
      settle();
    }
  }
  bool on_both(uint32_t key) const { return finds(0, key) && finds(1, key); }
  uint32_t on_both() const {
    uint32_t count = 0;
    for (uint32_t k = 0; k < job_.rows; ++k) count += on_both(k) ? 1 : 0;
    return count;
  }
  // Until nothing is wanted by anyone but for good.
  void calm() {
    for (int i = 0; i < 40; ++i) {
      tick(0), tick(1);
      settle();
    }
  }
};

TEST_F(KeeperHotTest, Replicate_keeps_all_rows_everywhere_and_moves_none) {
  start({.placement = "replicate"});
  EXPECT_EQ(on_both(), job_.rows);
  want(1, 0, 1);
  EXPECT_EQ(waiting(1, 0), 0u);
  calm();
  EXPECT_EQ(on_both(), job_.rows);
  EXPECT_EQ(owner(0), 0u);
  change(1, 0);
  tick(1, {Key{0}});
  calm();
  EXPECT_EQ(value(0, 0), 1);
}

TEST_F(KeeperHotTest, The_hottest_are_counted_on_line_and_kept_by_all) {
  for (const char* placement : {"replicate(2)", "nups(2)", "nups"}) {
    SCOPED_TRACE(placement);
    sets_.clear(), machines_.clear(), lines_.clear();
    start({.placement = placement, .rows = 2000});
    work(0, 600);
    calm();
    EXPECT_TRUE(on_both(0) && on_both(1));
    EXPECT_EQ(on_both(), 2u);
    change(0, 0), change(1, 0, 2);
    tick(0, {Key{0}}), tick(1, {Key{0}});
    settle();
    calm();
    EXPECT_EQ(value(0, 0), 3);
    EXPECT_EQ(value(1, 0), 3);
  }
}

TEST_F(KeeperHotTest, Rows_that_cool_down_are_left_and_hotter_ones_kept) {
  for (const char* placement : {"replicate(2)", "nups(2)", "nups"}) {
    SCOPED_TRACE(placement);
    sets_.clear(), machines_.clear(), lines_.clear();
    start({.placement = placement, .rows = 2000});
    work(0, 600);
    work(4, 7200);  // reports become rarer, and homes decide with the last ones of others
    calm();
    EXPECT_TRUE(on_both(4) && on_both(5));
    EXPECT_EQ(on_both(), 2u);
  }
}

TEST_F(KeeperHotTest, Rows_that_are_not_hot_stay_under_replicate_and_move_under_nups) {
  for (const char* placement : {"replicate(2)", "nups(2)"}) {
    sets_.clear(), machines_.clear(), lines_.clear();
    start({.placement = placement});
    want(1, 0, 1);
    settle();
    EXPECT_EQ(owner(0), placement[0] == 'n' ? 1u : 0u);
    EXPECT_TRUE(finds(1, 0));
  }
}

TEST(KeeperRefusals, Rows_do_not_move_where_their_order_counts_or_copies_are_few) {
  const auto refused = [](const char* scheme, uint32_t copies) -> std::string {
    TableOptions table;
    table.spec = {"t", 12, 2, 0, {}};
    table.staleness = parse_staleness(scheme);
    table.placement = parse_placement("intent");
    table.copies_max = copies;
    try {
      const TableSet set({table}, Place{NodeId{0}, 2, 1});
    } catch (const UserError& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_NE(refused("bsp strict", UINT32_MAX).find("needs placement static"), std::string::npos);
  EXPECT_NE(refused("ssp(2)", 5).find("copies_max cannot be set"), std::string::npos);
  for (const char* scheme : {"bsp", "ssp(2)", "essp(2)", "async"}) {
    EXPECT_EQ(refused(scheme, UINT32_MAX), "") << scheme;
  }
}

}  // namespace
}  // namespace hemiola
