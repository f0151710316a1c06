namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/core/fill_simd.h"

namespace hemiola {

constinit const FillKernels kFillBaseline = kernels("baseline");

}  // namespace hemiola
