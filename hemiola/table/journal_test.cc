#include "hemiola/table/journal.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

std::vector<uint32_t> kept(const Journal& journal) {
  std::vector<uint32_t> numbers;
  journal.each([&](uint32_t number, const Journal::Batch&) { numbers.push_back(number); });
  return numbers;
}

TEST(JournalTest, A_batch_is_kept_until_all_its_rows_are_safe) {
  Journal journal;
  journal.add(1, TableId{0}, Bytes::copy_of("four"), 2);
  journal.add(1, TableId{0}, Bytes::copy_of("more"), 1);
  EXPECT_EQ(journal.bytes(), 8u);
  EXPECT_TRUE(journal.report(1, 2));
  EXPECT_EQ(kept(journal), (std::vector<uint32_t>{1}));
  EXPECT_TRUE(journal.report(1, 1));
  EXPECT_TRUE(kept(journal).empty());
  EXPECT_EQ(journal.bytes(), 0u);
  EXPECT_EQ(journal.low(), 2u);
}

TEST(JournalTest, What_is_safe_in_the_middle_does_not_move_the_low_mark) {
  Journal journal;
  for (uint32_t n = 1; n <= 3; ++n) journal.add(n, TableId{0}, Bytes::copy_of("x"), 1);
  EXPECT_TRUE(journal.report(2, 1));
  EXPECT_EQ(kept(journal), (std::vector<uint32_t>{1, 3}));
  EXPECT_EQ(journal.low(), 1u);
  EXPECT_TRUE(journal.report(1, 1));
  EXPECT_EQ(journal.low(), 3u);
}

TEST(JournalTest, Numbers_may_be_left_out_and_go_round) {
  Journal journal;
  journal.add(UINT32_MAX, TableId{0}, Bytes::copy_of("x"), 1);
  journal.add(1, TableId{0}, Bytes::copy_of("y"), 1);
  EXPECT_TRUE(journal.report(UINT32_MAX, 1));
  EXPECT_EQ(journal.low(), 1u) << "0 had nothing to keep";
  EXPECT_TRUE(journal.report(1, 1));
  EXPECT_EQ(journal.low(), 2u);
}

TEST(JournalTest, Reports_that_cannot_be_change_nothing) {
  Journal journal;
  journal.add(1, TableId{0}, Bytes::copy_of("x"), 1);
  EXPECT_FALSE(journal.report(1, 2));
  EXPECT_FALSE(journal.report(2, 1));
  EXPECT_FALSE(journal.report(0, 1));
  EXPECT_FALSE(journal.report(1, 0));
  EXPECT_EQ(kept(journal), (std::vector<uint32_t>{1}));
}

}  // namespace
}  // namespace hemiola
