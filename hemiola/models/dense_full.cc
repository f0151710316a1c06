#include "hemiola/models/dense_full.h"

#include <algorithm>
#include <numeric>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

size_t rounded(size_t n) { return (n + kDenseWidest - 1) / kDenseWidest * kDenseWidest; }

std::vector<uint32_t> multiples(size_t n, size_t of) {
  std::vector<uint32_t> all(n);
  for (size_t i = 0; i < n; ++i) all[i] = static_cast<uint32_t>(i * of);
  return all;
}

}  // namespace

DenseFull::DenseFull(const DenseLayer& layer, const DenseKernels& kernels, size_t batch)
    : layer_(layer),
      kernels_(kernels),
      inputs_(layer.inputs()),
      outputs_(layer.outputs),
      each_(std::max(inputs_, outputs_)),
      by_in_(multiples(batch, inputs_)),
      by_out_(multiples(batch, outputs_)),
      packed_(std::max(
          {inputs_ * rounded(outputs_), outputs_ * rounded(inputs_), batch * rounded(outputs_)})) {
  std::iota(each_.begin(), each_.end(), 0);
}

void DenseFull::forward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                        size_t n) {
  kernels_.pack(weights, inputs_, outputs_, packed_.data());
  kernels_.multiply({in.begin(0), by_in_.data(), each_.data()}, n, inputs_, packed_.data(),
                    outputs_, 1, out.begin(0), outputs_, false);
  const float* bias = weights.at ? weights.at[inputs_] : weights.base + inputs_ * weights.stride;
  kernels_.add_bias(out.begin(0), n, outputs_, bias, layer_.relu);
}

float* DenseFull::gradient() {
  if (gradient_.size() == 0) gradient_ = Arena<float>((inputs_ + 1) * outputs_);
  return gradient_.data();
}

void DenseFull::backward(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                         float* d_out, float* d_in, size_t n, float scale) {
  float* bias = gradient() + inputs_ * outputs_;
  std::fill(bias, bias + outputs_, 0.f);
  backward_to(weights, in, out, d_out, d_in, n, scale, gradient(), outputs_, false);
}

bool DenseFull::backward_in_place(const RowPlaces& weights, const DensePlanes& in,
                                  const DensePlanes& out, float* d_out, float* d_in, size_t n,
                                  float scale) {
  HEMIOLA_CHECK(weights.at == nullptr);
  backward_to(weights, in, out, d_out, d_in, n, scale, weights.base, weights.stride, true);
  return true;
}

void DenseFull::backward_to(const RowPlaces& weights, const DensePlanes& in, const DensePlanes& out,
                            float* d_out, float* d_in, size_t n, float scale, float* to, size_t ld,
                            bool add) {
  if (layer_.relu) kernels_.mask(d_out, out.begin(0), n * outputs_);
  if (d_in) {
    kernels_.pack_transposed(weights, inputs_, outputs_, 0, outputs_, packed_.data());
    kernels_.multiply({d_out, by_out_.data(), each_.data()}, n, outputs_, packed_.data(), inputs_,
                      1, d_in, inputs_, false);
  }
  kernels_.pack({nullptr, d_out, outputs_}, n, outputs_, packed_.data());
  kernels_.multiply({in.begin(0), each_.data(), by_in_.data()}, inputs_, n, packed_.data(),
                    outputs_, scale, to, ld, add);
  kernels_.add_columns(d_out, n, outputs_, outputs_, scale, to + inputs_ * ld);
}

}  // namespace hemiola
