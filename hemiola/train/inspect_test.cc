#include "hemiola/train/inspect.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "hemiola/train/checkpoint_for_test.h"

namespace hemiola {
namespace {

using test::TempFolder;

TEST(Inspect, Every_checkpoint_is_told_with_its_tensors_and_whether_it_is_whole) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("run/checkpoints"), 2);
  job.whole_epoch();
  job.whole_epoch();
  std::ostringstream out;
  EXPECT_EQ(inspect({folder.path("run")}, out), 0);
  const std::string text = out.str();
  for (const char* part :
       {"ckpt-000001\n  epoch 1", "ckpt-000002\n  epoch 2", "seed 3", "2 nodes x 1 worker",
        "words.keys                   U32  12", "words.rows                   F32  11 x 5",
        "node-1.safetensors", "whole: all checksums are right"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(Inspect, What_is_wrong_is_said_and_the_newest_decides_how_it_ends) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("c"), 1);
  job.whole_epoch();
  job.whole_epoch();
  std::string bytes = folder.read("c/ckpt-000001/node-0.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  folder.write("c/ckpt-000001/node-0.safetensors", bytes);
  std::ostringstream first;
  EXPECT_EQ(inspect({folder.path("c")}, first), 0);
  EXPECT_NE(first.str().find("NOT GOOD: " + folder.path("c/ckpt-000001/node-0.safetensors") +
                             " is damaged: its checksum"),
            std::string::npos)
      << first.str();
  std::ostringstream fast;
  EXPECT_EQ(inspect({folder.path("c"), true}, fast), 0);
  EXPECT_EQ(fast.str().find("NOT GOOD"), std::string::npos);
  std::filesystem::remove(folder.path("c/ckpt-000002/manifest.json"));
  std::ostringstream second;
  EXPECT_EQ(inspect({folder.path("c")}, second), 1);
  EXPECT_NE(second.str().find("it has no manifest.json, which is written last"), std::string::npos);
}

}  // namespace
}  // namespace hemiola
