#include "hemiola/train/checkpoint_rows.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "hemiola/train/checkpoint_for_test.h"

namespace hemiola {
namespace {

using test::TempFolder;

// A run that has written three checkpoints, of which two are there.
class CheckpointRowsTest : public testing::Test {
 protected:
  CheckpointRowsTest() : job_(folder_.path("c"), 2) {
    for (int e = 0; e < 3; ++e) job_.whole_epoch();
  }

  CheckpointRows rows(std::vector<uint32_t> begun, const std::string& resumed = "") {
    return {folder_.path("c"), std::move(begun), resumed,
            [this](Level, const std::string& line) { said_.push_back(line); }};
  }
  static float first(CheckpointRows& rows, uint32_t key) {
    std::vector<float> row(5);
    EXPECT_TRUE(rows.fill(TableId{0}, Key{key}, row));
    return row[0];
  }
  void damage(const std::string& file) {
    std::string bytes = folder_.read(file);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    folder_.write(file, bytes);
  }

  TempFolder folder_;
  CheckpointedJob job_;
  std::vector<std::string> said_;
};

TEST_F(CheckpointRowsTest, Rows_come_from_the_newest_that_any_node_knows) {
  CheckpointRows knows = rows(job_.checkpoints[0]->begun());
  EXPECT_EQ(knows.newest(), 3U);
  CheckpointRows came_later = rows({});
  EXPECT_EQ(came_later.newest(), 0U);
  EXPECT_EQ(came_later.open(3),
            "the checkpoint of epoch 3 (" + folder_.path("c/ckpt-000003") + ")");
  EXPECT_EQ(first(came_later, 7), CheckpointedJob::value(7, 3));
  came_later.close();
  EXPECT_TRUE(said_.empty());
}

TEST_F(CheckpointRowsTest, One_that_is_still_being_written_does_not_count) {
  std::filesystem::remove(folder_.path("c/ckpt-000003/manifest.json"));
  EXPECT_EQ(rows({1, 2, 3}).newest(), 2U);
}

TEST_F(CheckpointRowsTest, What_is_damaged_is_said_and_the_one_before_it_is_taken) {
  damage("c/ckpt-000003/node-1.safetensors");
  CheckpointRows source = rows({1, 2, 3});
  EXPECT_EQ(source.open(source.newest()),
            "the checkpoint of epoch 2 (" + folder_.path("c/ckpt-000002") + ")");
  EXPECT_EQ(first(source, 4), CheckpointedJob::value(4, 2));
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_NE(said_[0].find("node-1.safetensors is damaged"), std::string::npos) << said_[0];
}

TEST_F(CheckpointRowsTest, Another_run_in_the_same_folder_is_left_alone) {
  CheckpointedJob other(folder_.path("c"), 2);
  EXPECT_EQ(rows(other.checkpoints[0]->begun()).newest(), 0U);
  EXPECT_EQ(rows({}).open(0), "");
  other.elapsed = 0.25;
  other.whole_epoch();
  damage("c/ckpt-000004/node-0.safetensors");
  CheckpointRows source = rows(other.checkpoints[0]->begun());
  EXPECT_EQ(source.newest(), 4U);
  EXPECT_EQ(source.open(4), "");
}

TEST_F(CheckpointRowsTest, Before_a_run_has_written_one_there_is_the_one_that_it_goes_on_from) {
  CheckpointRows source = rows({}, folder_.path("c/ckpt-000002"));
  EXPECT_EQ(source.newest(), 0U);
  EXPECT_EQ(source.open(0), "the checkpoint of epoch 2 (" + folder_.path("c/ckpt-000002") + ")");
  EXPECT_EQ(first(source, 1), CheckpointedJob::value(1, 2));
}

}  // namespace
}  // namespace hemiola
