// What a model sees of the shared state while it trains: rows that it may change in place.
// A model never knows whether a row lives here, is a copy, or belongs to a replica.
#pragma once

#include <optional>
#include <span>

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

  // A hint: these rows are wanted by the step after this one. Never blocks.
  virtual void prefetch(TableId table, std::span<const Key> keys) = 0;

  // Guard each in-place change of a row with a LatchGuard on these.
  virtual Latches& latches(TableId table) = 0;

  // Ends a step over `examples` training examples: the worker's clock ticks. May block.
  virtual void step(size_t examples) = 0;
};

}  // namespace hemiola
