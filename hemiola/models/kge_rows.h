// The rows of a batch, each once.
#pragma once

#include <span>
#include <vector>

#include "hemiola/core/types.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

// Keys get slots 0, 1, 2 ... in the order in which they are first seen.
class KgeRows {
 public:
  explicit KgeRows(TableId table) : table_(table) {}

  void clear();
  // The slot of a key, a new one if it is new.
  uint32_t slot(Key key);
  // The same, and counts how often the key stands in a triple of the batch.
  uint32_t use(Key key) {
    const uint32_t at = slot(key);
    ++uses_[at];
    return at;
  }

  size_t size() const { return keys_.size(); }
  std::span<const Key> keys() const { return keys_; }
  uint32_t uses(size_t slot) const { return uses_[slot]; }

  // Finds where the rows are. Pointers hold until the next step.
  void fetch(Parameters& params, Access access);
  float* operator[](size_t slot) const { return rows_[slot]; }
  float* const* at() const { return rows_.data(); }

 private:
  // Open addressing; a place is taken when its round is the present one.
  struct Place {
    uint32_t key = 0;
    uint32_t slot = 0;
    uint32_t round = 0;
  };

  void grow();

  TableId table_;
  uint32_t round_ = 1;
  std::vector<Place> places_ = std::vector<Place>(1024);
  std::vector<Key> keys_;
  std::vector<uint32_t> uses_;
  std::vector<float*> rows_;
};

// Where rows of a table are: the table itself, or what rows() gave for some keys.
void kge_fetch(TableId table, std::span<const Key> keys, Access access, Parameters& params,
               std::span<float*> out);

}  // namespace hemiola
