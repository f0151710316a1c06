#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 16;  // floats in a register
}  // namespace

#include "hemiola/average/codec_simd.h"

namespace hemiola {

constinit const CodecKernels kCodecAvx512 = kernels("avx512");

}  // namespace hemiola

#endif
