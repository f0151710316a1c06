// What a model sees of the shared state while it trains: rows that it may change in place.
// A model never knows whether a row lives here, is a copy, or belongs to a replica.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "hemiola/core/latches.h"
#include "hemiola/core/table_spec.h"
#include "hemiola/core/types.h"

namespace hemiola {

class Parameters {
 public:
  // All rows of a table side by side: row k is at base + k * stride.
  struct Direct {
    float* base = nullptr;
    size_t stride = 0;
  };

  virtual ~Parameters() = default;

  // Set when every row of the table is here and stays where it is, so that a kernel may index
  // it itself; then rows() need not be called. Constant during a run.
  virtual std::optional<Direct> direct(TableId table) = 0;

  // Makes the rows present and fresh enough for the scheme, all of them in one go, and gives a
  // pointer to each; blocks while it must. Keys may repeat. With Access::write the rows may be
  // changed in place: what the model adds to a row is what the others get to see.
  // Pointers hold until the next step().
  virtual void rows(TableId table, std::span<const Key> keys, Access access,
                    std::span<float*> out) = 0;

  // A hint: these rows will be wanted by the steps first .. last - 1, counted from the present
  // one, which is 0. Never blocks, and may be given far ahead: it is acted on just in time. Keys
  // may repeat. The better the hints, the fewer calls of rows() wait.
  virtual void intend(TableId table, std::span<const Key> keys, uint32_t first, uint32_t last) = 0;

  // Announces that `n` draws of a sampler (index among Task::samplers()) will be wanted by the
  // steps first .. last - 1 from now. Never blocks. Each announcement has a ticket of its own.
  struct Samples {
    uint32_t ticket = 0;
  };
  virtual Samples prepare_sample(uint32_t sampler, uint32_t n, uint32_t first, uint32_t last) = 0;

  // The next draws of an announcement, as many as fit into `keys`; REQUIRES: n are not exceeded.
  // The system chooses which keys, and mostly chooses rows that are here; ask for them by rows().
  // A ticket of which all was drawn is forgotten.
  virtual void sample(Samples samples, std::span<Key> keys) = 0;

  // Kept for the task between two blocks: announcements for the block that is to come next.
  struct Promised {
    uint32_t block = 0;
    uint32_t epoch = 0;
    std::vector<Samples> samples;
  };
  std::optional<Promised> promised;

  // Guard each in-place change of a row with a LatchGuard on these.
  virtual Latches& latches(TableId table) = 0;

  // Ends a step over `examples` training examples: the worker's clock ticks. May block.
  virtual void step(size_t examples) = 0;
};

}  // namespace hemiola
