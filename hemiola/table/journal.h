// The batches of updates that a node has sent and would have to send again if somebody died.
#pragma once

#include <deque>
#include <vector>

#include "hemiola/core/bytes.h"
#include "hemiola/core/types.h"

namespace hemiola {

// Batches are numbered from 1 and on from 0 when 32 bits are full. A batch is kept until as many
// of its rows were reported safe as it has.
class Journal {
 public:
  struct Batch {
    uint32_t left = 0;  // rows that are not safe yet
    TableId table;
    std::vector<Bytes> bodies;  // messages as they were sent
  };

  // REQUIRES: numbers do not fall; those that are left out have nothing to be kept.
  void add(uint32_t number, TableId table, Bytes body, uint32_t rows);

  // False: this cannot be.
  bool report(uint32_t number, uint32_t rows);

  // No batch through this one is kept.
  bool done_through(uint32_t number) const {
    return batches_.empty() || static_cast<int32_t>(first_ - number) > 0;
  }

  // All batches below this one are done with.
  uint32_t low() const { return first_; }
  size_t bytes() const { return bytes_; }

  // Calls f(number, batch) for those that are kept, oldest first.
  template <class F>
  void each(F&& f) const {
    for (size_t i = 0; i < batches_.size(); ++i) {
      if (batches_[i].left != 0) f(first_ + static_cast<uint32_t>(i), batches_[i]);
    }
  }

 private:
  std::deque<Batch> batches_;
  uint32_t first_ = 1;  // number of the first of them
  size_t bytes_ = 0;
};

}  // namespace hemiola
