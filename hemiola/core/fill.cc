#include "hemiola/core/fill.h"

#include <bit>
#include <cstdint>
#include <span>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// As in fill_simd.h, where the reasons and sources are; written again, since it is the oracle.
uint32_t draw(uint32_t column, uint64_t place) {
  uint32_t x = column * 0x9e3779b1u + static_cast<uint32_t>(place);
  x = (x ^ x >> 17) * 0xed5ad4bbu;
  x ^= static_cast<uint32_t>(place >> 32);
  x = (x ^ x >> 11) * 0xac4c1b51u;
  x = (x ^ x >> 15) * 0x31848babu;
  return x ^ x >> 14;
}

float horner(std::span<const float> coefficients, float x) {
  float sum = 0;
  for (const float c : coefficients) sum = sum * x + c;
  return sum;
}

float minus_log(float y) {
  constexpr float kLog[] = {0.116578061F, -0.185738401F, 0.205254436F, -0.249203363F,
                            0.333135633F, -0.500008774F, 1.00000103F};
  const int32_t bits = std::bit_cast<int32_t>(y) - 0x3f3504f3;
  const float u = std::bit_cast<float>((bits & 0x007fffff) + 0x3f3504f3) - 1;
  return static_cast<float>(bits >> 23) * -0.693147181F - u * horner(kLog, u);
}

float normal_at(float t) {
  constexpr float kMiddle[] = {5.03715779e-7F,  -4.4877881e-6F,  -6.41128474e-6F, 0.000307195459F,
                               -0.00177240301F, -0.00590574539F, 0.348802182F,    2.1233131F};
  constexpr float kTail[] = {-6.11858603e-9F, 3.61142445e-8F,  4.98719527e-7F, -1.15152506e-5F,
                             0.000219529747F, -0.00503338104F, 0.219343043F,   4.34757927F};
  const float size = t < 0 ? -t : t;
  const float w = minus_log((1 - size) * (1 + size));
  return t * (w < 5 ? horner(kMiddle, w - 2.5F) : horner(kTail, w - 10.5F));
}

void uniform(float* out, size_t n, unsigned long place, float low, float high) {
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = draw(static_cast<uint32_t>(i), place) >> 8;
    out[i] = low + (high - low) * (static_cast<float>(bits) * 0x1p-24F);
  }
}

void normal(float* out, size_t n, unsigned long place, float mean, float deviation) {
  for (size_t i = 0; i < n; ++i) {
    const auto bits = static_cast<int32_t>(draw(static_cast<uint32_t>(i), place)) >> 8;
    out[i] = mean + deviation * normal_at((static_cast<float>(bits) + 0.5F) * 0x1p-23F);
  }
}

}  // namespace

const FillKernels kFillPlain = {"plain", uniform, normal};

const FillKernels& fill_for(Simd simd) {
  HEMIOLA_CHECK(simd <= simd_here());
#if defined(__x86_64__)
  if (simd == Simd::avx512) return kFillAvx512;
  if (simd == Simd::avx2) return kFillAvx2;
#endif
  return kFillBaseline;
}

}  // namespace hemiola
