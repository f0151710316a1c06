#include "hemiola/table/units.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

std::vector<uint32_t> batches(UnitLog& log, uint32_t key) {
  std::vector<uint32_t> found;
  log.each(Key{key}, [&](const UnitLog::Entry& entry) { found.push_back(entry.unit.batch); });
  return found;
}

TEST(UnitLogTest, Knows_the_units_of_each_row_latest_first) {
  UnitLog log(4);
  log.add(Key{1}, {NodeId{0}, 7});
  log.add(Key{2}, {NodeId{0}, 7});
  log.add(Key{1}, {NodeId{1}, 3});
  EXPECT_EQ(batches(log, 1), (std::vector<uint32_t>{3, 7}));
  EXPECT_EQ(batches(log, 2), (std::vector<uint32_t>{7}));
  EXPECT_TRUE(batches(log, 3).empty());
}

TEST(UnitLogTest, Forgets_from_the_front_what_origins_have_dropped) {
  UnitLog log(4);
  log.add(Key{1}, {NodeId{0}, 1});
  log.add(Key{1}, {NodeId{1}, 1});
  log.add(Key{1}, {NodeId{0}, 2});
  log.prune({2, 1});
  EXPECT_EQ(log.size(), 2u);
  EXPECT_EQ(batches(log, 1), (std::vector<uint32_t>{2, 1}));
  log.prune({3, 1});
  EXPECT_EQ(log.size(), 2u) << "an older one of another origin is still kept";
  log.prune({3, 2});
  EXPECT_EQ(log.size(), 0u);
  EXPECT_TRUE(batches(log, 1).empty());
  log.add(Key{1}, {NodeId{0}, 9});
  EXPECT_EQ(batches(log, 1), (std::vector<uint32_t>{9}));
}

TEST(UnitLogTest, A_row_that_went_away_and_came_back_starts_anew) {
  UnitLog log(2);
  log.add(Key{0}, {NodeId{0}, 1});
  log.move_away(Key{0});
  EXPECT_TRUE(batches(log, 0).empty());
  EXPECT_TRUE(log.at(log.first()).told) << "who took it tells";
  log.add(Key{0}, {NodeId{0}, 2});
  EXPECT_EQ(batches(log, 0), (std::vector<uint32_t>{2}));
}

TEST(UnitLogTest, A_gift_is_forgotten_once_it_was_told) {
  UnitLog log(2);
  log.add(Key{0}, {NodeId{0}, 5}, true);
  log.prune({100});
  EXPECT_EQ(log.size(), 1u);
  log.at(log.first()).told = true;
  log.prune({0});
  EXPECT_EQ(log.size(), 0u);
}

TEST(UnitLogTest, Batch_numbers_go_round) {
  UnitLog log(1);
  log.add(Key{0}, {NodeId{0}, UINT32_MAX});
  log.add(Key{0}, {NodeId{0}, 0});
  log.prune({0});
  EXPECT_EQ(batches(log, 0), (std::vector<uint32_t>{0}));
  log.prune({1});
  EXPECT_EQ(log.size(), 0u);
}

}  // namespace
}  // namespace hemiola
