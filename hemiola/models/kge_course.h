// A block's way through the training triples, and what is announced of it ahead of time.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "hemiola/models/kge_shape.h"
#include "hemiola/models/parameters.h"
#include "hemiola/models/shuffled_order.h"
#include "hemiola/models/task.h"

namespace hemiola {

// Block b is triples b * triples() ... of the epoch's order; batches are cut from it in turn.
struct KgeCut {
  uint64_t triples_in_all = 0;
  uint32_t batch = 0;  // triples
  uint32_t batches_in_block = 0;

  uint64_t triples() const { return uint64_t{batch} * batches_in_block; }
  uint32_t blocks() const {
    return static_cast<uint32_t>((triples_in_all + triples() - 1) / triples());
  }
  uint32_t triples_of(uint32_t block) const {
    return static_cast<uint32_t>(std::min(triples(), triples_in_all - block * triples()));
  }
  uint32_t batches_of(uint32_t block) const { return (triples_of(block) + batch - 1) / batch; }
};

class KgeCourse {
 public:
  KgeCourse(const KgeCut& cut, const TripleSpans& train, const KgeShape& shape,
            const KgeOptions& options, const Work& work, Parameters& params);
  // Keeps in `params` what was announced for the next block.
  ~KgeCourse();
  KgeCourse(const KgeCourse&) = delete;
  KgeCourse& operator=(const KgeCourse&) = delete;

  uint32_t batches() const { return own_batches_; }
  std::span<const KgeTriple> batch(uint32_t number) const;

  // Before batch `number` is trained: announces the rows and negatives of those that come within
  // the lookahead, and draws the negatives of this one.
  std::span<const Key> begin(uint32_t number);

 private:
  void take_over(const Work& work);
  void announce(uint32_t number, uint32_t distance);
  uint32_t draws(uint32_t triples) const;

  const KgeCut cut_;
  const KgeShape& shape_;
  const KgeOptions& options_;
  const Work work_;
  Parameters& params_;
  std::vector<KgeTriple> triples_;  // of the block, then of the first batches of the next
  uint32_t own_batches_;
  std::vector<size_t> ends_;                    // of batches, in triples_
  std::vector<Parameters::Samples> announced_;  // by batch
  std::vector<Key> negatives_, keys_;
};

}  // namespace hemiola
