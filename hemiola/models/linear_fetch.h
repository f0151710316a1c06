// The rows of one batch of sparse examples, for tables whose rows are not all here: every key
// once, and for each entry of the batch the place of its key in that list.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hemiola/models/parameters.h"

namespace hemiola {

// Example r is entries offset[r] .. offset[r + 1] - 1, in ascending order of index.
struct SparseSpans {
  std::span<const uint64_t> offset;
  std::span<const uint32_t> index;
  std::span<const float> value;  // empty: all are 1
  std::span<const float> label;

  size_t rows() const { return label.size(); }
};

class LinearFetch {
 public:
  LinearFetch(TableId table, Key bias) : table_(table), bias_(bias) {}

  // Finds the keys of these examples. Costs a probe of a small hash table for each entry.
  void find(const SparseSpans& data, std::span<const uint32_t> examples);
  std::span<const Key> keys() const { return keys_; }

  // Has those rows fetched and takes over what find() found, so that find() may be called for
  // the next batch meanwhile. Pointers hold until the next step.
  void fetch(Parameters& params, Access access);

  // For example i of the batch: where its entries' rows are in at().
  const uint32_t* places(size_t i) const { return places_.data() + starts_[i]; }
  float* const* at() const { return rows_.data(); }
  float* bias() const { return rows_.back(); }

 private:
  struct Slot {
    uint32_t key_plus_1 = 0;
    uint32_t place = 0;
  };

  uint32_t place_of(uint32_t key);

  TableId table_;
  Key bias_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  uint32_t shift_ = 0;
  std::vector<Key> keys_;
  std::vector<uint32_t> found_, found_starts_;  // of the last find()
  std::vector<uint32_t> places_, starts_;       // of the last fetch()
  std::vector<float*> rows_;
};

}  // namespace hemiola
