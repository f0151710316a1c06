namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/core/vec_simd.h"

namespace hemiola {

constinit const VecKernels kVecBaseline = kernels("baseline");

}  // namespace hemiola
