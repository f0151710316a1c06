#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 8;  // floats in a register
}  // namespace

#include "hemiola/core/vec_simd.h"

namespace hemiola {

constinit const VecKernels kVecAvx2 = kernels("avx2");

}  // namespace hemiola

#endif
