// One layer at work on a batch: its output, and the way back to the gradients of its weights and
// of its input.
//
// Thread safety: belongs to one worker. All memory is taken by the constructors.
#pragma once

#include <memory>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/models/dense_kernels.h"
#include "hemiola/models/dense_shape.h"

namespace hemiola {

// A batch of images between two layers. With `around` > 0 each is surrounded by zeros.
class DensePlanes {
 public:
  DensePlanes() = default;
  DensePlanes(const DenseImageShape& shape, uint32_t around, size_t batch)
      : shape_(shape),
        around_(around),
        batch_(batch),
        image_((shape.height + 2 * around) * pitch()),
        values_(image_ * batch) {}

  const DenseImageShape& shape() const { return shape_; }
  uint32_t around() const { return around_; }
  // Floats from one row of pixels to the next, and from one image to the next.
  size_t pitch() const { return (shape_.width + 2 * around_) * size_t{shape_.channels}; }
  size_t image() const { return image_; }
  size_t capacity() const { return batch_; }
  // Where an image begins with its surrounding, and where a row of its pixels begins.
  float* begin(size_t i) const { return values_.data() + i * image_; }
  float* row(size_t i, size_t y) const {
    return begin(i) + (y + around_) * pitch() + size_t{around_} * shape_.channels;
  }

 private:
  DenseImageShape shape_;
  uint32_t around_ = 0;
  size_t batch_ = 0;
  size_t image_ = 0;
  Arena<float> values_;
};

class DenseWork {
 public:
  virtual ~DenseWork() = default;

  // Weights are the layer's rows, bias last. `in` was made with what the layer needs around it.
  virtual void forward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                       size_t n) = 0;

  // After forward() on the same. d_out is the gradient of `out`, without a surrounding, and is
  // changed; d_in gets that of `in`, unless null. gradient() gets that of the weights times scale.
  virtual void backward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                        float* d_out, float* d_in, size_t n, float scale) = 0;

  // Rows of `outputs` floats, as those of the weights.
  virtual float* gradient() = 0;

  // As backward(), but the gradient is added to the weights themselves. Only of full layers; gives
  // false, and does nothing, when it cannot.
  virtual bool backward_in_place(const RowPlaces&, const DensePlanes&, const DensePlanes&, float*,
                                 float*, size_t, float) {
    return false;
  }
};

std::unique_ptr<DenseWork> make_dense_work(const DenseLayer& layer, const DenseKernels& kernels,
                                           size_t batch);

// What a layer needs around its input.
inline uint32_t around_of(const DenseLayer& layer) {
  return layer.kind == DenseLayer::Kind::conv ? DenseLayer::kAround : 0;
}

}  // namespace hemiola
