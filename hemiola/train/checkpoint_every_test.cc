#include "hemiola/train/checkpoint_every.h"

#include <gtest/gtest.h>

#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

TEST(CheckpointEvery, Epochs_and_times_are_understood) {
  EXPECT_TRUE(parse_every("none").never());
  EXPECT_TRUE(parse_every("0").never());
  EXPECT_EQ(parse_every("1 epoch"), (CheckpointEvery{1, 0}));
  EXPECT_EQ(parse_every("3 epochs"), (CheckpointEvery{3, 0}));
  EXPECT_EQ(parse_every("5"), (CheckpointEvery{5, 0}));
  EXPECT_EQ(parse_every("30 s"), (CheckpointEvery{0, 30}));
  EXPECT_EQ(parse_every("0.5s"), (CheckpointEvery{0, 0.5}));
  EXPECT_EQ(parse_every("10 min"), (CheckpointEvery{0, 600}));
  EXPECT_EQ(parse_every("2 h"), (CheckpointEvery{0, 7200}));
}

TEST(CheckpointEvery, What_is_neither_is_refused_with_what_would_be_right) {
  for (const char* text : {"", "often", "-1 epoch", "1.5 epochs", "30 sec", "1e30", "nan"}) {
    const std::string said = refusal_of([&] { parse_every(text); });
    EXPECT_TRUE(said.starts_with("checkpoint.every = \"")) << said;
    EXPECT_NE(said.find("\"30 s\""), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace hemiola
