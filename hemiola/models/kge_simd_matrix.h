// The bodies of the knowledge-graph kernels over many questions and many answers.
//
// Matrix products in the manner of Goto, van de Geijn: Anatomy of High-Performance Matrix
// Multiplication (2008): one factor packed into panels, and tiles of the result in registers.
#pragma once

#include "hemiola/models/kge_kernels.h"
#include "hemiola/models/simd_math.h"

namespace hemiola {
namespace {

constexpr size_t kPanel = 2 * kWidth;
constexpr size_t kTileRows = kWidth == 16 ? 12 : 6;  // of products: fills the registers
constexpr size_t kDistanceRows = kWidth == 16 ? 6 : 3;
constexpr size_t kDepth = 1024;  // rows of a panel that stay in the cache of a core

HEMIOLA_INLINE const float* row_of(const RowPlaces& rows, size_t i) {
  return rows.at ? rows.at[i] : rows.base + i * rows.stride;
}

HEMIOLA_INLINE void fetch(const float* row, size_t n) {
  const char* at = reinterpret_cast<const char*>(row);
  for (size_t b = 0; b < n * sizeof(float); b += 64) __builtin_prefetch(at + b, 0, 2);
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

void pack_columns(const RowPlaces& rows, size_t n, size_t k, float* packed) {
  for (size_t first = 0; first < n; first += kPanel, packed += k * kPanel) {
    const size_t here = n - first < kPanel ? n - first : kPanel;
    for (size_t j = first + kPanel; j < first + 2 * kPanel && j < n; ++j) fetch(row_of(rows, j), k);
    for (size_t j = 0; j < here; ++j) {
      const float* row = row_of(rows, first + j);
      for (size_t r = 0; r < k; ++r) {
        HEMIOLA_LOAD(1, x, row + r);
        packed[r * kPanel + j] = x;
      }
    }
    for (size_t j = here; j < kPanel; ++j) {
      for (size_t r = 0; r < k; ++r) packed[r * kPanel + j] = 0;
    }
  }
}

void pack_rows(const RowPlaces& rows, size_t k, size_t n, float* packed) {
  for (size_t r = 0; r < k; ++r) {
    const float* row = row_of(rows, r);
    if (r + 4 < k) fetch(row_of(rows, r + 4), n);
    float* to = packed + r * kPanel;
    for (size_t j = 0; j < n; j += kPanel, to += k * kPanel) {
      const size_t here = n - j < kPanel ? n - j : kPanel;
      CopyPart part{to, row + j};
      sweep<kWidth>(here, 0, part);
      for (size_t z = here; z < kPanel; ++z) to[z] = 0;
    }
  }
}

template <size_t R>
HEMIOLA_INLINE void multiply_tile(const float* a, size_t row_step, size_t k_step, size_t k,
                                  const float* b, float* c, size_t ld, bool add) {
  Floats<kWidth> left[R] = {}, right[R] = {};
  for (size_t r = 0; r < k; ++r, a += k_step, b += kPanel) {
    const Floats<kWidth> b0 = load<kWidth>(b), b1 = load<kWidth>(b + kWidth);
#pragma GCC unroll 16
    for (size_t i = 0; i < R; ++i) {
      const float x = a[i * row_step];
      left[i] += x * b0;
      right[i] += x * b1;
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < R; ++i, c += ld) {
    store<kWidth>(c, add ? load<kWidth>(c) + left[i] : left[i]);
    store<kWidth>(c + kWidth, add ? load<kWidth>(c + kWidth) + right[i] : right[i]);
  }
}

// Calls tile.template run<R>(i) for tiles of R rows that cover m.
template <size_t R, class Tile>
HEMIOLA_INLINE void in_tiles(size_t m, Tile tile) {
  size_t i = 0;
  for (; i + R <= m; i += R) tile.template run<R>(i);
  if constexpr (R > 4) {
    for (; i + 4 <= m; i += 4) tile.template run<4>(i);
  }
  for (; i < m; ++i) tile.template run<1>(i);
}

struct MultiplyTile {
  const float* a;
  size_t row_step, k_step, k;
  const float* b;
  float* c;
  size_t ld;
  bool add;

  template <size_t R>
  HEMIOLA_INLINE void run(size_t i) const {
    multiply_tile<R>(a + i * row_step, row_step, k_step, k, b, c + i * ld, ld, add);
  }
};

void multiply(const float* a, size_t row_step, size_t k_step, size_t m, size_t k,
              const float* packed, size_t n, float* c, size_t ld, bool add) {
  for (size_t from = 0; from < k; from += kDepth) {
    const size_t depth = k - from < kDepth ? k - from : kDepth;
    const float* b = packed + from * kPanel;
    for (size_t j = 0; j < n; j += kPanel, b += k * kPanel) {
      in_tiles<kTileRows>(m, MultiplyTile{a + from * k_step, row_step, k_step, depth, b, c + j, ld,
                                          add || from > 0});
    }
  }
}

// Sums over k of |q - e|, for R questions and a panel of answers.
struct L1Tile {
  const float* q;
  size_t ld_q, k;
  const float* panel;
  float* scores;
  size_t ld;

  template <size_t R>
  HEMIOLA_INLINE void run(size_t first) const {
    Floats<kWidth> left[R] = {}, right[R] = {};
    const float *at = q + first * ld_q, *e = panel;
    for (size_t r = 0; r < k; ++r, ++at, e += kPanel) {
      const Floats<kWidth> e0 = load<kWidth>(e), e1 = load<kWidth>(e + kWidth);
#pragma GCC unroll 8
      for (size_t i = 0; i < R; ++i) {
        const float x = at[i * ld_q];
        left[i] += magnitude<kWidth>(x - e0);
        right[i] += magnitude<kWidth>(x - e1);
      }
    }
    for (size_t i = 0; i < R; ++i) {
      store<kWidth>(scores + (first + i) * ld, -left[i]);
      store<kWidth>(scores + (first + i) * ld + kWidth, -right[i]);
    }
  }
};

struct ModuliTile {
  const float* q;
  size_t ld_q, k;
  const float* panel;
  float* scores;
  size_t ld;

  static HEMIOLA_INLINE Floats<kWidth> apart(float re, float im, const float* e_re,
                                             const float* e_im) {
    const Floats<kWidth> x = re - load<kWidth>(e_re), y = im - load<kWidth>(e_im);
    return root<kWidth>(x * x + y * y);
  }

  template <size_t R>
  HEMIOLA_INLINE void run(size_t first) const {
    const size_t half = k / 2;
    Floats<kWidth> left[R] = {}, right[R] = {};
    const float *at = q + first * ld_q, *e = panel, *f = panel + half * kPanel;
    for (size_t r = 0; r < half; ++r, ++at, e += kPanel, f += kPanel) {
#pragma GCC unroll 8
      for (size_t i = 0; i < R; ++i) {
        const float re = at[i * ld_q], im = at[i * ld_q + half];
        left[i] += apart(re, im, e, f);
        right[i] += apart(re, im, e + kWidth, f + kWidth);
      }
    }
    for (size_t i = 0; i < R; ++i) {
      store<kWidth>(scores + (first + i) * ld, -left[i]);
      store<kWidth>(scores + (first + i) * ld + kWidth, -right[i]);
    }
  }
};

void distances(KgeMatch match, const float* q, size_t ld_q, size_t m, size_t k, const float* packed,
               size_t n, float* scores, size_t ld) {
  for (size_t j = 0; j < n; j += kPanel, packed += k * kPanel) {
    if (match == KgeMatch::moduli) {
      in_tiles<kDistanceRows>(m, ModuliTile{q, ld_q, k, packed, scores + j, ld});
    } else {
      in_tiles<kDistanceRows>(m, L1Tile{q, ld_q, k, packed, scores + j, ld});
    }
  }
}

// The gradients of R questions and n answers, for columns i .. i + W - 1.
template <size_t R, bool kModuli>
struct DistanceGradients {
  const float* q;
  size_t ld_q, half;
  const float* e;
  size_t ld_e, n;
  const float* w;
  size_t ld_w;
  float* dq;
  float* de;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t c) {
    constexpr size_t kParts = kModuli ? 2 : 1;
    Floats<W> at[R][kParts], to_q[R][kParts] = {};
    for (size_t i = 0; i < R; ++i) {
      for (size_t p = 0; p < kParts; ++p) at[i][p] = load<W>(q + i * ld_q + p * half + c);
    }
    for (size_t j = 0; j < n; ++j) {
      const float* answer = e + j * ld_e + c;
      float* change = de + j * ld_e + c;
      Floats<W> to_e[kParts] = {};
#pragma GCC unroll 8
      for (size_t i = 0; i < R; ++i) add_pair<W>(at[i], answer, w[i * ld_w + j], to_q[i], to_e);
      for (size_t p = 0; p < kParts; ++p) {
        store<W>(change + p * half, load<W>(change + p * half) + to_e[p]);
      }
    }
    for (size_t i = 0; i < R; ++i) {
      for (size_t p = 0; p < kParts; ++p) {
        float* to = dq + i * ld_q + p * half + c;
        store<W>(to, load<W>(to) + to_q[i][p]);
      }
    }
  }

  template <size_t W>
  HEMIOLA_INLINE void add_pair(const Floats<W>* at, const float* answer, float weight,
                               Floats<W>* to_q, Floats<W>* to_e) const {
    if constexpr (kModuli) {
      const Floats<W> x = at[0] - load<W>(answer), y = at[1] - load<W>(answer + half);
      const Floats<W> by = weight * rough_inverse_root<W>(x * x + y * y + 1e-30f);
      to_q[0] -= by * x;
      to_q[1] -= by * y;
      to_e[0] += by * x;
      to_e[1] += by * y;
    } else {
      const Floats<W> x = at[0] - load<W>(answer), zero{};
      const Floats<W> by = x > zero ? all<W>(weight) : (x < zero ? all<W>(-weight) : zero);
      to_q[0] -= by;
      to_e[0] += by;
    }
  }
};

template <bool kModuli>
HEMIOLA_INLINE void gradients_of(const float* q, size_t ld_q, size_t m, size_t k, const float* e,
                                 size_t ld_e, size_t n, const float* w, size_t ld_w, float* dq,
                                 float* de) {
  const size_t columns = kModuli ? k / 2 : k;
  size_t i = 0;
  for (; i + 4 <= m; i += 4) {
    DistanceGradients<4, kModuli> part{q + i * ld_q, ld_q, columns,       e, ld_e, n,
                                       w + i * ld_w, ld_w, dq + i * ld_q, de};
    sweep<kWidth>(columns, 0, part);
  }
  for (; i < m; ++i) {
    DistanceGradients<1, kModuli> part{q + i * ld_q, ld_q, columns,       e, ld_e, n,
                                       w + i * ld_w, ld_w, dq + i * ld_q, de};
    sweep<kWidth>(columns, 0, part);
  }
}

void distance_gradients(KgeMatch match, const float* q, size_t ld_q, size_t m, size_t k,
                        const float* e, size_t ld_e, size_t n, const float* w, size_t ld_w,
                        float* dq, float* de) {
  if (match == KgeMatch::moduli) {
    gradients_of<true>(q, ld_q, m, k, e, ld_e, n, w, ld_w, dq, de);
  } else {
    gradients_of<false>(q, ld_q, m, k, e, ld_e, n, w, ld_w, dq, de);
  }
}

}  // namespace
}  // namespace hemiola
