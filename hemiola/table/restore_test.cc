#include "hemiola/table/restore.h"

#include "hemiola/table/generations_for_test.h"

namespace hemiola {
namespace {

class RestoreTest : public GenerationsTest {
 protected:
  RowsRecovered recovered() const {
    RowsRecovered all;
    for (const auto& machine : machines_) all += machine->rows_recovered();
    return all;
  }
};

class Sevens : public RowSource {
 public:
  explicit Sevens(std::string name = "the book of sevens") : name_(std::move(name)) {}
  // The nodes of a test share it.
  uint32_t newest() override { return ++newest_; }
  std::string open(uint32_t number) override {
    EXPECT_EQ(number, newest_) << "the newest that any of them told";
    return name_;
  }
  bool fill(TableId, Key key, std::span<float> row) override {
    ++asked;
    if (key.value % 2 != 0) return false;
    row[0] = 7;
    return true;
  }
  int asked = 0;

 private:
  const std::string name_;
  uint32_t newest_ = 0;
};

TEST_F(RestoreTest, An_update_that_was_on_its_way_is_added) {
  start({.nodes = 3});
  push(0, {Key{1}});  // to node 1
  change_and_start({0, 1});
  EXPECT_EQ(value(1), 1);
}

TEST_F(RestoreTest, An_update_that_had_come_but_was_not_acknowledged_is_not_added_again) {
  start({.nodes = 3});
  push(0, {Key{1}});
  push(0, {Key{1}}, 10);
  let(0, 1);
  change_and_start({0, 1});
  EXPECT_EQ(value(1), 11);
}

TEST_F(RestoreTest, A_row_that_was_named_twice_in_a_push_gets_both) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}, Key{1}, Key{4}});
  change_and_start({0, 2});
  EXPECT_EQ(value(1), 2);
  EXPECT_EQ(value(4), 1);
}

TEST_F(RestoreTest, What_was_changed_in_a_copy_and_never_sent_is_added) {
  start({.nodes = 2});
  fetch(0, 1);
  settle();
  *copy(0, 1) += 5;
  change_and_start({0, 1});
  EXPECT_EQ(value(1), 5);
}

TEST_F(RestoreTest, Rows_of_the_dead_come_from_their_backups) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}});
  settle();
  *owned(1, 4) += 3;
  tick(1, {Key{4}});
  settle();
  change_and_start({0, 2});
  EXPECT_EQ(value(1), 1);
  EXPECT_EQ(value(4), 3);
  EXPECT_EQ(value(7), 0);
  for (uint32_t n = 0; n < 2; ++n) EXPECT_EQ(machines_[n]->rows_lost()[0], 0u);
  EXPECT_EQ(recovered().from_backups, 2u);
  EXPECT_EQ(recovered().initial, 0u) << "a row that nobody changed is not lost";
}

TEST_F(RestoreTest, Rows_that_were_loaded_have_backups_before_anybody_goes_on) {
  for (const char* placement : {"static", "relocate"}) {
    load({.nodes = 3, .copies = 2, .placement = placement});
    EXPECT_EQ(ready_[0] + ready_[1] + ready_[2], 0);
    settle();
    for (uint32_t n = 0; n < 3; ++n) {
      EXPECT_EQ(ready_[n], 1) << n;
      feed(n, Notice{JobStarted{}});
    }
    change_and_start({0, 2});
    for (uint32_t k = 0; k < 12; ++k) EXPECT_EQ(value(k), 10.0f * static_cast<float>(k));
    EXPECT_EQ(recovered().from_backups, 4u) << "1, 4, 7, 10";
  }
}

TEST_F(RestoreTest, Nobody_vouches_for_loaded_rows_that_have_no_backups_yet) {
  Sevens sevens;
  load({.nodes = 3, .copies = 2});
  change_and_start({0, 2}, 0, &sevens);
  EXPECT_EQ(value(4), 7) << "from the source";
  EXPECT_EQ(value(5), 50);
  EXPECT_EQ(recovered().from_checkpoint, 2u);
  EXPECT_EQ(recovered().initial, 2u);
}

TEST_F(RestoreTest, An_update_that_is_in_the_backup_is_not_added_again) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}});
  let(0, 1);           // the owner adds it
  while (let(1, 2)) {  // the backup has it, and node 0 does not know
  }
  change_and_start({0, 2});
  EXPECT_EQ(value(1), 1);
}

TEST_F(RestoreTest, Rows_that_only_the_dead_had_come_from_the_source_or_go_back) {
  Sevens sevens;
  start({.nodes = 3, .rows = 12});
  push(0, {Key{1}, Key{4}});
  settle();
  change_and_start({0, 2}, 0, &sevens);
  EXPECT_EQ(sevens.asked, 4) << "1, 4, 7, 10";
  // Behind them comes again what the dead had not acknowledged: one batch is too few for that.
  EXPECT_EQ(value(4), 7 + 1);
  EXPECT_EQ(value(10), 7);
  EXPECT_EQ(value(1), 0 + 1);
  EXPECT_EQ(machines_[0]->rows_lost()[0] + machines_[1]->rows_lost()[0], 2u);
  EXPECT_EQ(recovered().from_checkpoint, 2u);
  EXPECT_EQ(recovered().initial, 2u);
  const auto names = [&](const char* text) {
    return std::any_of(said_.begin(), said_.end(),
                       [&](const std::string& s) { return s.find(text) != std::string::npos; });
  };
  EXPECT_TRUE(names("(at home on rank 1): they are back to their initial values"));
  EXPECT_TRUE(names("(at home on rank 1): they are taken from the book of sevens"));
}

TEST_F(RestoreTest, A_source_that_has_nothing_is_not_asked_for_rows) {
  Sevens nothing("");
  start({.nodes = 3, .rows = 12});
  change_and_start({0, 2}, 0, &nothing);
  EXPECT_EQ(nothing.asked, 0);
  EXPECT_EQ(machines_[0]->rows_lost()[0] + machines_[1]->rows_lost()[0], 4u);
}

TEST_F(RestoreTest, A_newcomer_gets_its_rows_and_one_node_alone_has_all) {
  start({.nodes = 1});
  *owned(0, 1) = 4;
  *owned(0, 2) = 6;
  change_and_start({0}, 1);
  EXPECT_EQ(*owned(1, 1), 4);
  EXPECT_EQ(*owned(0, 2), 6);
  *owned(1, 1) += 1;
  change_and_start({0, 1}, 1);
  EXPECT_EQ(*owned(1, 1), 5);
  EXPECT_EQ(*owned(2, 2), 6);
}

TEST_F(RestoreTest, Rows_are_in_two_places_again_before_anybody_goes_on) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}});
  settle();
  change({0, 2});
  for (int i = 0; i < 200 && ready_[0] + ready_[1] < 2; ++i) {
    let(0, 1) || let(1, 0);
  }
  feed(0, Notice{JobStarted{}});
  feed(1, Notice{JobStarted{}});
  lines_.clear();
  change_and_start({0});
  EXPECT_EQ(value(1), 1);
  EXPECT_EQ(machines_[0]->rows_lost()[0], 0u);
}

TEST_F(RestoreTest, A_generation_that_ended_before_it_began_is_made_again_from_the_same) {
  for (int steps = 0; steps < 40; ++steps) {
    start({.nodes = 4, .copies = 2, .placement = "intent"});
    push(0, {Key{1}, Key{2}});
    settle();
    push(0, {Key{1}, Key{3}});
    change({0, 2, 3});  // 1 has died
    for (int i = 0; i < steps; ++i) let(i % 3, (i + 1) % 3) || let((i + 1) % 3, i % 3);
    change_and_start({0, 1}, 1);  // what was node 3 dies meanwhile, and a new one comes
    EXPECT_EQ(value(1), 2) << steps;
    EXPECT_EQ(value(2), 1) << steps;
    EXPECT_EQ(value(3), 1) << steps;
  }
}

TEST_F(RestoreTest, Lost_links_do_no_harm) {
  start({.nodes = 3, .copies = 2});
  push(0, {Key{1}, Key{2}});
  push(2, {Key{1}, Key{3}});
  let(0, 1);
  change({0, 2});
  for (int i = 0; i < 8; ++i) {
    let(0, 1);
    let(1, 0);
    if (i % 2 == 0) lose(0, 1);
  }
  settle();
  EXPECT_EQ(ready_, (std::vector{1, 1}));
  EXPECT_EQ(value(1), 2);
  EXPECT_EQ(value(2), 1);
  EXPECT_EQ(value(3), 1);
}

TEST_F(RestoreTest, A_row_that_was_given_away_and_came_nowhere_is_still_there) {
  start({.nodes = 3, .placement = "relocate"});
  push(2, {Key{0}});
  settle();
  want(1, 0);
  let(1, 0);  // node 0 gives the row away
  ASSERT_EQ(owned(0, 0), nullptr);
  ASSERT_EQ(owned(1, 0), nullptr);
  push(1, {Key{0}}, 10);
  change_and_start({0, 1, 2});
  EXPECT_EQ(value(0), 11);
}

TEST_F(RestoreTest, A_row_is_remembered_until_its_new_owner_has_a_backup_of_it) {
  start({.nodes = 3, .copies = 2, .placement = "relocate"});
  push(2, {Key{0}});
  settle();
  want(1, 0);
  let(1, 0);
  while (let(0, 1)) {
  }
  ASSERT_NE(owned(1, 0), nullptr);
  change_and_start({0, 2});  // node 1 dies with it
  EXPECT_EQ(value(0), 1);
}

TEST_F(RestoreTest, Messages_that_cannot_be_read_are_said_and_change_nothing) {
  start({.nodes = 2, .copies = 2});
  change({0, 1});
  Writer writer;
  writer.put(StreamHead{1, 0}).put(TableId{9});
  feed(0, MessageArrived{{NodeId{1}, NodeId{0}, Epoch{1}, Kind::offer, std::move(writer).take()}});
  ASSERT_FALSE(said_.empty());
  EXPECT_NE(said_.back().find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace hemiola
