// A whole net at work on a batch: scores of the classes, the loss, and its gradient by every
// weight. Softmax and cross-entropy are the last step.
//
// Thread safety: belongs to one worker. All memory is taken by the constructor and the first use.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "hemiola/models/dense_layer.h"

namespace hemiola {

class DenseNet {
 public:
  DenseNet(const std::vector<DenseLayer>& layers, const DenseKernels& kernels, size_t batch);

  // Where the images of the batch are to be put, row of pixels by row.
  const DensePlanes& input() const { return planes_.front(); }

  // The scores of n examples; weights: the rows of each layer.
  void forward(std::span<const RowPlaces> weights, size_t n);
  std::span<const float> scores(size_t i) const {
    return {planes_.back().begin(i), planes_.back().image()};
  }

  struct Outcome {
    double loss = 0;
    double right = 0;  // how many labels had the highest score
  };
  Outcome outcome(std::span<const uint8_t> labels) const;

  // After forward() on these examples: outcome(), and the gradients of the mean loss.
  Outcome backward(std::span<const RowPlaces> weights, std::span<const uint8_t> labels);
  // The same, but full layers go down their gradients at once, by `rate`; true in `moved`.
  // REQUIRES: every weights[l].at is null.
  Outcome backward_in_place(std::span<const RowPlaces> weights, std::span<const uint8_t> labels,
                            float rate, std::vector<bool>& moved);

  // Rows as those of layer l.
  const float* gradient(size_t l) const { return works_[l]->gradient(); }

 private:
  Outcome begin_backward(std::span<const uint8_t> labels);

  std::vector<std::unique_ptr<DenseWork>> works_;
  std::vector<DensePlanes> planes_;  // before the first layer, between layers, behind the last
  std::vector<Arena<float>> d_;      // the gradients of all but the first; made for backward()
};

}  // namespace hemiola
