// The bodies of the kernels of chance, for the files that compile them. These must not fuse
// products into sums (-ffp-contract=off), else the sets would differ in the last bit.
#pragma once

#include "hemiola/core/fill_kernels.h"
#include "hemiola/core/vec_pack.h"

namespace hemiola {
namespace {

constexpr size_t W = kWidth;

using F = Pack<W>::Value;
using I = Pack<W>::Bits;
typedef unsigned U __attribute__((vector_size(W * 4)));

HEMIOLA_INLINE U columns() {
  U u{};
  for (unsigned j = 0; j < W; ++j) u[j] = j;
  return u;
}

// 32 random bits for each column (the finaliser "triple32" by C. Wellons, with the second half of
// the place between its rounds).
HEMIOLA_INLINE U draw(U column, unsigned long place) {
  U x = column * 0x9e3779b1u + static_cast<unsigned>(place);
  x ^= x >> 17;
  x *= 0xed5ad4bbu;
  x ^= static_cast<unsigned>(place >> 32);
  x ^= x >> 11;
  x *= 0xac4c1b51u;
  x ^= x >> 15;
  x *= 0x31848babu;
  return x ^ (x >> 14);
}

template <size_t N>
HEMIOLA_INLINE F polynomial(const float (&coefficients)[N], F x) {
  F sum = F{} + coefficients[0];
  for (size_t i = 1; i < N; ++i) sum = sum * x + coefficients[i];
  return sum;
}

// -log(y) for y in (0, 1], to about 2e-6: y = 2^e * (1 + u) with 1 + u between sqrt(1/2) and
// sqrt(2); the polynomial is log(1 + u) / u.
HEMIOLA_INLINE F minus_log(F y) {
  constexpr float kLog[] = {0.116578061F, -0.185738401F, 0.205254436F, -0.249203363F,
                            0.333135633F, -0.500008774F, 1.00000103F};
  const I bits = (I)y - 0x3f3504f3;  // sqrt(1/2)
  const I exponent = bits >> 23;
  const F u = (F)((bits & 0x007fffff) + 0x3f3504f3) - 1.0F;
  return __builtin_convertvector(exponent, F) * -0.693147181F - u * polynomial(kLog, u);
}

// The inverse of the normal distribution function at (1 + t) / 2, to 1e-5 of its value, by
// w = -log(1 - t^2) as in M. Giles, "Approximating the erfinv function" (GPU Computing Gems 2,
// 2011). The polynomials are Chebyshev fits of sqrt(2) erfinv(t) / t, to w - 2.5 up to 5 and to
// w - 10.5 above.
HEMIOLA_INLINE F normal_at(F t) {
  constexpr float kMiddle[] = {5.03715779e-7F,  -4.4877881e-6F,  -6.41128474e-6F, 0.000307195459F,
                               -0.00177240301F, -0.00590574539F, 0.348802182F,    2.1233131F};
  constexpr float kTail[] = {-6.11858603e-9F, 3.61142445e-8F,  4.98719527e-7F, -1.15152506e-5F,
                             0.000219529747F, -0.00503338104F, 0.219343043F,   4.34757927F};
  const F size = (F)((I)t & 0x7fffffff);
  const F w = minus_log((1.0F - size) * (1.0F + size));
  return t * (w < 5.0F ? polynomial(kMiddle, w - 2.5F) : polynomial(kTail, w - 10.5F));
}

struct Uniform {
  float low, span;
  HEMIOLA_INLINE F operator()(U bits) const {
    return low + span * (__builtin_convertvector((I)(bits >> 8), F) * 0x1p-24F);
  }
};

struct Normal {
  float mean, deviation;
  HEMIOLA_INLINE F operator()(U bits) const {
    const F t = (__builtin_convertvector((I)bits >> 8, F) + 0.5F) * 0x1p-23F;
    return mean + deviation * normal_at(t);
  }
};

template <class Value>
HEMIOLA_INLINE void fill(float* out, size_t n, unsigned long place, const Value& value) {
  U column = columns();
  for (; n >= W; n -= W, out += W, column += static_cast<unsigned>(W)) {
    *reinterpret_cast<Pack<W>::Place*>(out) = value(draw(column, place));
  }
  if (n == 0) return;
  const F last = value(draw(column, place));
  for (size_t j = 0; j < n; ++j) out[j] = last[j];
}

void uniform(float* out, size_t n, unsigned long place, float low, float high) {
  fill(out, n, place, Uniform{low, high - low});
}

void normal(float* out, size_t n, unsigned long place, float mean, float deviation) {
  fill(out, n, place, Normal{mean, deviation});
}

constexpr FillKernels kernels(const char* name) { return {name, uniform, normal}; }

}  // namespace
}  // namespace hemiola
