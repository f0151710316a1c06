#include "hemiola/net/patience.h"

#include <gtest/gtest.h>

namespace hemiola::net {
namespace {

// How many of `waits` waits look first, when an answer is there at once or never.
int looks(Patience& patience, int waits, bool answered) {
  int tries = 0;
  for (int i = 0; i < waits; ++i) {
    if (!patience.worth_a_try()) continue;
    ++tries;
    patience.tried(answered);
  }
  return tries;
}

TEST(Patience, While_answers_come_soon_it_always_looks) {
  Patience patience;
  EXPECT_EQ(looks(patience, 1000, true), 1000);
}

TEST(Patience, Without_answers_it_looks_only_now_and_then) {
  Patience patience;
  EXPECT_LE(looks(patience, 1000, false), 40);
  EXPECT_GE(looks(patience, 1000, false), 20);
}

TEST(Patience, One_answer_is_enough_to_look_again) {
  Patience patience;
  looks(patience, 1000, false);
  while (!patience.worth_a_try()) {
  }
  patience.tried(true);
  EXPECT_EQ(looks(patience, 100, true), 100);
}

}  // namespace
}  // namespace hemiola::net
