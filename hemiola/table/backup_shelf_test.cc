#include "hemiola/table/backup_shelf.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

class BackupShelfTest : public testing::Test {
 protected:
  static constexpr TableId kTable{0};

  bool put(uint32_t key, float value, uint32_t moves = 0, std::vector<UnitRecord> units = {}) {
    const float row[2] = {value, 0};
    return shelf_.put(kTable, {Key{key}, moves, Version::backup, 0}, units, row);
  }

  static TableOptions options() {
    TableOptions table;
    table.spec = {"t", 10, 2, 0, {}};
    return table;
  }
  TableSet tables_{{options()}, {NodeId{0}, 2, 1}, {}, 2};
  BackupShelf shelf_{tables_};
};

TEST_F(BackupShelfTest, Holds_the_last_version_and_its_units) {
  put(3, 1, 0, {{1, 0, 0, 7}});
  put(3, 2, 4, {{1, 0, 0, 8}, {0, 0, 0, 2}});
  const auto found = shelf_.find(kTable, Key{3});
  ASSERT_NE(found.row, nullptr);
  EXPECT_EQ(found.row[0], 2);
  EXPECT_EQ(found.moves, 4u);
  ASSERT_EQ(found.units.size(), 2u);
  EXPECT_EQ(found.units[0].batch, 8u);
  put(3, 3, 4);
  EXPECT_TRUE(shelf_.find(kTable, Key{3}).units.empty());
  EXPECT_EQ(shelf_.held(kTable), 1u);
}

TEST_F(BackupShelfTest, A_row_that_went_away_is_given_up_unless_it_came_back_since) {
  put(3, 1, 1);
  put(5, 1, 9);
  EXPECT_TRUE(shelf_.gone(kTable, {Key{3}, 2}));
  EXPECT_TRUE(shelf_.gone(kTable, {Key{5}, 2}));
  EXPECT_EQ(shelf_.find(kTable, Key{3}).row, nullptr);
  EXPECT_TRUE(shelf_.went_away(kTable, Key{3}));
  EXPECT_NE(shelf_.find(kTable, Key{5}).row, nullptr);
  EXPECT_EQ(shelf_.held(kTable), 1u);
  put(3, 4, 3);
  EXPECT_EQ(shelf_.find(kTable, Key{3}).row[0], 4);
  EXPECT_EQ(shelf_.held(kTable), 2u);
}

TEST_F(BackupShelfTest, Keys_out_of_range_are_refused) {
  EXPECT_FALSE(put(10, 1));
  EXPECT_FALSE(shelf_.gone(kTable, {Key{10}, 1}));
  EXPECT_EQ(shelf_.find(kTable, Key{9}).row, nullptr);
}

}  // namespace
}  // namespace hemiola
