#include "hemiola/table/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TableOptions table(uint32_t rows, uint32_t length) {
  TableOptions options;
  options.spec = {.name = "t", .rows = rows, .row_length = length};
  return options;
}

TEST(Rows, Initial_values_are_the_same_on_whichever_node_a_key_lives) {
  TableOptions options = table(100, 5);
  options.spec.value_columns = 3;
  options.spec.init = {Initialiser::Kind::uniform, -1, 1, 0.5f, 42};
  const Rows alone(options, {NodeId{0}, 1, 1});
  const Rows third(options, {NodeId{2}, 3, 1});
  for (uint32_t k = 2; k < 100; k += 3) {
    ASSERT_TRUE(third.owns(Key{k}));
    const float* here = alone.owned(k);
    const float* there = third.owned(third.partition().index(Key{k}));
    EXPECT_TRUE(std::equal(here, here + 5, there));
    EXPECT_EQ(here[3], 0.5f);
    EXPECT_LE(std::abs(here[0]), 1.0f);
  }
  EXPECT_NE(alone.owned(2)[0], alone.owned(5)[0]);
}

TEST(Rows, Normal_initial_values_have_the_mean_and_deviation_asked_for) {
  TableOptions options = table(10000, 4);
  options.spec.init = {Initialiser::Kind::normal, 1.0f, 0.5f, 0, 7};
  const Rows rows(options, {NodeId{0}, 1, 1});
  double sum = 0, squares = 0;
  for (uint32_t k = 0; k < 10000; ++k) {
    for (int c = 0; c < 4; ++c) {
      sum += rows.owned(k)[c];
      squares += (rows.owned(k)[c] - 1.0) * (rows.owned(k)[c] - 1.0);
    }
  }
  EXPECT_NEAR(sum / 40000, 1.0, 0.01);
  EXPECT_NEAR(std::sqrt(squares / 40000), 0.5, 0.01);
}

TEST(Rows, One_node_needs_no_copies_and_one_writer_no_latches) {
  const Rows rows(table(10, 4), {NodeId{0}, 1, 1});
  EXPECT_TRUE(rows.direct());
  EXPECT_FALSE(rows.keeps_copies());
  EXPECT_FALSE(rows.latches().needed());
  EXPECT_TRUE(Rows(table(10, 4), {NodeId{0}, 1, 2}).latches().needed());
  TableOptions lock_free = table(10, 4);
  lock_free.exact = false;
  EXPECT_FALSE(Rows(lock_free, {NodeId{0}, 1, 2}).latches().needed());
}

TEST(Rows, An_empty_table_is_refused_by_name) {
  EXPECT_THROW(Rows(table(0, 4), {NodeId{0}, 1, 1}), UserError);
  EXPECT_THROW(Rows(table(4, 0), {NodeId{0}, 1, 1}), UserError);
}

TEST(Copies, A_copy_is_found_once_it_is_published_and_not_after_it_is_unlinked) {
  Copies copies(8, 4, true);
  EXPECT_EQ(copies.find(Key{3}), Copies::kNone);
  const uint32_t slot = copies.make(Key{3});
  EXPECT_EQ(copies.find(Key{3}), Copies::kNone);
  copies.publish(Key{3}, slot, Clock{5});
  EXPECT_EQ(copies.find(Key{3}), slot);
  EXPECT_EQ(copies.tag(slot), Clock{5});
  copies.value(slot)[1] = 2;
  copies.unlink(Key{3});
  EXPECT_EQ(copies.find(Key{3}), Copies::kNone);
  EXPECT_EQ(copies.find_unlinked(Key{3}), slot);
  EXPECT_EQ(copies.make(Key{3}), slot) << "an unlinked copy still has unsent updates";
  EXPECT_EQ(copies.value(slot)[1], 2);
}

TEST(Copies, A_released_slot_serves_another_key_and_starts_with_zeros) {
  Copies copies(8, 4, true);
  const uint32_t slot = copies.make(Key{3});
  copies.publish(Key{3}, slot, Clock{5});
  copies.value(slot)[0] = 9;
  copies.release(Key{3}, copies.unlink(Key{3}));
  EXPECT_EQ(copies.make(Key{6}), slot);
  EXPECT_EQ(copies.value(slot)[0], 0);
  EXPECT_EQ(copies.held(), 1u);
}

TEST(Copies, A_copy_that_was_asked_for_again_is_not_freed_by_an_earlier_unlinking) {
  Copies copies(8, 4, true);
  const uint32_t slot = copies.make(Key{3});
  copies.publish(Key{3}, slot, Clock{5});
  const uint32_t first = copies.unlink(Key{3});
  copies.publish(Key{3}, copies.make(Key{3}), Clock{6});
  copies.unlink(Key{3});
  copies.release(Key{3}, first);
  EXPECT_EQ(copies.find_unlinked(Key{3}), slot);
}

TEST(Copies, Copies_in_use_are_spared_for_one_round) {
  Copies copies(8, 4, true);
  for (uint32_t k = 0; k < 4; ++k) copies.publish(Key{k}, copies.make(Key{k}), Clock{0});
  EXPECT_TRUE(copies.unused(4).empty());
  copies.touch(copies.find(Key{2}));
  const auto unused = copies.unused(4);
  EXPECT_EQ(unused.size(), 3u);
  EXPECT_EQ(std::count(unused.begin(), unused.end(), Key{2}), 0);
}

}  // namespace
}  // namespace hemiola
