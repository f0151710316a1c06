#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 8;  // floats in a register
}  // namespace

#include "hemiola/core/fill_simd.h"

namespace hemiola {

constinit const FillKernels kFillAvx2 = kernels("avx2");

}  // namespace hemiola

#endif
