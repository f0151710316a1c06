#include "hemiola/models/dense_batches.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"
#include "hemiola/models/shuffled_order.h"

namespace hemiola {

const DenseKernels& dense_kernels() {
#if defined(__x86_64__)
  if (simd_here() == Simd::avx512) return kDenseAvx512;
  if (simd_here() == Simd::avx2) return kDenseAvx2;
#endif
  return kDenseBaseline;
}

DenseScale DenseScale::of(std::span<const uint8_t> pixels, uint32_t channels) {
  HEMIOLA_CHECK(channels > 0 && pixels.size() % channels == 0);
  DenseScale scale;
  for (uint32_t c = 0; c < channels; ++c) {
    std::array<uint64_t, 256> counts{};
    for (size_t i = c; i < pixels.size(); i += channels) ++counts[pixels[i]];
    double sum = 0, squares = 0;
    const double n = std::max(1.0, static_cast<double>(pixels.size() / channels));
    for (size_t v = 0; v < counts.size(); ++v) {
      const double value = static_cast<double>(v), count = static_cast<double>(counts[v]);
      sum += count * value;
      squares += count * value * value;
    }
    const double deviation = std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n)));
    scale.mean.push_back(static_cast<float>(sum / n));
    scale.deviation.push_back(deviation > 0 ? static_cast<float>(deviation) : 1);
  }
  return scale;
}

DenseBatches::DenseBatches(const DenseImages& images, const DenseImageShape& shape,
                           const DenseScale& scale)
    : images_(images), shape_(shape), kernels_(dense_kernels()) {
  HEMIOLA_CHECK(images.pixels.size() == images.size() * shape.values());
  for (uint32_t i = 0; i < shape.width * shape.channels; ++i) {
    mean_.push_back(scale.mean[i % shape.channels]);
    scale_.push_back(1 / scale.deviation[i % shape.channels]);
  }
}

void DenseBatches::put(size_t image, const Moved& moved, size_t i, const DensePlanes& to) const {
  const auto height = static_cast<int32_t>(shape_.height);
  const auto width = static_cast<int32_t>(shape_.width);
  const size_t channels = shape_.channels, values = shape_.width * channels;
  const auto first = static_cast<size_t>(std::clamp(moved.right, 0, width));
  const auto last = static_cast<size_t>(std::clamp(width + moved.right, 0, width));
  const uint8_t* pixels = images_.pixels.data() + image * shape_.values();
  std::vector<uint8_t> turned(moved.flip ? values : 0);
  for (int32_t y = 0; y < height; ++y) {
    float* row = to.row(i, static_cast<size_t>(y));
    const int32_t source = y - moved.down;
    if (source < 0 || source >= height || first >= last) {
      std::fill(row, row + values, 0.f);
      continue;
    }
    const uint8_t* from = pixels + static_cast<size_t>(source) * values;
    if (moved.flip) {
      for (size_t x = 0; x < shape_.width; ++x) {
        std::copy_n(from + (shape_.width - 1 - x) * channels, channels, &turned[x * channels]);
      }
      from = turned.data();
    }
    std::fill(row, row + first * channels, 0.f);
    std::fill(row + last * channels, row + values, 0.f);
    from += (static_cast<int32_t>(first) - moved.right) * static_cast<int32_t>(channels);
    kernels_.normalise(from, mean_.data(), scale_.data(), (last - first) * channels,
                       row + first * channels);
  }
}

void DenseBatches::fill(size_t first, std::span<uint8_t> labels, const DensePlanes& to) const {
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = images_.labels[first + i];
    put(first + i, {}, i, to);
  }
}

void DenseBatches::fill_shuffled(uint64_t seed, uint32_t epoch, size_t first, const Change& change,
                                 std::span<uint8_t> labels, const DensePlanes& to) const {
  const ShuffledOrder order(size(), seed, epoch);
  for (size_t i = 0; i < labels.size(); ++i) {
    const size_t image = order[first + i];
    Moved moved;
    if (change.shift > 0 || change.flip) {
      Random random(mix(seed, epoch, image));
      const auto most = static_cast<int32_t>(change.shift);
      const auto draw = [&] {
        return static_cast<int32_t>(random.below(2 * change.shift + 1)) - most;
      };
      moved.right = draw();
      moved.down = draw();
      moved.flip = change.flip && random.chance(0.5);
    }
    labels[i] = images_.labels[image];
    put(image, moved, i, to);
  }
}

}  // namespace hemiola
