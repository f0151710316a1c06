#include "hemiola/table/backups.h"

#include "hemiola/table/generations_for_test.h"

namespace hemiola {
namespace {

class BackupsTest : public GenerationsTest {};

TEST_F(BackupsTest, An_origin_keeps_an_update_until_it_is_in_two_places) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}});
  EXPECT_GT(machines_[0]->remembered().journal_bytes, 0u);
  let(0, 1);
  while (let(1, 0)) {
  }
  EXPECT_GT(machines_[0]->remembered().journal_bytes, 0u) << "it is in the row, not in the backup";
  settle();
  EXPECT_EQ(machines_[0]->remembered().journal_bytes, 0u);
}

TEST_F(BackupsTest, With_one_copy_nothing_is_kept_and_nothing_is_sent) {
  start({.nodes = 2, .copies = 1});
  push(0, {Key{1}});
  EXPECT_EQ(machines_[0]->remembered().journal_bytes, 0u);
  let(0, 1);
  EXPECT_EQ(machines_[1]->remembered().units, 0u);
  EXPECT_EQ(waiting(1, 0), 0u);
}

TEST_F(BackupsTest, While_two_rounds_are_on_their_way_changes_gather) {
  start({.nodes = 2, .copies = 2});
  for (int i = 0; i < 20; ++i) {
    push(0, {Key{1}});
    let(0, 1);
  }
  size_t backups = 0;
  for (const auto& sent : lines_[{1, 0}]) backups += sent.kind == Kind::backup ? 1 : 0;
  EXPECT_EQ(backups, 2u);
  settle();
  change_and_start({0});
  EXPECT_EQ(value(1), 20);
}

TEST_F(BackupsTest, Rounds_keep_their_pace) {
  start({.nodes = 2, .copies = 2, .pace = milliseconds(50)});
  push(0, {Key{1}});
  let(0, 1);
  while (let(1, 0) || let(0, 1)) {
  }
  push(0, {Key{3}});
  let(0, 1);
  EXPECT_EQ(waiting(1, 0), 0u) << "not yet";
  ASSERT_TRUE(fire());
  EXPECT_GT(waiting(1, 0), 0u);
}

TEST_F(BackupsTest, Units_are_forgotten_once_their_origin_has_dropped_them) {
  for (const char* placement : {"static", "relocate"}) {
    start({.nodes = 2, .copies = 2, .placement = placement});
    for (int i = 0; i < 5; ++i) {
      push(0, {Key{1}});
      settle();
    }
    EXPECT_GT(machines_[1]->remembered().units, 0u);
    tick(1, {});
    settle();
    tick(1, {});  // a mark is what is answered with what is kept
    settle();
    EXPECT_EQ(machines_[1]->remembered().units, 0u) << placement;
  }
}

TEST_F(BackupsTest, The_backup_of_a_row_that_went_away_for_good_is_given_up) {
  start({.nodes = 3, .copies = 2, .placement = "relocate"});
  *owned(0, 0) = 5;
  tick(0, {Key{0}});
  settle();
  want(2, 0);
  settle();
  ASSERT_NE(owned(2, 0), nullptr);
  EXPECT_EQ(machines_[0]->remembered().gifts, 0u);
  change_and_start({1, 2});
  EXPECT_EQ(value(0), 5);
}

}  // namespace
}  // namespace hemiola
