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

// Two halves of W floats as one; W is 8 or 16.
template <size_t W>
HEMIOLA_INLINE typename Pack<W>::Value joined(typename Pack<W / 2>::Value a,
                                              typename Pack<W / 2>::Value b) {
  if constexpr (W == 8) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
  } else {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

// Weights and squares of W rows. Assembled in registers: a wide load of what narrow stores have
// just written would have to wait for them.
template <size_t W>
struct Rows {
  typename Pack<W>::Value weight, squares;
};

template <size_t W, bool kAdagrad, class At>
HEMIOLA_INLINE Rows<W> gather(At at, size_t i) {
  Rows<W> rows{};
  if constexpr (W == 4 && kAdagrad) {
    typedef double Two __attribute__((vector_size(16)));
    double pair[4];
    for (size_t j = 0; j < 4; ++j) __builtin_memcpy(&pair[j], at(i + j), sizeof(double));
    const auto a = (Pack<4>::Value)Two{pair[0], pair[1]};
    const auto b = (Pack<4>::Value)Two{pair[2], pair[3]};
    rows.weight = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    rows.squares = __builtin_shufflevector(a, b, 1, 3, 5, 7);
  } else if constexpr (W == 4) {
    rows.weight = Pack<4>::Value{*at(i), *at(i + 1), *at(i + 2), *at(i + 3)};
  } else {
    const auto a = gather<W / 2, kAdagrad>(at, i), b = gather<W / 2, kAdagrad>(at, i + W / 2);
    rows.weight = joined<W>(a.weight, b.weight);
    rows.squares = joined<W>(a.squares, b.squares);
  }
  return rows;
}

template <bool kAdagrad>
HEMIOLA_INLINE Value take_part(const LinearEntries& e, size_t i, const Rows<kW>& rows, Value x) {
  store(e.weight + i, rows.weight);
  if constexpr (kAdagrad) store(e.squares + i, rows.squares);
  store(e.x + i, x);
  return x * rows.weight;
}

// The last entries, then the bias, then padding that changes nothing.
template <bool kAdagrad>
HEMIOLA_INLINE Value take_rest(const LinearExample& example, const RowPlaces& rows, size_t i,
                               const LinearEntries& e) {
  constexpr float kNoRow[2] = {0, 1};
  const size_t n = example.n;
  const size_t left = n - i;  // below kW
  const float* row[kW];
  for (size_t j = 0; j < kW; ++j) row[j] = kNoRow;
  for (size_t j = 0; j < left; ++j) row[j] = row_at(rows, example.index[i + j]);
  row[left] = example.bias;
  Value x{}, penalty{};
  if (example.value) {
    for (size_t j = 0; j < left; ++j) x[j] = example.value[i + j];
    x[left] = 1;
  } else {
    for (size_t j = 0; j < kW; ++j) x[j] = j <= left ? 1.0f : 0.0f;
  }
  if (example.penalty) {
    for (size_t j = 0; j < left; ++j) penalty[j] = example.penalty[i + j];
  }
  store(e.penalty + i, penalty);
  const auto at = [&](size_t j) { return row[j]; };
  return take_part<kAdagrad>(e, i, gather<kW, kAdagrad>(at, 0), x);
}

template <bool kAdagrad>
float take_all(const LinearExample& example, const RowPlaces& rows, const LinearEntries& e) {
  const auto at = [&](size_t i) { return row_at(rows, example.index[i]); };
  Value sum{};
  size_t i = 0;
  for (; i + kW <= example.n; i += kW) {
    const Value x = example.value ? load(example.value + i) : Value{} + 1;
    sum += take_part<kAdagrad>(e, i, gather<kW, kAdagrad>(at, i), x);
    if (example.penalty) store(e.penalty + i, load(example.penalty + i));
  }
  sum += take_rest<kAdagrad>(example, rows, i, e);
  return sum_of<kW>(sum);
}

float take(const LinearExample& example, const RowPlaces& rows, const LinearStep& step,
           const LinearEntries& e) {
  return step.adagrad ? take_all<true>(example, rows, e) : take_all<false>(example, rows, e);
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
