// The bodies of the dense kernels, for the three files that compile them.
//
// Matrix products in the manner of Goto, van de Geijn: Anatomy of High-Performance Matrix
// Multiplication (2008): the right factor packed into panels, tiles of the result in registers.
// The left factor is read value by value, so it needs no packing, wherever its values are.
#pragma once

#include "hemiola/models/dense_kernels.h"
#include "hemiola/models/simd_math.h"

namespace hemiola {
namespace {

constexpr size_t kVectors = kWidth == 16 ? 4 : 2;  // registers across a tile, at most
constexpr size_t kPanel = kVectors * kWidth;
constexpr size_t kDepth = 256;  // rows of a panel that stay in the cache of a core

constexpr size_t rounded(size_t n) { return (n + kDenseWidest - 1) / kDenseWidest * kDenseWidest; }

HEMIOLA_INLINE const float* row_of(const RowPlaces& rows, size_t i) {
  return rows.at ? rows.at[i] : rows.base + i * rows.stride;
}

// The panel that begins at column j is `width` wide; its k rows lie side by side at packed + j * k.
HEMIOLA_INLINE size_t width_at(size_t j, size_t n) {
  return rounded(n) - j < kPanel ? rounded(n) - j : kPanel;
}

struct CopyPart {
  float* to;
  const float* from;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, from + i);
    HEMIOLA_STORE(W, to + i, x);
  }
};

void pack(const RowPlaces& rows, size_t k, size_t n, float* packed) {
  for (size_t j = 0; j < n; j += kPanel) {
    const size_t width = width_at(j, n), here = n - j < width ? n - j : width;
    float* to = packed + j * k;
    for (size_t r = 0; r < k; ++r, to += width) {
      CopyPart part{to, row_of(rows, r) + j};
      sweep<kWidth>(here, 0, part);
      for (size_t z = here; z < width; ++z) to[z] = 0;
    }
  }
}

void pack_transposed(const RowPlaces& rows, size_t n, size_t depth, size_t first, size_t k,
                     float* packed) {
  const float* from[kPanel];
  for (size_t j = 0; j < n; j += kPanel) {
    const size_t width = width_at(j, n), here = n - j < width ? n - j : width;
    for (size_t z = 0; z < here; ++z) from[z] = row_of(rows, j + z);
    float* to = packed + j * k + first * width;
    for (size_t r = 0; r < depth; ++r, to += width) {
      for (size_t z = 0; z < here; ++z) {
        HEMIOLA_LOAD(1, x, from[z] + r);
        to[z] = x;
      }
      for (size_t z = here; z < width; ++z) to[z] = 0;
    }
  }
}

template <size_t V>
HEMIOLA_INLINE void put(const Floats<kWidth>* sums, float scale, float* c, size_t n, bool add) {
  if (n >= V * kWidth) {
#pragma GCC unroll 4
    for (size_t v = 0; v < V; ++v) {
      const Floats<kWidth> x = scale * sums[v];
      store<kWidth>(c + v * kWidth, add ? load<kWidth>(c + v * kWidth) + x : x);
    }
    return;
  }
  for (size_t j = 0; j < n; ++j) {
    const float x = scale * sums[j / kWidth][j % kWidth];
    c[j] = add ? c[j] + x : x;
  }
}

struct Product {
  DenseCells a;
  size_t from, depth;  // which columns of a
  const float* panel;
  size_t n;  // columns of the panel that are wanted
  float scale;
  float* c;
  size_t ld;
  bool add;

  template <size_t R, size_t V>
  HEMIOLA_INLINE void tile(size_t i) const {
    const float* at[R];
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r) at[r] = a.base + a.row[i + r];
    Floats<kWidth> sums[R][V] = {};
    const uint32_t* column = a.column + from;
    const uint32_t* const end = column + depth;
    for (const float* b = panel; column < end; ++column, b += V * kWidth) {
      const size_t offset = *column;
      Floats<kWidth> right[V];
#pragma GCC unroll 4
      for (size_t v = 0; v < V; ++v) right[v] = load<kWidth>(b + v * kWidth);
#pragma GCC unroll 8
      for (size_t r = 0; r < R; ++r) {
        const Floats<kWidth> left = all<kWidth>(at[r][offset]);
#pragma GCC unroll 4
        for (size_t v = 0; v < V; ++v) sums[r][v] += left * right[v];
      }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r) put<V>(sums[r], scale, c + (i + r) * ld, n, add);
  }

  // Enough sums at a time to keep the units busy, few enough for the registers.
  template <size_t V>
  void rows(size_t m) const {
    constexpr size_t kRows = V > 2 || kWidth < 16 ? 6 : 8;
    size_t i = 0;
    for (; i + kRows <= m; i += kRows) tile<kRows, V>(i);
    for (; i + 4 <= m; i += 4) tile<4, V>(i);
    for (; i < m; ++i) tile<1, V>(i);
  }
};

void multiply(const DenseCells& a, size_t m, size_t k, const float* packed, size_t n, float scale,
              float* c, size_t ld, bool add) {
  for (size_t from = 0; from < k; from += kDepth) {
    const size_t depth = k - from < kDepth ? k - from : kDepth;
    for (size_t j = 0; j < n; j += kPanel) {
      const size_t width = width_at(j, n);
      const Product product{
          a, from, depth, packed + j * k + from * width, n - j, scale, c + j, ld, add || from > 0};
      switch (width / kWidth) {
        case 1:
          product.rows<1>(m);
          break;
        case 2:
          product.rows<2>(m);
          break;
        case 3:
          product.rows < kVectors<3 ? kVectors : 3>(m);
          break;
        default:
          product.rows<kVectors>(m);
      }
    }
  }
}

void normalise(const uint8_t* bytes, const float* mean, const float* scale, size_t n, float* to) {
  for (size_t i = 0; i < n; ++i) to[i] = (static_cast<float>(bytes[i]) - mean[i]) * scale[i];
}

struct BiasPart {
  float* y;
  const float* bias;
  float least;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, b, bias + i);
    store<W>(y + i, larger<W>(load<W>(y + i) + b, all<W>(least)));
  }
};

void add_bias(float* y, size_t m, size_t n, const float* bias, bool relu) {
  for (size_t i = 0; i < m; ++i) {
    BiasPart part{y + i * n, bias, relu ? 0 : -__builtin_inff()};
    sweep<kWidth>(n, 0, part);
  }
}

struct MaskPart {
  float* d;
  const float* y;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> zero{};
    store<W>(d + i, load<W>(y + i) == zero ? zero : load<W>(d + i));
  }
};

void mask(float* d, const float* y, size_t n) {
  MaskPart part{d, y};
  sweep<kWidth>(n, 0, part);
}

struct ColumnsPart {
  const float* d;
  size_t m, ld;
  float scale;
  float* to;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t j) {
    Floats<W> even{}, odd{};
    size_t i = 0;
    for (; i + 2 <= m; i += 2) {
      even += load<W>(d + i * ld + j);
      odd += load<W>(d + (i + 1) * ld + j);
    }
    if (i < m) even += load<W>(d + i * ld + j);
    store<W>(to + j, load<W>(to + j) + scale * (even + odd));
  }
};

void add_columns(const float* d, size_t m, size_t n, size_t ld, float scale, float* to) {
  ColumnsPart part{d, m, ld, scale, to};
  sweep<kWidth>(n, 0, part);
}

// Bytes from whole numbers in a register.
template <size_t W>
HEMIOLA_INLINE void store_bytes(uint8_t* to, Ints<W> x) {
  if constexpr (W == 1) {
    *to = static_cast<uint8_t>(x);
  } else {
    typedef uint8_t Bytes __attribute__((vector_size(W)));
    typedef uint8_t Place __attribute__((vector_size(W), aligned(1), may_alias));
    *reinterpret_cast<Place*>(to) = __builtin_convertvector(x, Bytes);
  }
}

template <size_t W>
HEMIOLA_INLINE Ints<W> load_bytes(const uint8_t* from) {
  if constexpr (W == 1) {
    return *from;
  } else {
    typedef uint8_t Place __attribute__((vector_size(W), aligned(1), may_alias));
    return __builtin_convertvector(*reinterpret_cast<const Place*>(from), Ints<W>);
  }
}

struct PoolPart {
  const float* top;
  const float* bottom;
  const float* bias;
  float* to;
  uint8_t* which;
  size_t n;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t j) {
    HEMIOLA_LOAD(W, b, bias + j);
    Floats<W> most = load<W>(top + j);
    Ints<W> best{};
    const auto meet = [&](const float* at, int number) {
      const Floats<W> x = load<W>(at + j);
      best = x > most ? Ints<W>{} + number : best;
      most = larger<W>(x, most);
    };
    meet(top + n, 1);
    meet(bottom, 2);
    meet(bottom + n, 3);
    const Floats<W> value = most + b, zero{};
    store<W>(to + j, larger<W>(value, zero));
    store_bytes<W>(which + j, value > zero ? best : Ints<W>{} + 4);
  }
};

void pool(const float* top, const float* bottom, size_t pixels, size_t n, const float* bias,
          float* to, uint8_t* which) {
  for (size_t p = 0; p < pixels; ++p) {
    PoolPart part{top + 2 * p * n, bottom + 2 * p * n, bias, to + p * n, which + p * n, n};
    sweep<kWidth>(n, 0, part);
  }
}

struct UnpoolPart {
  const float* d;
  const uint8_t* which;
  float* top;
  float* bottom;
  size_t n;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t j) {
    const Floats<W> x = load<W>(d + j), zero{};
    const Ints<W> best = load_bytes<W>(which + j);
    store<W>(top + j, best == Ints<W>{} + 0 ? x : zero);
    store<W>(top + n + j, best == Ints<W>{} + 1 ? x : zero);
    store<W>(bottom + j, best == Ints<W>{} + 2 ? x : zero);
    store<W>(bottom + n + j, best == Ints<W>{} + 3 ? x : zero);
  }
};

void unpool(const float* d, const uint8_t* which, size_t pixels, size_t n, float* top,
            float* bottom) {
  for (size_t p = 0; p < pixels; ++p) {
    UnpoolPart part{d + p * n, which + p * n, top + 2 * p * n, bottom + 2 * p * n, n};
    sweep<kWidth>(n, 0, part);
  }
}

template <DenseStep::Kind kKind>
struct UpdatePart {
  float* values;
  float* state;
  const float* gradient;
  DenseStep step;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, value, values + i);
    const Floats<W> g = load<W>(gradient + i) + step.l2 * value;
    if constexpr (kKind == DenseStep::Kind::sgd) {
      store<W>(values + i, value - step.rate * g);
    } else if constexpr (kKind == DenseStep::Kind::momentum) {
      HEMIOLA_LOAD(W, had, state + i);
      const Floats<W> moved = step.momentum * had + g;
      store<W>(state + i, moved);
      store<W>(values + i, value - step.rate * moved);
    } else {
      HEMIOLA_LOAD(W, had, state + i);
      const Floats<W> sum = had + g * g;
      store<W>(state + i, sum);
      store<W>(values + i, value - step.rate * g / root<W>(sum + 1e-10f));
    }
  }
};

template <DenseStep::Kind kKind>
void update_with(float* values, float* state, const float* gradient, size_t n,
                 const DenseStep& step) {
  UpdatePart<kKind> part{values, state, gradient, step};
  sweep<kWidth>(n, 0, part);
}

void update(float* values, float* state, const float* gradient, size_t n, const DenseStep& step) {
  switch (step.kind) {
    case DenseStep::Kind::sgd:
      return update_with<DenseStep::Kind::sgd>(values, state, gradient, n, step);
    case DenseStep::Kind::momentum:
      return update_with<DenseStep::Kind::momentum>(values, state, gradient, n, step);
    case DenseStep::Kind::adagrad:
      return update_with<DenseStep::Kind::adagrad>(values, state, gradient, n, step);
  }
}

}  // namespace
}  // namespace hemiola
