#include "hemiola/table/leaver.h"

#include "hemiola/table/generations_for_test.h"

namespace hemiola {
namespace {

class LeaverTest : public GenerationsTest {
 protected:
  void expect_nothing_lost() {
    for (const auto& machine : machines_) EXPECT_EQ(machine->rows_lost()[0], 0u);
  }
};

TEST_F(LeaverTest, Its_rows_go_to_the_others_with_one_copy_of_each) {
  for (const uint32_t copies : {1u, 2u}) {
    start({.nodes = 3, .copies = copies});
    for (uint32_t key = 0; key < 12; ++key) *owned(key % 3, key) += static_cast<float>(1 + key);
    for (uint32_t n = 0; n < 3; ++n) {
      tick(n, {Key{n}, Key{n + 3}, Key{n + 6}, Key{n + 9}});
    }
    settle();
    change_and_start({0, 2}, 0, nullptr, {1});
    for (uint32_t key = 0; key < 12; ++key) EXPECT_EQ(value(key), static_cast<float>(1 + key));
    expect_nothing_lost();
  }
}

TEST_F(LeaverTest, The_first_of_the_nodes_may_leave_and_all_but_one) {
  start({.nodes = 4});
  for (uint32_t key = 0; key < 12; ++key) push((key + 1) % 4, {Key{key}}, 2);
  settle();
  change_and_start({3}, 0, nullptr, {0, 1, 2});
  for (uint32_t key = 0; key < 12; ++key) EXPECT_EQ(value(key), 2);
  expect_nothing_lost();
}

TEST_F(LeaverTest, Updates_that_were_on_their_way_from_it_and_to_it_are_added_once) {
  start({.nodes = 3});
  push(1, {Key{0}});      // from it
  push(0, {Key{1}}, 10);  // to it
  push(2, {Key{1}}, 100);
  let(2, 1);  // that one is in, and node 2 does not know
  fetch(1, 3);
  settle();
  *copy(1, 3) += 7;  // changed in place there, and never sent
  change_and_start({0, 2}, 0, nullptr, {1});
  EXPECT_EQ(value(0), 1);
  EXPECT_EQ(value(1), 110);
  EXPECT_EQ(value(3), 7);
}

TEST_F(LeaverTest, A_row_that_moved_to_it_is_handed_over) {
  start({.nodes = 3, .placement = "relocate"});
  push(0, {Key{5}}, 4);
  settle();
  want(1, 5);
  settle();
  ASSERT_NE(owned(1, 5), nullptr);
  push(2, {Key{5}}, 30);
  settle();
  change_and_start({0, 2}, 0, nullptr, {1});
  EXPECT_EQ(value(5), 34);
  expect_nothing_lost();
}

TEST_F(LeaverTest, One_may_leave_while_another_comes) {
  start({.nodes = 2});
  for (uint32_t key = 0; key < 12; ++key) push(0, {Key{key}}, 3);
  settle();
  change_and_start({1}, 2, nullptr, {0});
  for (uint32_t key = 0; key < 12; ++key) EXPECT_EQ(value(key), 3);
}

TEST_F(LeaverTest, A_change_that_breaks_its_leaving_off_loses_nothing) {
  for (int steps = 0; steps < 40; ++steps) {
    start({.nodes = 4});
    for (uint32_t key = 0; key < 12; ++key) push((key + 1) % 4, {Key{key}}, 2);
    settle();
    change({0, 1, 2}, 0, nullptr, {3});
    for (int i = 0; i < steps; ++i)
      let(static_cast<uint32_t>(i) % 4, (static_cast<uint32_t>(i) / 4 + 1) % 4);
    // Node 1 wants to leave too; node 3 still does.
    change_and_start({0, 2}, 0, nullptr, {1, 3});
    for (uint32_t key = 0; key < 12; ++key) EXPECT_EQ(value(key), 2) << steps << " messages";
    expect_nothing_lost();
  }
}

TEST_F(LeaverTest, If_it_dies_meanwhile_its_rows_come_from_their_backups) {
  start({.nodes = 3, .copies = 2});
  for (uint32_t key = 0; key < 12; ++key) push((key + 1) % 3, {Key{key}}, 2);
  settle();
  change({0, 1}, 0, nullptr, {2});
  let(2, 0);
  change_and_start({0, 1});
  for (uint32_t key = 0; key < 12; ++key) EXPECT_EQ(value(key), 2);
  expect_nothing_lost();
}

TEST_F(LeaverTest, A_link_to_it_that_breaks_and_comes_again_costs_nothing) {
  start({.nodes = 3});
  for (uint32_t key = 0; key < 12; ++key) push((key + 1) % 3, {Key{key}}, 2);
  settle();
  change({0, 1}, 0, nullptr, {2});
  for (int i = 0; i < 3; ++i) let(2, 0), let(0, 2);
  lose(0, 2);
  lose(1, 2);
  settle();
  for (uint32_t n = 0; n < 3; ++n) EXPECT_EQ(ready_[n], 1);
  for (uint32_t n = 0; n < 2; ++n) feed(n, Notice{JobStarted{}});
  for (uint32_t key = 0; key < 12; ++key) EXPECT_EQ(value(key), 2);
}

}  // namespace
}  // namespace hemiola
