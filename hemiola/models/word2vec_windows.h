// Which words of a text are trained on, and which stand near each other: a pure function of seed,
// epoch and place in the text, whoever asks and however the text is cut.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hemiola {

class Word2VecWindows {
 public:
  // Spans are borrowed; see Word2VecData. subsample: a word whose share s of the text is larger is
  // kept with chance sqrt(t/s) + t/s, as the published program does it; 0: all words are kept.
  Word2VecWindows(std::span<const uint32_t> tokens, std::span<const uint64_t> sentence_ends,
                  std::span<const uint64_t> counts, double subsample, uint32_t window,
                  uint64_t seed);

  uint64_t size() const { return tokens_.size(); }
  double keep_chance(uint32_t word) const;

  // Stands between two sentences in Block::words.
  static constexpr uint32_t kBreak = UINT32_MAX;

  // The words that are kept of a part of the text, with those around it that stand near its own.
  struct Block {
    std::vector<uint32_t> words;   // kept words and breaks
    std::vector<uint8_t> reach;    // by word: the size of its window if it is the centre
    std::vector<uint32_t> starts;  // in `words`: where each step begins, and the last one's end
    size_t steps() const { return starts.size() - 1; }
  };

  // Cuts [begin, end) of the text into steps of `step` words, kept or not.
  void fill(Block& block, uint32_t epoch, uint64_t begin, uint64_t end, uint32_t step) const;

 private:
  struct Chance {
    bool kept;
    uint8_t reach;
  };
  Chance chance(uint64_t epoch_seed, uint64_t place) const;
  void fill_before(Block& block, uint64_t epoch_seed, uint64_t begin) const;
  void fill_behind(Block& block, uint64_t epoch_seed, uint64_t end) const;

  std::span<const uint32_t> tokens_;
  std::span<const uint64_t> sentence_ends_;
  std::vector<uint32_t> keep_;  // by word: of 2^32 - 1
  uint32_t window_;
  uint64_t seed_;
};

// A step's pairs of words: centres [first, last) of a block, near words within [from, to).
struct Word2VecSpan {
  uint32_t first = 0, last = 0;
  uint32_t from = 0, to = 0;
  uint32_t pairs = 0;
  uint32_t centres = 0;  // that have a word near them
};
Word2VecSpan span_of_step(const Word2VecWindows::Block& block, size_t step);

// Calls centre(i, from, to) for each centre that has a word near it: those are words[from .. to)
// but for words[i] itself.
template <class Each>
void each_window(const Word2VecWindows::Block& block, uint32_t first, uint32_t last,
                 Each&& centre) {
  const uint32_t* words = block.words.data();
  const auto size = static_cast<uint32_t>(block.words.size());
  for (uint32_t i = first; i < last; ++i) {
    if (words[i] == Word2VecWindows::kBreak) continue;
    const uint32_t reach = block.reach[i];
    uint32_t from = i, to = i + 1;
    const uint32_t lowest = i > reach ? i - reach : 0;
    const uint32_t highest = reach < size - i ? i + reach + 1 : size;
    while (from > lowest && words[from - 1] != Word2VecWindows::kBreak) --from;
    while (to < highest && words[to] != Word2VecWindows::kBreak) ++to;
    if (to - from > 1) centre(i, from, to);
  }
}

}  // namespace hemiola
