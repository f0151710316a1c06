#include "hemiola/core/vec.h"

#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

void copy(float* to, const float* from, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] = from[i];
}

void add(float* to, const float* from, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] += from[i];
}

void subtract(float* to, const float* from, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] -= from[i];
}

void axpy(float* to, float a, const float* from, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] += a * from[i];
}

float dot(const float* x, const float* y, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * y[i];
  return static_cast<float>(sum);
}

bool take_delta(const float* value, float* base, float* delta, size_t n) {
  bool any = false;
  for (size_t i = 0; i < n; ++i) {
    const float v = value[i];
    delta[i] = v - base[i];
    base[i] = v;
    uint32_t bits;
    std::memcpy(&bits, &delta[i], sizeof(bits));
    any = any || bits != 0;
  }
  return any;
}

void refresh(float* value, float* base, const float* fresh, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const float unsent = value[i] - base[i];
    base[i] = fresh[i];
    value[i] = fresh[i] + unsent;
  }
}

void add_and_scale(float* to, float* also, const float* x, const float* y, float by, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] = also[i] = (x[i] + y[i]) * by;
}

}  // namespace

const VecKernels kVecPlain = {"plain", copy,       add,     subtract,     axpy,
                              dot,     take_delta, refresh, add_and_scale};

Simd simd_here() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    return Simd::avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Simd::avx2;
#endif
  return Simd::baseline;
}

const VecKernels& vec_for(Simd simd) {
  HEMIOLA_CHECK(simd <= simd_here());
#if defined(__x86_64__)
  if (simd == Simd::avx512) return kVecAvx512;
  if (simd == Simd::avx2) return kVecAvx2;
#endif
  return kVecBaseline;
}

}  // namespace hemiola
