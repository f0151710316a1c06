#include "hemiola/models/word2vec_rows.h"

namespace hemiola {

void Word2VecRows::fetch(TableId table, std::span<uint32_t> words, Parameters& params) {
  ++step_;
  keys_.resize(words.size());
  uint32_t found = 0;
  for (uint32_t& word : words) {
    // Without a branch, which would be guessed wrong too often.
    const Seen seen = seen_[word];
    const bool first = seen.step != step_;
    const uint32_t place = first ? found : seen.place;
    seen_[word] = {step_, place};
    keys_[found] = Key{word};
    found += first;
    word = place;
  }
  keys_.resize(found);
  rows_.resize(found);
  params.rows(table, keys_, Access::write, rows_);
}

}  // namespace hemiola
