namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/average/codec_simd.h"

namespace hemiola {

constinit const CodecKernels kCodecBaseline = kernels("baseline");

}  // namespace hemiola
