// Functions of registers full of floats, for kernels that are compiled once per instruction set.
// Polynomials are Taylor's on a range that is small enough for the last bits of a float.
#pragma once

#include "hemiola/core/vec_pack.h"

namespace hemiola {
namespace {

template <size_t W>
using Floats = typename Pack<W>::Value;
template <size_t W>
using Ints = typename Pack<W>::Bits;

template <size_t W>
HEMIOLA_INLINE Floats<W> load(const float* from) {
  return *reinterpret_cast<const typename Pack<W>::Place*>(from);
}

template <size_t W>
HEMIOLA_INLINE void store(float* to, Floats<W> value) {
  *reinterpret_cast<typename Pack<W>::Place*>(to) = value;
}

template <size_t W>
HEMIOLA_INLINE Floats<W> all(float x) {
  return Floats<W>{} + x;
}

template <size_t W>
HEMIOLA_INLINE Floats<W> larger(Floats<W> a, Floats<W> b) {
  return a > b ? a : b;
}

template <size_t W>
HEMIOLA_INLINE Floats<W> magnitude(Floats<W> x) {
  return __builtin_bit_cast(Floats<W>, __builtin_bit_cast(Ints<W>, x) & 0x7fffffff);
}

template <size_t W>
HEMIOLA_INLINE float largest_of(Floats<W> v) {
  if constexpr (W == 1) {
    return v;
  } else {
    float most = v[0];
    for (size_t j = 1; j < W; ++j) most = v[j] > most ? v[j] : most;
    return most;
  }
}

// 1 / sqrt(x), x > 0, to 11 or 14 bits, or better.
template <size_t W>
HEMIOLA_INLINE Floats<W> rough_inverse_root(Floats<W> x) {
#if defined(__AVX512F__)
  if constexpr (W == 16) {
    const Floats<W> none{};
    return __builtin_ia32_rsqrt14ps512_mask(x, none, static_cast<unsigned short>(-1));
  }
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) return __builtin_ia32_rsqrtps256(x);
#endif
#if defined(__SSE2__)
  if constexpr (W == 4) return __builtin_ia32_rsqrtps(x);
#endif
  if constexpr (W == 1) {
    return 1 / __builtin_sqrtf(x);
  } else {
    Floats<W> y{};
    for (size_t j = 0; j < W; ++j) y[j] = 1 / __builtin_sqrtf(x[j]);
    return y;
  }
}

// The same with a step of Newton's: 22 bits or better.
template <size_t W>
HEMIOLA_INLINE Floats<W> inverse_root(Floats<W> x) {
  const Floats<W> y = rough_inverse_root<W>(x);
  if constexpr (W == 1) return y;
  return y * (1.5f - 0.5f * x * y * y);
}

// sqrt(x), x >= 0.
template <size_t W>
HEMIOLA_INLINE Floats<W> root(Floats<W> x) {
  return x * inverse_root<W>(x + 1e-30f);
}

// e^x for x <= 88; 0 below -87, so that nothing is denormal.
template <size_t W>
HEMIOLA_INLINE Floats<W> power(Floats<W> x) {
  constexpr float kShift = 12582912.f;  // adding it rounds to whole numbers, in the low bits
  const auto tiny = x < -87.0f;
  const Floats<W> zero{};
  x = tiny ? zero : x;
  const Floats<W> shifted = x * 1.44269504f + kShift;
  const Floats<W> whole = shifted - kShift;
  const Floats<W> r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
  Floats<W> sum = r * (1.f / 720) + 1.f / 120;
  sum = sum * r + 1.f / 24;
  sum = sum * r + 1.f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.f;
  sum = sum * r + 1.f;
  const Ints<W> exponent =
      (__builtin_bit_cast(Ints<W>, shifted) - __builtin_bit_cast(int, kShift) + 127) << 23;
  return tiny ? zero : sum * __builtin_bit_cast(Floats<W>, exponent);
}

// log(1 + exp(x)), and its derivative 1 / (1 + exp(-x)).
template <size_t W>
struct Softplus {
  Floats<W> value, slope;

  HEMIOLA_INLINE explicit Softplus(Floats<W> x) {
    const Floats<W> e = power<W>(-magnitude<W>(x));
    const Floats<W> zero{};
    const Floats<W> over = 1.f / (1.f + e);
    slope = x < zero ? e * over : over;
    const Floats<W> z = e / (2.f + e), s = z * z;  // log(1 + e) = 2 artanh(z), z <= 1/3
    Floats<W> sum = s * (1.f / 11) + 1.f / 9;
    sum = sum * s + 1.f / 7;
    sum = sum * s + 1.f / 5;
    sum = sum * s + 1.f / 3;
    sum = sum * s + 1.f;
    value = 2.f * z * sum + larger<W>(x, zero);
  }
};

template <size_t W>
struct CosSin {
  Floats<W> cos, sin;

  // Accurate for a few thousand turns.
  HEMIOLA_INLINE explicit CosSin(Floats<W> x) {
    constexpr float kShift = 12582912.f;
    const Floats<W> shifted = x * 0.636619772f + kShift;
    const Ints<W> quarter = __builtin_bit_cast(Ints<W>, shifted);
    const Floats<W> whole = shifted - kShift;
    const Floats<W> r = x - whole * 1.5703125f - whole * 4.83751297e-4f - whole * 7.549790126e-8f;
    const Floats<W> s = r * r;
    Floats<W> c = s * (1.f / 40320) - 1.f / 720;
    c = c * s + 1.f / 24;
    c = c * s - 0.5f;
    c = c * s + 1.f;
    Floats<W> d = s * (1.f / 362880) - 1.f / 5040;
    d = d * s + 1.f / 120;
    d = d * s - 1.f / 6;
    d = (d * s + 1.f) * r;
    const Ints<W> none{};
    const auto odd = (quarter & 1) != none;
    const auto flip = [](Floats<W> v, Ints<W> sign) {
      return __builtin_bit_cast(Floats<W>, __builtin_bit_cast(Ints<W>, v) ^ (sign << 31));
    };
    sin = flip(odd ? c : d, (quarter >> 1) & 1);
    cos = flip(odd ? d : c, ((quarter + 1) >> 1) & 1);
  }
};

}  // namespace
}  // namespace hemiola
