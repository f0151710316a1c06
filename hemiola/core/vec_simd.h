// The bodies of the float kernels, for the three files that compile them with different flags.
#pragma once

#include "hemiola/core/vec_kernels.h"
#include "hemiola/core/vec_pack.h"

namespace hemiola {
namespace {

struct Copy {
  float* to;
  const float* from;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, from + i);
    HEMIOLA_STORE(W, to + i, x);
  }
};

struct Add {
  float* to;
  const float* from;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, from + i);
    HEMIOLA_LOAD(W, y, to + i);
    HEMIOLA_STORE(W, to + i, y + x);
  }
};

struct Subtract {
  float* to;
  const float* from;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, from + i);
    HEMIOLA_LOAD(W, y, to + i);
    HEMIOLA_STORE(W, to + i, y - x);
  }
};

struct Axpy {
  float* to;
  float a;
  const float* from;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, from + i);
    HEMIOLA_LOAD(W, y, to + i);
    HEMIOLA_STORE(W, to + i, y + a * x);
  }
};

struct TakeDelta {
  const float* value;
  float* base;
  float* delta;
  int any = 0;
  typename Pack<kWidth>::Bits wide{};

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, v, value + i);
    HEMIOLA_LOAD(W, b, base + i);
    const typename Pack<W>::Value d = v - b;
    HEMIOLA_STORE(W, delta + i, d);
    HEMIOLA_STORE(W, base + i, v);
    if constexpr (W == kWidth) {
      wide |= (typename Pack<W>::Bits)d;
    } else if constexpr (W > 1) {
      const auto bits = (typename Pack<W>::Bits)d;
      for (size_t j = 0; j < W; ++j) any |= bits[j];
    } else {
      any |= __builtin_bit_cast(int, d);
    }
  }
};

struct Refresh {
  float* value;
  float* base;
  const float* fresh;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, v, value + i);
    HEMIOLA_LOAD(W, b, base + i);
    HEMIOLA_LOAD(W, f, fresh + i);
    HEMIOLA_STORE(W, value + i, f + (v - b));
    HEMIOLA_STORE(W, base + i, f);
  }
};

struct AddAndScale {
  float* to;
  float* also;
  const float* x;
  const float* y;
  float by;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, x + i);
    HEMIOLA_LOAD(W, b, y + i);
    const typename Pack<W>::Value scaled = (a + b) * by;
    HEMIOLA_STORE(W, to + i, scaled);
    HEMIOLA_STORE(W, also + i, scaled);
  }
};

struct Dot {
  const float* x;
  const float* y;
  float rest = 0;
  typename Pack<kWidth>::Value sum{};
  typename Pack<8>::Value sum8{};
  typename Pack<4>::Value sum4{};

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, x + i);
    HEMIOLA_LOAD(W, b, y + i);
    if constexpr (W == kWidth)
      sum += a * b;
    else if constexpr (W == 8)
      sum8 += a * b;
    else if constexpr (W == 4)
      sum4 += a * b;
    else
      rest += a * b;
  }
};

void copy(float* to, const float* from, size_t n) {
  Copy part{to, from};
  sweep<kWidth>(n, 0, part);
}

void add(float* to, const float* from, size_t n) {
  Add part{to, from};
  sweep<kWidth>(n, 0, part);
}

void subtract(float* to, const float* from, size_t n) {
  Subtract part{to, from};
  sweep<kWidth>(n, 0, part);
}

void axpy(float* to, float a, const float* from, size_t n) {
  Axpy part{to, a, from};
  sweep<kWidth>(n, 0, part);
}

bool take_delta(const float* value, float* base, float* delta, size_t n) {
  TakeDelta part{value, base, delta};
  sweep<kWidth>(n, 0, part);
  for (size_t j = 0; j < kWidth; ++j) part.any |= part.wide[j];
  return part.any != 0;
}

void refresh(float* value, float* base, const float* fresh, size_t n) {
  Refresh part{value, base, fresh};
  sweep<kWidth>(n, 0, part);
}

void add_and_scale(float* to, float* also, const float* x, const float* y, float by, size_t n) {
  AddAndScale part{to, also, x, y, by};
  sweep<kWidth>(n, 0, part);
}

// Four chains for long rows: a chain of dependent additions would take four cycles a step.
template <size_t W>
HEMIOLA_INLINE float dot_in_chains(const float* x, const float* y, size_t n) {
  Dot parts[4] = {{x, y}, {x, y}, {x, y}, {x, y}};
  size_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W) {
    for (size_t j = 0; j < 4; ++j) parts[j].template run<W>(i + j * W);
  }
  sweep<W>(n, i, parts[0]);
  float sum =
      parts[0].rest + sum_of<W>((parts[0].sum + parts[1].sum) + (parts[2].sum + parts[3].sum));
  if constexpr (W > 8) sum += sum_of<8>(parts[0].sum8);
  if constexpr (W > 4) sum += sum_of<4>(parts[0].sum4);
  return sum;
}

float dot(const float* x, const float* y, size_t n) { return dot_in_chains<kWidth>(x, y, n); }

constexpr VecKernels kernels(const char* name) {
  return {name, copy, add, subtract, axpy, dot, take_delta, refresh, add_and_scale};
}

}  // namespace
}  // namespace hemiola
