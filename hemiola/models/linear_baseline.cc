namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/models/linear_simd.h"

namespace hemiola {

constinit const LinearKernels kLinearBaseline = {fetch, take, change, put};

}  // namespace hemiola
