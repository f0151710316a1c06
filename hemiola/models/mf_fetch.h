// The rows of one block, batch by batch, for tables whose rows are not all here.
#pragma once

#include <span>
#include <vector>

#include "hemiola/models/mf_kernels.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

// Where the rows of a group have their keys: row number i has first + i * apart.
struct MfGroup {
  uint32_t first = 0;
  uint32_t apart = 1;
  uint32_t rows = 0;

  Key key(uint32_t number) const { return Key{first + number * apart}; }
};

// Costs 12 bytes for each row of the two groups.
class MfFetch {
 public:
  MfFetch(TableId table, const MfGroup& users, const MfGroup& items);

  // Finds the rows of a batch, each once.
  void find(std::span<const MfRating> batch);
  // The keys that find() found.
  std::span<const Key> keys() const { return keys_; }

  // Has those rows fetched. Pointers hold until the next step; find() may be called meanwhile.
  void fetch(Parameters& params);
  RowPlaces users() const { return {user_at_.data()}; }
  RowPlaces items() const { return {item_at_.data()}; }

 private:
  TableId table_;
  MfGroup users_;
  MfGroup items_;
  uint32_t batches_ = 0;
  size_t users_found_ = 0;                   // of keys_; the rest are items
  std::vector<uint32_t> user_in_, item_in_;  // the last batch, counted from 1, that used the row
  std::vector<float*> user_at_, item_at_;
  std::vector<Key> keys_;
  std::vector<float*> rows_;
};

}  // namespace hemiola
