#include "hemiola/models/dense_conv.h"

#include <algorithm>

namespace hemiola {
namespace {

constexpr uint32_t kSide = DenseLayer::kSide, kPatch = kSide * kSide;

size_t rounded(size_t n) { return (n + kDenseWidest - 1) / kDenseWidest * kDenseWidest; }

RowPlaces from_row(const RowPlaces& rows, size_t first) {
  if (rows.at) return {rows.at + first};
  return {nullptr, rows.base + first * rows.stride, rows.stride};
}

// Of an image with its surrounding: where each pixel's patch begins.
std::vector<uint32_t> patches(const DenseImageShape& image, size_t pitch) {
  std::vector<uint32_t> at;
  for (uint32_t y = 0; y < image.height; ++y) {
    for (uint32_t x = 0; x < image.width; ++x) {
      at.push_back(static_cast<uint32_t>(y * pitch + size_t{x} * image.channels));
    }
  }
  return at;
}

// Where the values of a patch are, from its begin.
std::vector<uint32_t> patch_values(const DenseImageShape& image, size_t pitch) {
  std::vector<uint32_t> at;
  for (uint32_t y = 0; y < kSide; ++y) {
    for (uint32_t i = 0; i < kSide * image.channels; ++i) {
      at.push_back(static_cast<uint32_t>(y * pitch + i));
    }
  }
  return at;
}

}  // namespace

DenseConv::DenseConv(const DenseLayer& layer, const DenseKernels& kernels)
    : layer_(layer),
      kernels_(kernels),
      inputs_(layer.inputs()),
      outputs_(layer.outputs),
      pixels_(size_t{layer.in.height} * layer.in.width),
      sums_(pixels_ * outputs_),
      d_sums_({layer.in.height, layer.in.width, layer.outputs}, DenseLayer::kAround, 1),
      packed_(inputs_ * rounded(outputs_)),
      packed_sums_(pixels_ * rounded(outputs_)),
      gradient_((inputs_ + 1) * outputs_) {
  const size_t pitch = (layer.in.width + 2 * DenseLayer::kAround) * size_t{layer.in.channels};
  at_in_ = patches(layer.in, pitch);
  patch_in_ = patch_values(layer.in, pitch);
  at_sums_ = patches(d_sums_.shape(), d_sums_.pitch());
  patch_sums_ = patch_values(d_sums_.shape(), d_sums_.pitch());
  for (uint32_t y = 0; y < layer.in.height; ++y) {
    for (uint32_t x = 0; x < layer.in.width; ++x) {
      d_sums_at_.push_back(d_sums_.row(0, y) + x * outputs_);
    }
  }
}

void DenseConv::forward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                        size_t n) {
  const DenseImageShape pooled = layer_.out();
  const size_t row = layer_.in.width * outputs_, pooled_row = pooled.width * outputs_;
  const float* bias = weights.at ? weights.at[inputs_] : weights.base + inputs_ * weights.stride;
  which_.resize(n * pooled.values());
  kernels_.pack(weights, inputs_, outputs_, packed_.data());
  for (size_t i = 0; i < n; ++i) {
    kernels_.multiply({in.begin(i), at_in_.data(), patch_in_.data()}, pixels_, inputs_,
                      packed_.data(), outputs_, 1, sums_.data(), outputs_, false);
    uint8_t* which = which_.data() + i * pooled.values();
    for (size_t y = 0; y < pooled.height; ++y) {
      const float* top = sums_.data() + 2 * y * row;
      kernels_.pool(top, top + row, pooled.width, outputs_, bias, out.row(i, y),
                    which + y * pooled_row);
    }
  }
}

// The gradient of the input is a convolution too, of the gradient of the sums with the filters
// turned by half a circle: its row (t, f) is row (24 - t) of the weights, column f.
void DenseConv::pack_turned(const RowPlaces& weights) {
  const size_t channels = layer_.in.channels;
  if (turned_.size() == 0) turned_ = Arena<float>(kPatch * outputs_ * rounded(channels));
  for (size_t t = 0; t < kPatch; ++t) {
    kernels_.pack_transposed(from_row(weights, (kPatch - 1 - t) * channels), channels, outputs_,
                             t * outputs_, kPatch * outputs_, turned_.data());
  }
}

void DenseConv::backward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes&,
                         float* d_out, float* d_in, size_t n, float scale) {
  const DenseImageShape pooled = layer_.out();
  const size_t pooled_row = pooled.width * outputs_;
  if (d_in) pack_turned(weights);
  float* bias = gradient_.data() + inputs_ * outputs_;
  std::fill(bias, bias + outputs_, 0.f);
  for (size_t i = 0; i < n; ++i) {
    for (size_t y = 0; y < pooled.height; ++y) {
      const size_t at = i * pooled.values() + y * pooled_row;
      kernels_.unpool(d_out + at, which_.data() + at, pooled.width, outputs_, d_sums_.row(0, 2 * y),
                      d_sums_.row(0, 2 * y + 1));
    }
    kernels_.pack({d_sums_at_.data()}, pixels_, outputs_, packed_sums_.data());
    kernels_.multiply({in.begin(i), patch_in_.data(), at_in_.data()}, inputs_, pixels_,
                      packed_sums_.data(), outputs_, scale, gradient_.data(), outputs_, i > 0);
    for (size_t y = 0; y < layer_.in.height; ++y) {
      kernels_.add_columns(d_sums_.row(0, y), layer_.in.width, outputs_, outputs_, scale, bias);
    }
    if (d_in) {
      kernels_.multiply({d_sums_.begin(0), at_sums_.data(), patch_sums_.data()}, pixels_,
                        kPatch * outputs_, turned_.data(), layer_.in.channels, 1,
                        d_in + i * layer_.in.values(), layer_.in.channels, false);
    }
  }
}

}  // namespace hemiola
