#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 8;  // floats in a register
}  // namespace

#include "hemiola/average/codec_simd.h"

namespace hemiola {

constinit const CodecKernels kCodecAvx2 = kernels("avx2");

}  // namespace hemiola

#endif
