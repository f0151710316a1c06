#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 16;  // floats in a register
}  // namespace

#include "hemiola/models/kge_simd_loss.h"

namespace hemiola {

constinit const KgeKernels kKgeAvx512 = kernels();

}  // namespace hemiola

#endif
