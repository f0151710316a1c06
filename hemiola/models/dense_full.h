// A full layer at work: out = relu(in times weights + bias).
#pragma once

#include "hemiola/models/dense_layer.h"

namespace hemiola {

class DenseFull : public DenseWork {
 public:
  DenseFull(const DenseLayer& layer, const DenseKernels& kernels, size_t batch);

  void forward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
               size_t n) override;
  void backward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                float* d_out, float* d_in, size_t n, float scale) override;
  float* gradient() override;
  // REQUIRES: weights.at is null.
  bool backward_in_place(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                         float* d_out, float* d_in, size_t n, float scale) override;

 private:
  void backward_to(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                   float* d_out, float* d_in, size_t n, float scale, float* to, size_t ld,
                   bool add);

  DenseLayer layer_;
  const DenseKernels& kernels_;
  size_t inputs_, outputs_;
  std::vector<uint32_t> each_;            // 0, 1, 2, ...
  std::vector<uint32_t> by_in_, by_out_;  // where each example of the batch begins
  Arena<float> packed_;                   // weights, then their transpose, then d_out
  Arena<float> gradient_;                 // made when it is asked for
};

}  // namespace hemiola
