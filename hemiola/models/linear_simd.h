// The bodies of the linear models' kernels, for the three files that compile them.
//
// A step minimises the loss' tangent plus penalties plus the distance from the old weight, over
// the rate (composite mirror descent; Duchi, Hazan, Singer: Adaptive Subgradient Methods, JMLR
// 2011): w = shrink(w - r g, r l1) / (1 + r l2), with AdaGrad r = rate / sqrt(sum of g^2).
// So L1 gives weights that are 0, and no L2, however large, makes a weight overshoot.
#pragma once

#include "hemiola/core/vec_pack.h"
#include "hemiola/models/linear_kernels.h"

namespace hemiola {
namespace {

constexpr size_t kW = kWidth;
using Value = Pack<kW>::Value;
using Bits = Pack<kW>::Bits;

HEMIOLA_INLINE Value load(const float* from) {
  HEMIOLA_LOAD(kW, value, from);
  return value;
}

HEMIOLA_INLINE void store(float* to, Value value) { HEMIOLA_STORE(kW, to, value); }

HEMIOLA_INLINE Value root(Value v) {
#if defined(__AVX__)
  asm("vsqrtps %0, %0" : "+v"(v));
#elif defined(__SSE2__)
  asm("sqrtps %0, %0" : "+x"(v));
#else
  for (size_t i = 0; i < kW; ++i) v[i] = __builtin_sqrtf(v[i]);
#endif
  return v;
}

HEMIOLA_INLINE float* row_at(const RowPlaces& rows, unsigned i) {
  return rows.at ? rows.at[i] : rows.base + i * rows.stride;
}

void fetch(const unsigned* index, size_t n, const RowPlaces& rows) {
  for (size_t i = 0; i < n; ++i) __builtin_prefetch(row_at(rows, index[i]), 1);
}

float take(const LinearExample& example, const RowPlaces& rows, const LinearStep& step,
           const LinearEntries& e) {
  const size_t n = example.n;
  const size_t end = (n + kLinearPadding) / kLinearPadding * kLinearPadding;
  for (size_t i = end - kLinearPadding; i < end; i += kW) {
    store(e.x + i, Value{});
    store(e.weight + i, Value{});
    store(e.squares + i, Value{} + 1);
    store(e.penalty + i, Value{});
  }
  for (size_t i = 0; i < n; ++i) {
    const float* row = row_at(rows, example.index[i]);
    e.weight[i] = row[0];
    if (step.adagrad) e.squares[i] = row[1];
  }
  for (size_t i = 0; i < n; ++i) e.x[i] = example.value ? example.value[i] : 1;
  if (example.penalty) {
    for (size_t i = 0; i < n; ++i) e.penalty[i] = example.penalty[i];
  }
  e.weight[n] = example.bias[0];
  if (step.adagrad) e.squares[n] = example.bias[1];
  e.x[n] = 1;
  Value sum{};
  for (size_t i = 0; i < end; i += kW) sum += load(e.x + i) * load(e.weight + i);
  return sum_of<kW>(sum);
}

HEMIOLA_INLINE Value shrunk(Value w, Value by) {
  const Value smaller = w > 0 ? w - by : w + by;
  const Bits stays = w > 0 ? smaller > 0 : smaller < 0;
  return stays ? smaller : Value{};
}

void change(size_t n, float slope, const LinearStep& step, const LinearEntries& e) {
  const bool penalised = step.l1 > 0 || step.l2 > 0;
  for (size_t i = 0; i <= n; i += kW) {
    const Value g = load(e.x + i) * slope;
    Value rate = Value{} + step.rate;
    if (step.adagrad) {
      const Value squares = load(e.squares + i) + g * g;
      store(e.new_squares + i, squares);
      rate /= root(squares);
    }
    Value w = load(e.weight + i) - rate * g;
    if (penalised) {
      const Value scale = rate * load(e.penalty + i);
      w = shrunk(w, scale * step.l1) / (scale * step.l2 + 1);
    }
    store(e.new_weight + i, w);
  }
}

void put(const LinearExample& example, const RowPlaces& rows, const LinearStep& step,
         const LinearEntries& e) {
  const size_t n = example.n;
  for (size_t i = 0; i < n; ++i) {
    float* row = row_at(rows, example.index[i]);
    row[0] = e.new_weight[i];
    if (step.adagrad) row[1] = e.new_squares[i];
  }
  example.bias[0] = e.new_weight[n];
  if (step.adagrad) example.bias[1] = e.new_squares[n];
}

}  // namespace
}  // namespace hemiola
