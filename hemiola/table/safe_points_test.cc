#include "hemiola/table/safe_points.h"

#include <gtest/gtest.h>

#include "hemiola/core/random.h"
#include "hemiola/table/generations_for_test.h"

namespace hemiola {
namespace {

class SafePointsTest : public GenerationsTest {
 protected:
  // Node 0 adds 1 to a row of each node, its own in place.
  uint64_t change_rows() {
    push(0, {Key{1}, Key{2}});
    *owned(0, 3) += 1;
    tick(0, {Key{3}});
    return secure(0);
  }
  // So many messages come, on lines that chance picks.
  void let_some(Random& chance, int messages) {
    for (int i = 0; i < messages; ++i) {
      const auto from = static_cast<uint32_t>(chance.below(3));
      let(from, (from + 1 + static_cast<uint32_t>(chance.below(2))) % 3);
      if (chance.below(4) == 0) fire();
    }
  }
  // Node 0 dies when its point is safe: are its changes there? Counts the trials in which it was.
  int lost_in(const Job& job, int& died) {
    int lost = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      Random chance(seed);
      start(job);
      if (std::string(job.placement) != "static") {
        want(1, 3);  // the row of node 0 goes to node 1, or will
        let_some(chance, static_cast<int>(chance.below(6)));
      }
      if (owned(0, 3) == nullptr) continue;
      const uint64_t point = change_rows();
      let_some(chance, static_cast<int>(chance.below(120)));
      if (!is_safe(0, point)) continue;
      ++died;
      change_and_start({1, 2});
      lost += value(1) == 1 && value(2) == 1 && value(3) == 1 ? 0 : 1;
    }
    return lost;
  }
};

TEST_F(SafePointsTest, A_row_changed_in_place_is_safe_when_its_backup_has_come) {
  start({.nodes = 2, .copies = 2});
  *owned(0, 2) += 1;
  const uint64_t point = secure(0, {Key{2}});
  EXPECT_FALSE(is_safe(0, point));
  settle();
  EXPECT_TRUE(is_safe(0, point));
}

TEST_F(SafePointsTest, An_update_is_safe_when_its_owner_has_a_backup_of_it) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}});
  const uint64_t point = secure(0);
  while (let(0, 1)) {
  }
  EXPECT_FALSE(is_safe(0, point)) << "only the owner has it";
  settle();
  EXPECT_TRUE(is_safe(0, point));
}

TEST_F(SafePointsTest, What_did_not_change_is_safe_at_once) {
  start({.nodes = 2, .copies = 2});
  EXPECT_TRUE(is_safe(0, secure(0)));
}

TEST_F(SafePointsTest, Points_of_a_node_become_safe_in_their_order) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}});
  const uint64_t first = secure(0);
  const uint64_t second = secure(0);
  EXPECT_LT(first, second);
  EXPECT_FALSE(is_safe(0, second));
  settle();
  EXPECT_TRUE(is_safe(0, second));
}

TEST_F(SafePointsTest, Strict_updates_are_not_safe_before_their_clock_is_complete) {
  start({.nodes = 2, .copies = 2, .scheme = "bsp strict"});
  push(0, {Key{1}});
  const uint64_t point = secure(0);
  settle();
  EXPECT_FALSE(is_safe(0, point));
  tick(0, {});
  tick(1, {});
  settle();
  EXPECT_TRUE(is_safe(0, point));
}

TEST_F(SafePointsTest, A_worker_that_waits_for_its_changes_goes_on_when_they_are_safe) {
  start({.nodes = 2, .copies = 2, .pace = seconds(3600)});
  *owned(0, 2) += 1;
  auto& call = make_call<SecureCall>(0);
  call.wait = true;
  call.dirty = {{kTable, {Key{2}}}};
  feed(0, CallPosted{&call});
  EXPECT_EQ(call.done, 0);
  while (let(0, 1) || let(1, 0)) {  // without waiting for the pace
  }
  EXPECT_EQ(call.done, 1);
}

TEST_F(SafePointsTest, What_is_safe_outlives_the_node_wherever_its_rows_are) {
  for (const char* placement : {"static", "relocate", "intent", "nups"}) {
    int died = 0;
    const Job job{.nodes = 3, .copies = 2, .placement = placement};
    EXPECT_EQ(lost_in(job, died), 0) << placement;
    EXPECT_GT(died, 20) << placement;
  }
}

TEST_F(SafePointsTest, Backups_without_rows_are_caught) {
  int died = 0;
  const Job job{.nodes = 3, .copies = 2, .sabotage = Sabotage::backup_skipped};
  EXPECT_GT(lost_in(job, died), 20);
}

}  // namespace
}  // namespace hemiola
