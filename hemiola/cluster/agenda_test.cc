#include "hemiola/cluster/agenda.h"

#include <gtest/gtest.h>

#include "hemiola/core/wire.h"

namespace hemiola {
namespace {

Agenda again(const Agenda& agenda) {
  Writer out;
  agenda.encode(out);
  const Bytes bytes = std::move(out).take();
  Reader in(bytes);
  Agenda copy = Agenda::decode(in);
  EXPECT_TRUE(in.finished());
  return copy;
}

TEST(Agenda, Blocks_are_added_up_in_order_of_block_whatever_order_they_came_in) {
  Agenda forth;
  Agenda back;
  const BlockDone blocks[] = {{0, {1e16}}, {1, {1}}, {2, {-1e16}}};
  for (int i = 0; i < 3; ++i) {
    forth.add(0, blocks[i]);
    back.add(0, blocks[2 - i]);
  }
  EXPECT_EQ(forth.close({}, 1).blocks, back.close({}, 1).blocks);
}

TEST(Agenda, The_first_word_about_a_block_counts) {
  Agenda agenda;
  agenda.add(0, {4, {1, 2}});
  agenda.add(0, {4, {5, 6}});
  EXPECT_EQ(agenda.close({7}, 3).blocks, (std::vector<double>{1, 2}));
  EXPECT_EQ(agenda.totals()[0].reduced, std::vector<double>{7});
  EXPECT_EQ(agenda.pass(), 1u);
}

TEST(Agenda, A_block_of_another_pass_changes_nothing) {
  Agenda agenda;
  agenda.add(1, {0, {1}});
  EXPECT_TRUE(agenda.done().empty());
  agenda.close({}, 1);
  agenda.add(0, {0, {1}});
  EXPECT_TRUE(agenda.done().empty());
  agenda.close(0, PassTotals{{9}, {}, 2});
  agenda.close(2, PassTotals{{9}, {}, 2});
  EXPECT_EQ(agenda.pass(), 1u);
}

TEST(Agenda, Two_that_know_different_blocks_of_a_pass_know_both_after_a_merge) {
  Agenda one;
  Agenda two;
  one.add(0, {0, {1}});
  two.add(0, {1, {2}});
  one.merge(two);
  EXPECT_TRUE(one.has(0) && one.has(1));
}

TEST(Agenda, Of_two_that_are_at_different_passes_the_later_counts) {
  Agenda late;
  late.add(0, {0, {1}});
  late.close({5}, 2);
  late.add(1, {3, {8}});
  Agenda early;
  early.add(0, {1, {2}});

  Agenda told = early;
  told.merge(late);
  EXPECT_EQ(told.pass(), 1u);
  EXPECT_TRUE(told.has(3));
  EXPECT_FALSE(told.has(1));
  late.merge(early);
  EXPECT_EQ(late.pass(), 1u);
  EXPECT_FALSE(late.has(1));
}

TEST(Agenda, Is_the_same_after_a_journey) {
  Agenda agenda;
  agenda.add(0, {2, {1.5, -2}});
  agenda.close({3}, 4.25);
  agenda.add(1, {7, {6}});
  const Agenda copy = again(agenda);
  EXPECT_EQ(copy.pass(), 1u);
  EXPECT_EQ(copy.totals()[0].blocks, (std::vector<double>{1.5, -2}));
  EXPECT_EQ(copy.totals()[0].ended, 4.25);
  EXPECT_EQ(copy.done(), agenda.done());
}

TEST(Agenda, What_is_cut_short_is_not_read_as_an_agenda) {
  Agenda agenda;
  agenda.add(0, {2, {1.5, -2}});
  agenda.close({3}, 4.25);
  Writer out;
  agenda.encode(out);
  const Bytes bytes = std::move(out).take();
  for (size_t n = 0; n < bytes.size(); ++n) {
    const Bytes part = bytes.slice(0, n);
    Reader in(part);
    Agenda::decode(in);
    EXPECT_FALSE(in.finished()) << n << " bytes";
  }
}

}  // namespace
}  // namespace hemiola
