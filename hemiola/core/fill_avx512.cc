#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 16;  // floats in a register
}  // namespace

#include "hemiola/core/fill_simd.h"

namespace hemiola {

constinit const FillKernels kFillAvx512 = kernels("avx512");

}  // namespace hemiola

#endif
