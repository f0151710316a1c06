namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/models/kge_simd_loss.h"

namespace hemiola {

constinit const KgeKernels kKgeBaseline = kernels();

}  // namespace hemiola
