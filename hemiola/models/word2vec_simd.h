// The bodies of the word2vec kernels, for the three files that compile them.
//
// One input row x meets all output rows y_j of its group at once. First all products x.y_j; then
// all slopes, in the lanes of a register; then one sweep over the columns gives x and each y_j its
// change, so that each row is read twice and written once.
#pragma once

#include "hemiola/core/vec_pack.h"
#include "hemiola/models/word2vec_kernels.h"

namespace hemiola {
namespace {

// Groups whose rows are on their way into the cache: far enough ahead to hide a miss to memory.
constexpr size_t kAhead = 4;
constexpr size_t kLanes = kWidth < 8 ? 4 : 8;  // slopes that are computed at once

struct Direct {
  float* base;
  size_t stride;

  explicit Direct(const RowPlaces& rows) : base(rows.base), stride(rows.stride) {}
  HEMIOLA_INLINE float* row(size_t, unsigned word) const { return base + word * stride; }
};

struct Listed {
  float* const* at;

  explicit Listed(const RowPlaces& rows) : at(rows.at) {}
  HEMIOLA_INLINE float* row(size_t place, unsigned) const { return at[place]; }
};

HEMIOLA_INLINE void fetch(const float* row, size_t dim) {
  const char* at = reinterpret_cast<const char*>(row);
  for (size_t b = 0; b < dim * sizeof(float); b += 64) __builtin_prefetch(at + b, 1);
}

// x.y_j for J rows, with sums for each width of register.
template <size_t J>
struct Products {
  const float* x;
  const float* const* y;

  template <size_t W>
  struct Sums {
    typename Pack<W>::Value of[J] = {};
  };
  Sums<kWidth> wide{};
  Sums<8> eight{};
  Sums<4> four{};
  Sums<1> one{};

  template <size_t W>
  HEMIOLA_INLINE auto& sums() {
    if constexpr (W == kWidth)
      return wide;
    else if constexpr (W == 8)
      return eight;
    else if constexpr (W == 4)
      return four;
    else
      return one;
  }

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, x + i);
    auto& s = sums<W>();
    for (size_t j = 0; j < J; ++j) {
      HEMIOLA_LOAD(W, b, y[j] + i);
      s.of[j] += a * b;
    }
  }

  HEMIOLA_INLINE void fold(float* products) {
    for (size_t j = 0; j < J; ++j) {
      if constexpr (kWidth == 16) {
        eight.of[j] +=
            __builtin_shufflevector(wide.of[j], wide.of[j], 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(wide.of[j], wide.of[j], 8, 9, 10, 11, 12, 13, 14, 15);
      }
      if constexpr (kWidth >= 8) {
        const auto& v = sums<8>().of[j];
        four.of[j] +=
            __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
      }
      products[j] = one.of[j] + sum_of<4>(sums<4>().of[j]);
    }
  }
};

template <size_t J>
HEMIOLA_INLINE void products_of(const float* x, const float* const* y, size_t dim, float* out) {
  Products<J> products{x, y};
  sweep<kWidth>(dim, 0, products);
  products.fold(out);
}

// J: the number of rows when it is known at compile time, else 0.
template <size_t J>
HEMIOLA_INLINE void all_products(const float* x, const float* const* y, size_t n, size_t dim,
                                 float* out) {
  if constexpr (J > 0) {
    products_of<J>(x, y, dim, out);
  } else {
    size_t j = 0;
    for (; j + 4 <= n; j += 4) products_of<4>(x, y + j, dim, out + j);
    for (; j < n; ++j) products_of<1>(x, y + j, dim, out + j);
  }
}

typedef Pack<kLanes>::Value Lanes;
typedef Pack<kLanes>::Bits LaneBits;

// e^x for x <= 0, to 2 units in the last place; below 2^-126 it gives that. 2^n comes from the bits
// of n, 2^f for |f| <= 1/2 from its power series.
HEMIOLA_INLINE Lanes exp_of(Lanes x) {
  constexpr float kRounds = 12582912;  // 1.5 * 2^23: floats of this size have no fraction
  Lanes t = x * 1.44269504088896f;
  t = t < -126.0f ? Lanes{} - 126.0f : t;
  const Lanes shifted = t + kRounds;
  const Lanes f = (t - (shifted - kRounds)) * 0.693147180559945f;
  Lanes p = f * (1 / 720.0f) + 1 / 120.0f;
  p = p * f + 1 / 24.0f;
  p = p * f + 1 / 6.0f;
  p = p * f + 0.5f;
  p = p * f + 1.0f;
  p = p * f + 1.0f;
  const LaneBits n = (LaneBits)shifted - (LaneBits)(Lanes{} + kRounds);
  return (Lanes)((LaneBits)p + (n << 23));
}

// ln(1 + e) for 0 <= e <= 1: 2 artanh(s) with s = e / (2 + e), whose square is at most 1/9.
HEMIOLA_INLINE Lanes log1p_of(Lanes e) {
  const Lanes s = e / (e + 2.0f);
  const Lanes q = s * s;
  Lanes p = q * (1 / 11.0f) + 1 / 9.0f;
  p = p * q + 1 / 7.0f;
  p = p * q + 1 / 5.0f;
  p = p * q + 1 / 3.0f;
  p = p * q + 1.0f;
  return 2.0f * s * p;
}

// From z_j = x.y_j: gains[j], for whole registers of lanes. Adds the lanes' losses to `loss`.
HEMIOLA_INLINE void slopes(const float* z, const unsigned* outputs, size_t n, float rate,
                           float* gains, Lanes& loss) {
  for (size_t j = 0; j < n; j += kLanes) {
    LaneBits which{};
    for (size_t i = 0; i < kLanes; ++i) {
      which[i] = j + i < n && (j + i == 0 || outputs[j + i] != outputs[0]) ? -1 : 0;
    }
    Lanes sign = Lanes{} - 1.0f;
    if (j == 0) sign[0] = 1;
    const Lanes v = sign * *reinterpret_cast<const Pack<kLanes>::Place*>(z + j);
    const Lanes zero{};
    const Lanes falling = v < zero ? v : -v;
    const Lanes e = exp_of(falling);
    const Lanes r = 1.0f / (1.0f + e);
    const Lanes gain = rate * sign * (v < zero ? r : e * r);
    const Lanes lost = log1p_of(e) - (v < zero ? v : zero);
    *reinterpret_cast<Pack<kLanes>::Place*>(gains + j) = (Lanes)((LaneBits)gain & which);
    loss += (Lanes)((LaneBits)lost & which);
  }
}

// y_j += gain_j x and x += sum of gain_j y_j, row after row.
template <size_t J>
struct Change {
  float* x;
  float* const* y;
  const float* gains;
  size_t n;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const size_t rows = J > 0 ? J : n;
    HEMIOLA_LOAD(W, a, x + i);
    typename Pack<W>::Value sum = a;
    for (size_t j = 0; j < rows; ++j) {
      HEMIOLA_LOAD(W, b, y[j] + i);
      sum += gains[j] * b;
      HEMIOLA_STORE(W, y[j] + i, b + gains[j] * a);
    }
    HEMIOLA_STORE(W, x + i, sum);
  }
};

template <size_t J, class Rows>
HEMIOLA_INLINE void fetch_group(const Word2VecGroups& groups, size_t g, const Rows& output,
                                size_t dim) {
  const size_t width = J > 0 ? J : groups.width;
  const unsigned* outputs = groups.outputs + g * width;
  for (size_t j = 0; j < width; ++j) fetch(output.row(g * width + j, outputs[j]), dim);
}

// K: the columns, J: the output rows of a group, when they are known at compile time, else 0.
template <size_t K, size_t J, class Rows>
double train_all(const Word2VecGroups& groups, Rows input, Rows output, const Word2VecStep& step) {
  const size_t dim = K > 0 ? K : step.dim;
  const size_t width = J > 0 ? J : groups.width;
  const float rate = step.rate;
  constexpr size_t kRoom = J > 0 ? (J + kLanes - 1) / kLanes * kLanes : kWord2VecWidest;
  float* y[kRoom];
  float z[kRoom] = {}, gains[kRoom];
  size_t pair = 0;
  Lanes loss{};
  double sum = 0;
  for (size_t g = 0; g < groups.size; ++g) {
    if (g + kAhead < groups.size) fetch_group<J>(groups, g + kAhead, output, dim);
    const unsigned* outputs = groups.outputs + g * width;
    for (size_t j = 0; j < width; ++j) y[j] = output.row(g * width + j, outputs[j]);
    const size_t count = groups.counts ? groups.counts[g] : 1;
    for (size_t i = 0; i < count; ++i, ++pair) {
      float* x = input.row(pair, groups.inputs[pair]);
      all_products<J>(x, y, width, dim, z);
      slopes(z, outputs, width, rate, gains, loss);
      Change<J> change{x, y, gains, width};
      sweep<kWidth>(dim, 0, change);
    }
    if (g % 256 == 255) {  // floats lose what is small beside their sum
      sum += sum_of<kLanes>(loss);
      loss = Lanes{};
    }
  }
  return sum + sum_of<kLanes>(loss);
}

template <size_t K, class Rows>
double train_wide(const Word2VecGroups& groups, Rows input, Rows output, const Word2VecStep& step) {
  if (groups.width == 6) return train_all<K, 6>(groups, input, output, step);
  return train_all<K, 0>(groups, input, output, step);
}

template <class Rows>
double train_with(const Word2VecGroups& groups, Rows input, Rows output, const Word2VecStep& step) {
  switch (step.dim) {
    case 100:
      return train_wide<100>(groups, input, output, step);
    case 128:
      return train_wide<128>(groups, input, output, step);
    case 200:
      return train_wide<200>(groups, input, output, step);
    default:
      return train_wide<0>(groups, input, output, step);
  }
}

double train(const Word2VecGroups& groups, const RowPlaces& input, const RowPlaces& output,
             const Word2VecStep& step) {
  return input.at ? train_with(groups, Listed(input), Listed(output), step)
                  : train_with(groups, Direct(input), Direct(output), step);
}

double gains_of(const float* x, const float* const* rows, const unsigned* outputs, size_t width,
                const Word2VecStep& step, float* gains) {
  float z[kWord2VecWidest] = {}, padded[kWord2VecWidest];
  Lanes loss{};
  if (width == 6) {
    all_products<6>(x, rows, width, step.dim, z);
  } else {
    all_products<0>(x, rows, width, step.dim, z);
  }
  slopes(z, outputs, width, step.rate, padded, loss);
  for (size_t j = 0; j < width; ++j) gains[j] = padded[j];
  return sum_of<kLanes>(loss);
}

struct Trade {
  float* y;
  const float* x;
  float* change;
  float gain;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, x + i);
    HEMIOLA_LOAD(W, b, y + i);
    HEMIOLA_LOAD(W, c, change + i);
    HEMIOLA_STORE(W, change + i, c + gain * b);
    HEMIOLA_STORE(W, y + i, b + gain * a);
  }
};

void trade(float* y, const float* x, float* change, float gain, size_t dim) {
  Trade part{y, x, change, gain};
  sweep<kWidth>(dim, 0, part);
}

void dots(const float* x, const float* ys, size_t stride, size_t n, size_t dim, float* products) {
  constexpr size_t kRows = 8;
  const float* y[kRows];
  size_t j = 0;
  for (; j + kRows <= n; j += kRows) {
    for (size_t i = 0; i < kRows; ++i) y[i] = ys + (j + i) * stride;
    products_of<kRows>(x, y, dim, products + j);
  }
  for (; j < n; ++j) {
    y[0] = ys + j * stride;
    products_of<1>(x, y, dim, products + j);
  }
}

}  // namespace
}  // namespace hemiola
