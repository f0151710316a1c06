// Batches of images as a net takes them: shuffled, normalised, and when asked for shifted and
// flipped at random. Each is a pure function of seed, epoch and place, so any worker can make any.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hemiola/models/dense_layer.h"

namespace hemiola {

// Image after image, row after row, the channels of a pixel together.
struct DenseImages {
  std::span<const uint8_t> pixels;
  std::span<const uint8_t> labels;

  size_t size() const { return labels.size(); }
};

// How bytes become numbers of mean 0 and deviation 1: for each channel, over a whole set.
struct DenseScale {
  std::vector<float> mean, deviation;  // by channel; no deviation is 0

  static DenseScale of(std::span<const uint8_t> pixels, uint32_t channels);
};

class DenseBatches {
 public:
  struct Change {
    uint32_t shift = 0;  // pixels that an image moves at most, in each direction
    bool flip = false;   // left becomes right in every other image
  };

  // The images are borrowed and must outlive this.
  DenseBatches(const DenseImages& images, const DenseImageShape& shape, const DenseScale& scale);

  size_t size() const { return images_.size(); }

  // Examples first .. first + labels.size() - 1 in the order that they are kept in.
  void fill(size_t first, std::span<uint8_t> labels, const DensePlanes& to) const;

  // The same in the epoch's order, changed at random.
  void fill_shuffled(uint64_t seed, uint32_t epoch, size_t first, const Change& change,
                     std::span<uint8_t> labels, const DensePlanes& to) const;

 private:
  struct Moved {
    int32_t right = 0, down = 0;
    bool flip = false;
  };
  void put(size_t image, const Moved& moved, size_t i, const DensePlanes& to) const;

  DenseImages images_;
  DenseImageShape shape_;
  std::vector<float> mean_, scale_;  // of the values of a row of pixels
  const DenseKernels& kernels_;
};

const DenseKernels& dense_kernels();  // for this machine

}  // namespace hemiola
