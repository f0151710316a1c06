// A convolution at work, with the relu and the pooling behind it, image by image: what lies
// between two products stays in the cache of a core.
#pragma once

#include "hemiola/models/dense_layer.h"

namespace hemiola {

class DenseConv : public DenseWork {
 public:
  DenseConv(const DenseLayer& layer, const DenseKernels& kernels);

  void forward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
               size_t n) override;
  void backward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                float* d_out, float* d_in, size_t n, float scale) override;
  float* gradient() override { return gradient_.data(); }

 private:
  void pack_turned(const RowPlaces& weights);

  DenseLayer layer_;
  const DenseKernels& kernels_;
  size_t inputs_, outputs_, pixels_;
  // Within an image: where the patch of each pixel begins, and the values of a patch from there;
  // both of the input and of the gradient of what the filters give.
  std::vector<uint32_t> at_in_, patch_in_, at_sums_, patch_sums_;
  Arena<float> sums_;              // of an image, what the filters give
  DensePlanes d_sums_;             // its gradient, surrounded by zeros
  std::vector<float*> d_sums_at_;  // each pixel of it
  std::vector<uint8_t> which_;     // of the batch: which of four pixels was the largest
  Arena<float> packed_, turned_, packed_sums_, gradient_;
};

}  // namespace hemiola
