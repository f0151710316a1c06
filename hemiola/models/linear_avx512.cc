#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 16;  // floats in a register
}  // namespace

#include "hemiola/models/linear_simd.h"

namespace hemiola {

constinit const LinearKernels kLinearAvx512 = {fetch, take, change, put};

}  // namespace hemiola

#endif
