#include "hemiola/models/word2vec_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

using Block = Word2VecWindows::Block;

struct Text {
  std::vector<uint32_t> tokens;
  std::vector<uint64_t> ends;
  std::vector<uint64_t> counts;

  Word2VecWindows windows(double subsample, uint32_t window, uint64_t seed = 1) const {
    return {tokens, ends, counts, subsample, window, seed};
  }
};

// Word w with a share that falls as 1 / (w + 1), in sentences of up to 30 words.
Text made_text(size_t size, uint32_t words, uint64_t seed) {
  Text text;
  text.counts.resize(words);
  Random random(seed);
  for (size_t i = 0; i < size; ++i) {
    const auto w = static_cast<uint32_t>(std::pow(words + 1.0, random.uniform()) - 1);
    text.tokens.push_back(std::min(w, words - 1));
    ++text.counts[text.tokens.back()];
    if (random.below(30) == 0) text.ends.push_back(i + 1);
  }
  return text;
}

using Pair = std::array<uint32_t, 2>;

std::vector<Pair> pairs_of(const Block& block) {
  std::vector<Pair> pairs;
  for (size_t s = 0; s < block.steps(); ++s) {
    const Word2VecSpan span = span_of_step(block, s);
    const size_t before = pairs.size();
    each_window(block, span.first, span.last, [&](uint32_t i, uint32_t from, uint32_t to) {
      for (uint32_t near = from; near < to; ++near) {
        if (near != i) pairs.push_back({block.words[i], block.words[near]});
      }
    });
    EXPECT_EQ(pairs.size() - before, span.pairs);
  }
  return pairs;
}

std::vector<Pair> pairs_of(const Word2VecWindows& windows, uint64_t begin, uint64_t end,
                           uint32_t step) {
  Block block;
  windows.fill(block, 0, begin, end, step);
  return pairs_of(block);
}

TEST(Word2VecWindows, The_pairs_do_not_depend_on_how_the_text_is_cut) {
  const Text text = made_text(5000, 50, 3);
  for (const double subsample : {0.0, 0.01}) {
    const Word2VecWindows windows = text.windows(subsample, 5);
    const auto whole = pairs_of(windows, 0, 5000, 5000);
    EXPECT_GT(whole.size(), 1000u);
    std::vector<Pair> cut;
    Random random(4);
    for (uint64_t at = 0; at < 5000;) {
      const uint64_t end = std::min<uint64_t>(5000, at + 1 + random.below(200));
      const auto part = pairs_of(windows, at, end, static_cast<uint32_t>(1 + random.below(40)));
      cut.insert(cut.end(), part.begin(), part.end());
      at = end;
    }
    EXPECT_EQ(cut, whole);
  }
}

TEST(Word2VecWindows, A_window_never_passes_the_end_of_a_sentence) {
  Text text;
  text.counts = {6, 6};
  text.tokens = {0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1};
  text.ends = {3, 3, 6, 9, 12};
  for (const uint32_t step : {1, 2, 5, 12}) {
    const auto pairs = pairs_of(text.windows(0, 10), 0, 12, step);
    EXPECT_GE(pairs.size(), 4 * 4u);
    for (const auto& [centre, near] : pairs) EXPECT_EQ(centre, near);
  }
}

TEST(Word2VecWindows, Words_are_kept_as_often_as_the_published_rule_says) {
  const Text text = made_text(400'000, 30, 5);
  const Word2VecWindows windows = text.windows(1e-2, 2);
  std::vector<double> kept(30);
  for (uint32_t epoch = 0; epoch < 3; ++epoch) {
    Block block;
    windows.fill(block, epoch, 0, 400'000, 1000);
    for (const uint32_t w : block.words) {
      if (w != Word2VecWindows::kBreak) ++kept[w];
    }
  }
  bool thinned = false, whole = false;
  for (uint32_t w = 0; w < 30; ++w) {
    const double times = 3.0 * static_cast<double>(text.counts[w]);
    const double ratio = 1e-2 / (static_cast<double>(text.counts[w]) / 400'000);
    const double chance = std::min(1.0, std::sqrt(ratio) + ratio);
    const double sigma = std::sqrt(chance * (1 - chance) / times);
    EXPECT_NEAR(kept[w] / times, chance, 4.5 * sigma + 1e-9) << w;
    EXPECT_NEAR(windows.keep_chance(w), chance, 1e-6);
    (chance < 1 ? thinned : whole) = true;
  }
  EXPECT_TRUE(thinned && whole);
}

TEST(Word2VecWindows, Each_size_of_window_up_to_the_largest_is_as_likely) {
  const Text text = made_text(100'000, 30, 6);
  Block block;
  text.windows(0, 5).fill(block, 0, 0, 100'000, 512);
  std::map<uint32_t, double> times;
  double all = 0;
  for (size_t i = 0; i < block.words.size(); ++i) {
    if (block.words[i] != Word2VecWindows::kBreak) ++times[block.reach[i]], ++all;
  }
  ASSERT_EQ(times.size(), 5u);
  double chi = 0;
  for (const auto& [reach, n] : times) {
    EXPECT_TRUE(reach >= 1 && reach <= 5);
    chi += (n - all / 5) * (n - all / 5) / (all / 5);
  }
  EXPECT_LT(chi, 18.5);  // of four degrees of freedom: once in a thousand
}

TEST(Word2VecWindows, Each_epoch_and_each_seed_draws_anew) {
  const Text text = made_text(2000, 30, 7);
  Block a, b, c, again;
  text.windows(1e-3, 5).fill(a, 0, 0, 2000, 100);
  text.windows(1e-3, 5).fill(again, 0, 0, 2000, 100);
  text.windows(1e-3, 5).fill(b, 1, 0, 2000, 100);
  text.windows(1e-3, 5, 2).fill(c, 0, 0, 2000, 100);
  EXPECT_EQ(a.words, again.words);
  EXPECT_NE(a.words, b.words);
  EXPECT_NE(a.words, c.words);
}

TEST(Word2VecWindows, A_step_of_words_that_were_all_dropped_has_no_pairs) {
  Text text;
  text.tokens.assign(1000, 0);
  text.counts = {1000};
  Block block;
  text.windows(1e-12, 5).fill(block, 0, 0, 1000, 10);
  EXPECT_EQ(block.steps(), 100u);
  EXPECT_TRUE(pairs_of(block).empty());
}

}  // namespace
}  // namespace hemiola
