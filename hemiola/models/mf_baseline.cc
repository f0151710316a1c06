namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/models/mf_simd.h"

namespace hemiola {

constinit const MfKernels kMfBaseline = {train, squared_error};

}  // namespace hemiola
