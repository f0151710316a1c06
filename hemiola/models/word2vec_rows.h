// The rows of one step, each asked for once, for tables whose rows are not all here.
#pragma once

#include <span>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/models/parameters.h"
#include "hemiola/models/row_places.h"

namespace hemiola {

// 8 bytes for each word that there is, of which those of unused words cost no memory.
class Word2VecRows {
 public:
  explicit Word2VecRows(uint32_t words) : seen_(words) {}

  // Replaces each number in `words` by its word's place in places(), and has the rows fetched to
  // change them. Pointers hold until the next step.
  void fetch(TableId table, std::span<uint32_t> words, Parameters& params);

  RowPlaces places() const { return {rows_.data()}; }
  size_t size() const { return keys_.size(); }

 private:
  struct Seen {
    uint32_t step;  // the last that wanted the word, counted from 1
    uint32_t place;
  };
  Arena<Seen> seen_;
  uint32_t step_ = 0;
  std::vector<Key> keys_;
  std::vector<float*> rows_;
};

}  // namespace hemiola
