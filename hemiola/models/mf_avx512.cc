#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 16;  // floats in a register
}  // namespace

#include "hemiola/models/mf_simd.h"

namespace hemiola {

constinit const MfKernels kMfAvx512 = {train, squared_error};

}  // namespace hemiola

#endif
