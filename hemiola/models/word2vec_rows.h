// The rows of one step, each asked for once, for tables whose rows are not all here.
#pragma once

#include <span>
#include <vector>

#include "hemiola/models/parameters.h"
#include "hemiola/models/row_places.h"

namespace hemiola {

class Word2VecRows {
 public:
  // Replaces each number in `words` by its word's place in places(), and has the rows fetched to
  // change them. Pointers hold until the next step.
  void fetch(TableId table, std::span<uint32_t> words, Parameters& params);

  RowPlaces places() const { return {rows_.data()}; }
  size_t size() const { return keys_.size(); }

 private:
  struct Slot {
    uint32_t word_plus_1 = 0;
    uint32_t place = 0;
  };
  std::vector<Slot> slots_;  // open addressing; at most half in use
  std::vector<Key> keys_;
  std::vector<float*> rows_;
};

}  // namespace hemiola
