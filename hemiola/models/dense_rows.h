// The rows of all layers, wherever they are, and how they are changed.
#pragma once

#include <span>
#include <vector>

#include "hemiola/models/dense_kernels.h"
#include "hemiola/models/dense_shape.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

// Layer l is table l. Thread safety: belongs to one worker.
class DenseRows {
 public:
  DenseRows(const std::vector<DenseLayer>& layers, Parameters& params);

  // Says that all rows will be wanted by the next steps.
  void intend(uint32_t steps);

  // The rows for one step.
  std::span<const RowPlaces> fetch(Access access);

  // All rows are here, and changes need no latches: a product may change them itself.
  bool plain() const { return plain_; }

  // A step of layer l by its gradient: rows of `outputs` floats.
  void update(size_t l, const float* gradient, const DenseKernels& kernels,
              const DenseStep& step) const;

 private:
  struct Fetched {
    TableId table;
    std::vector<Key> keys;
    std::vector<float*> at;
  };

  const std::vector<DenseLayer>& layers_;
  Parameters& params_;
  std::vector<RowPlaces> places_;
  std::vector<Fetched> fetched_;  // of the tables that are not all here
  bool plain_ = true;
};

}  // namespace hemiola
