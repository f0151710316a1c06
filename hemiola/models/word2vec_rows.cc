#include "hemiola/models/word2vec_rows.h"

#include <bit>

namespace hemiola {

void Word2VecRows::fetch(TableId table, std::span<uint32_t> words, Parameters& params) {
  const auto bits = static_cast<uint32_t>(std::bit_width(2 * words.size() + 16));
  slots_.assign(size_t{1} << bits, {});
  keys_.clear();
  const size_t mask = slots_.size() - 1;
  for (uint32_t& word : words) {
    size_t s = word * 0x9e3779b97f4a7c15ULL >> (64 - bits);
    while (slots_[s].word_plus_1 != 0 && slots_[s].word_plus_1 != word + 1) s = (s + 1) & mask;
    if (slots_[s].word_plus_1 == 0) {
      slots_[s] = {word + 1, static_cast<uint32_t>(keys_.size())};
      keys_.push_back(Key{word});
    }
    word = slots_[s].place;
  }
  rows_.resize(keys_.size());
  params.rows(table, keys_, Access::write, rows_);
}

}  // namespace hemiola
