#include "hemiola/models/word2vec_windows.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {

Word2VecWindows::Word2VecWindows(std::span<const uint32_t> tokens,
                                 std::span<const uint64_t> sentence_ends,
                                 std::span<const uint64_t> counts, double subsample,
                                 uint32_t window, uint64_t seed)
    : tokens_(tokens),
      sentence_ends_(sentence_ends),
      keep_(counts.size(), UINT32_MAX),
      window_(window),
      seed_(mix(seed, 0x776f726473)) {
  HEMIOLA_CHECK(window >= 1 && window <= UINT8_MAX);
  if (subsample <= 0) return;
  const double threshold = subsample * static_cast<double>(tokens.size());
  for (size_t w = 0; w < counts.size(); ++w) {
    const double part = threshold / static_cast<double>(counts[w]);
    const double chance = std::min(1.0, std::sqrt(part) + part);
    keep_[w] = static_cast<uint32_t>(chance * UINT32_MAX);
  }
}

double Word2VecWindows::keep_chance(uint32_t word) const {
  return static_cast<double>(keep_[word]) / UINT32_MAX;
}

Word2VecWindows::Chance Word2VecWindows::chance(uint64_t epoch_seed, uint64_t place) const {
  const uint64_t bits = mix(epoch_seed ^ place);
  return {static_cast<uint32_t>(bits) <= keep_[tokens_[place]],
          static_cast<uint8_t>(1 + ((bits >> 32) * window_ >> 32))};
}

void Word2VecWindows::fill_before(Block& block, uint64_t epoch_seed, uint64_t begin) const {
  const auto sentence = std::upper_bound(sentence_ends_.begin(), sentence_ends_.end(), begin);
  const uint64_t first = sentence == sentence_ends_.begin() ? 0 : sentence[-1];
  for (uint64_t p = begin; p > first && block.words.size() < window_; --p) {
    if (chance(epoch_seed, p - 1).kept) block.words.push_back(tokens_[p - 1]);
  }
  std::reverse(block.words.begin(), block.words.end());
  block.reach.resize(block.words.size());
}

void Word2VecWindows::fill_behind(Block& block, uint64_t epoch_seed, uint64_t end) const {
  if (end == 0) return;
  const auto sentence = std::lower_bound(sentence_ends_.begin(), sentence_ends_.end(), end);
  const uint64_t last = sentence == sentence_ends_.end() ? tokens_.size() : *sentence;
  const size_t enough = block.words.size() + window_;
  for (uint64_t p = end; p < last && block.words.size() < enough; ++p) {
    if (chance(epoch_seed, p).kept) block.words.push_back(tokens_[p]);
  }
}

void Word2VecWindows::fill(Block& block, uint32_t epoch, uint64_t begin, uint64_t end,
                           uint32_t step) const {
  HEMIOLA_CHECK(begin <= end && end <= tokens_.size() && step > 0);
  const uint64_t epoch_seed = mix(seed_, epoch);
  block.words.clear();
  block.reach.clear();
  block.starts.clear();
  fill_before(block, epoch_seed, begin);
  auto sentence_end = std::upper_bound(sentence_ends_.begin(), sentence_ends_.end(), begin);
  for (uint64_t first = begin; first < end; first += step) {
    block.starts.push_back(static_cast<uint32_t>(block.words.size()));
    for (uint64_t p = first; p < std::min(end, first + step); ++p) {
      if (sentence_end != sentence_ends_.end() && p >= *sentence_end) {
        while (sentence_end != sentence_ends_.end() && p >= *sentence_end) ++sentence_end;
        block.words.push_back(kBreak);
        block.reach.push_back(0);
      }
      const Chance c = chance(epoch_seed, p);
      if (!c.kept) continue;
      block.words.push_back(tokens_[p]);
      block.reach.push_back(c.reach);
    }
  }
  block.starts.push_back(static_cast<uint32_t>(block.words.size()));
  fill_behind(block, epoch_seed, end);
  block.reach.resize(block.words.size());
}

Word2VecSpan span_of_step(const Word2VecWindows::Block& block, size_t step) {
  Word2VecSpan span;
  span.first = block.starts[step];
  span.last = block.starts[step + 1];
  span.from = span.last;
  span.to = span.first;
  each_window(block, span.first, span.last, [&](uint32_t, uint32_t from, uint32_t to) {
    span.from = std::min(span.from, from);
    span.to = std::max(span.to, to);
    span.pairs += to - from - 1;
    ++span.centres;
  });
  return span;
}

}  // namespace hemiola
