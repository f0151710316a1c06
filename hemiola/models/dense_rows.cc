#include "hemiola/models/dense_rows.h"

namespace hemiola {

DenseRows::DenseRows(const std::vector<DenseLayer>& layers, Parameters& params)
    : layers_(layers), params_(params), places_(layers.size()) {
  for (uint32_t l = 0; l < layers.size(); ++l) {
    const TableId table{l};
    if (params.latches(table).needed()) plain_ = false;
    if (const auto direct = params.direct(table)) {
      places_[l] = {nullptr, direct->base, direct->stride};
      continue;
    }
    plain_ = false;
    Fetched fetched{table, {}, std::vector<float*>(layers[l].rows())};
    for (uint32_t k = 0; k < layers[l].rows(); ++k) fetched.keys.push_back(Key{k});
    fetched_.push_back(std::move(fetched));
  }
  for (const Fetched& fetched : fetched_) places_[fetched.table.value] = {fetched.at.data()};
}

void DenseRows::intend(uint32_t steps) {
  for (const Fetched& fetched : fetched_) params_.intend(fetched.table, fetched.keys, 0, steps);
}

std::span<const RowPlaces> DenseRows::fetch(Access access) {
  for (Fetched& fetched : fetched_) {
    params_.rows(fetched.table, fetched.keys, access, fetched.at);
  }
  return places_;
}

void DenseRows::update(size_t l, const float* gradient, const DenseKernels& kernels,
                       const DenseStep& step) const {
  const RowPlaces& rows = places_[l];
  const size_t outputs = layers_[l].outputs;
  Latches& latches = params_.latches(TableId{static_cast<uint32_t>(l)});
  for (size_t i = 0; i < layers_[l].rows(); ++i, gradient += outputs) {
    float* row = rows.at ? rows.at[i] : rows.base + i * rows.stride;
    LatchGuard guard(latches, row);
    kernels.update(row, row + outputs, gradient, outputs, step);
  }
}

}  // namespace hemiola
