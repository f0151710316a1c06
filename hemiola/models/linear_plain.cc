// The oracle of the linear models' kernels: the same, entry by entry.
#include <cmath>

#include "hemiola/models/linear_kernels.h"

namespace hemiola {
namespace {

float* row_at(const RowPlaces& rows, unsigned i) {
  return rows.at ? rows.at[i] : rows.base + i * rows.stride;
}

void fetch(const unsigned*, size_t, const RowPlaces&) {}

float take(const LinearExample& example, const RowPlaces& rows, const LinearStep& step,
           const LinearEntries& e) {
  double score = 0;
  for (size_t i = 0; i <= example.n; ++i) {
    const bool bias = i == example.n;
    const float* row = bias ? example.bias : row_at(rows, example.index[i]);
    e.x[i] = bias || !example.value ? 1 : example.value[i];
    e.penalty[i] = bias || !example.penalty ? 0 : example.penalty[i];
    e.weight[i] = row[0];
    e.squares[i] = step.adagrad ? row[1] : 0;
    score += static_cast<double>(e.x[i]) * row[0];
  }
  return static_cast<float>(score);
}

void change(size_t n, float slope, const LinearStep& step, const LinearEntries& e) {
  for (size_t i = 0; i <= n; ++i) {
    const float g = slope * e.x[i];
    e.new_squares[i] = e.squares[i] + g * g;
    const float rate = step.adagrad ? step.rate / std::sqrt(e.new_squares[i]) : step.rate;
    const float w = e.weight[i] - rate * g;
    const float least = rate * e.penalty[i] * step.l1;
    const float shrunk = std::abs(w) <= least ? 0 : w > 0 ? w - least : w + least;
    e.new_weight[i] = shrunk / (1 + rate * e.penalty[i] * step.l2);
  }
}

void put(const LinearExample& example, const RowPlaces& rows, const LinearStep& step,
         const LinearEntries& e) {
  for (size_t i = 0; i <= example.n; ++i) {
    float* row = i == example.n ? example.bias : row_at(rows, example.index[i]);
    row[0] = e.new_weight[i];
    if (step.adagrad) row[1] = e.new_squares[i];
  }
}

}  // namespace

const LinearKernels kLinearPlain = {fetch, take, change, put};

}  // namespace hemiola
