#include "hemiola/models/linear_pass.h"

#include <algorithm>

namespace hemiola {

LinearPass::LinearPass(const LinearKernels& kernels, const LinearStep& step,
                       const SparseSpans& data, std::span<const float> penalty, size_t longest)
    : kernels_(kernels), step_(step), data_(data), penalty_(penalty) {
  constexpr size_t kRowsUnderWay = 64;
  const size_t mean = data.index.size() / std::max<size_t>(1, data.rows()) + 1;
  ahead_ = std::max<size_t>(1, kRowsUnderWay / mean);
  const size_t room = (longest + kLinearPadding) / kLinearPadding * kLinearPadding;
  buffer_.resize(6 * room);
  float* b = buffer_.data();
  at_ = {b, b + room, b + 2 * room, b + 3 * room, b + 4 * room, b + 5 * room};
  if (!penalty_.empty()) example_penalty_.resize(longest);
}

void LinearPass::prefetch(uint32_t example, const uint32_t* numbers, const Rows& rows) const {
  const size_t n = entries(example);
  kernels_.fetch(numbers, n, rows.places);
  if (penalty_.empty()) return;
  const uint32_t* features = data_.index.data() + data_.offset[example];
  for (size_t i = 0; i < n; ++i) __builtin_prefetch(&penalty_[features[i]]);
}

float LinearPass::score(uint32_t example, const uint32_t* numbers, const Rows& rows) {
  const uint64_t begin = data_.offset[example];
  example_ = {numbers, data_.value.empty() ? nullptr : data_.value.data() + begin, nullptr,
              entries(example), rows.bias};
  if (!penalty_.empty()) {
    const uint32_t* features = data_.index.data() + begin;
    for (size_t i = 0; i < example_.n; ++i) example_penalty_[i] = penalty_[features[i]];
    example_.penalty = example_penalty_.data();
  }
  return kernels_.take(example_, rows.places, step_, at_);
}

void LinearPass::learn(float slope, const Rows& rows, Latches& latches) {
  const size_t n = example_.n;
  kernels_.change(n, slope, step_, at_);
  if (!latches.needed()) return kernels_.put(example_, rows.places, step_, at_);
  for (size_t i = 0; i <= n; ++i) {
    const RowPlaces& places = rows.places;
    float* row = i == n      ? rows.bias
                 : places.at ? places.at[example_.index[i]]
                             : places.base + example_.index[i] * places.stride;
    LatchGuard guard(latches, row);
    row[0] += at_.new_weight[i] - at_.weight[i];
    if (step_.adagrad) row[1] += at_.new_squares[i] - at_.squares[i];
  }
}

}  // namespace hemiola
