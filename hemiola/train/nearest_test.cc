#include "hemiola/train/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace hemiola {
namespace {

constexpr std::array<std::string_view, 4> kKnown = {"sync.scheme", "sync.strict", "train.epochs",
                                                    "data.train"};

TEST(Nearest, A_swap_of_neighbours_is_one_change) {
  EXPECT_EQ(edit_distance("rate", "raet"), 1u);
  EXPECT_EQ(edit_distance("rate", "rate"), 0u);
  EXPECT_EQ(edit_distance("", "rate"), 4u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, A_missing_letter_finds_its_key) {
  EXPECT_EQ(nearest_name("sync.schem", kKnown), "sync.scheme");
}

TEST(Nearest, A_key_without_its_section_finds_it) {
  EXPECT_EQ(nearest_name("epochs", kKnown), "train.epochs");
}

TEST(Nearest, A_key_in_the_wrong_section_finds_the_right_one) {
  EXPECT_EQ(nearest_name("model.epochs", kKnown), "train.epochs");
}

TEST(Nearest, Nothing_is_guessed_for_an_unrelated_word) {
  EXPECT_EQ(nearest_name("colour", kKnown), std::nullopt);
}

}  // namespace
}  // namespace hemiola
