#include "hemiola/train/checkpoint_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "hemiola/train/checkpoint_for_test.h"

namespace hemiola {
namespace {

using test::TempFolder;

TEST(CheckpointFolder, Checkpoints_are_numbered_and_others_names_are_nobodys_business) {
  const TempFolder folder;
  for (const char* name : {"ckpt-000002", "ckpt-000010", "ckpt-x", "ckpt-", "ckpt-0", "model"}) {
    std::filesystem::create_directory(folder.path(name));
  }
  const auto places = checkpoints_in(folder.path(""));
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(places[0].sequence, 2U);
  EXPECT_EQ(places[1].sequence, 10U);
  EXPECT_EQ(next_sequence(folder.path("")), 11U);
  EXPECT_EQ(next_sequence(folder.path("none")), 1U);
  EXPECT_EQ(checkpoint_name(11), "ckpt-000011");
}

TEST(CheckpointFolder, A_run_its_checkpoints_and_one_of_them_can_be_meant) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("run/checkpoints"), 1);
  job.whole_epoch();
  job.whole_epoch();
  EXPECT_EQ(checkpoints_meant(folder.path("run")).size(), 2U);
  EXPECT_EQ(checkpoints_meant(folder.path("run/checkpoints/")).size(), 2U);
  const auto one = checkpoints_meant(folder.path("run/checkpoints/ckpt-000001"));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(newest_good(one, [](const auto&) {})->manifest.epoch(), 1U);
  std::filesystem::create_directory(folder.path("other"));
  EXPECT_EQ(refusal_of([&] { checkpoints_meant(folder.path("other")); }),
            "there is no checkpoint in " + folder.path("other") +
                ": neither there nor in a folder checkpoints within is anything called ckpt-N");
  EXPECT_EQ(refusal_of([&] { checkpoints_meant(folder.path("none")); }),
            "there is no folder " + folder.path("none"));
}

TEST(CheckpointFolder, What_goes_is_ours_and_nothing_else) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("c"), 2);
  job.whole_epoch();
  folder.write("c/ckpt-000001/notes.txt", "mine");
  remove_checkpoint(folder.path("c/ckpt-000001"), disk());
  EXPECT_EQ(names_in(folder.path("c/ckpt-000001")), std::vector<std::string>{"notes.txt"});
}

TEST(CheckpointFolder, Those_without_a_manifest_go_and_do_not_count_as_kept) {
  const TempFolder folder;
  for (const char* name : {"1", "2", "3", "4"}) {
    std::filesystem::create_directory(folder.path("ckpt-" + std::string(name)));
  }
  for (const char* whole : {"1", "2", "4"}) {
    folder.write("ckpt-" + std::string(whole) + "/manifest.json", "{}");
  }
  remove_old(folder.path(""), 4, 2, disk());
  EXPECT_EQ(names_in(folder.path("")), (std::vector<std::string>{"ckpt-2", "ckpt-4"}));
}

TEST(CheckpointFolder,
     What_was_passed_over_when_the_run_was_resumed_is_not_kept_in_place_of_good_ones) {
  const TempFolder folder;
  for (const std::string name : {"1", "2", "3", "4"}) {
    std::filesystem::create_directory(folder.path("ckpt-" + name));
    folder.write("ckpt-" + name + "/manifest.json", "{}");
  }
  remove_old(folder.path(""), 4, 2, disk(), {3, 4});
  EXPECT_EQ(names_in(folder.path("")), (std::vector<std::string>{"ckpt-2", "ckpt-4"}));
}

TEST(CheckpointFolder, Folders_are_made_with_those_above_them) {
  const TempFolder folder;
  make_folders(folder.path("a/b/c"), disk());
  EXPECT_TRUE(std::filesystem::is_directory(folder.path("a/b/c")));
  make_folders(folder.path("a/b/c"), disk());
  folder.write("file", "");
  EXPECT_NE(refusal_of([&] {
              make_folders(folder.path("file/x"), disk());
            }).find("cannot make the folder"),
            std::string::npos);
}

}  // namespace
}  // namespace hemiola
