// The codecs one by one; make_codec in codec.h picks among them.
#pragma once

#include "hemiola/average/codec.h"
#include "hemiola/average/codec_kernels.h"
#include "hemiola/core/vec.h"

namespace hemiola {

// REQUIRES: simd <= simd_here().
const CodecKernels& codec_kernels_for(Simd simd);

// The floats as they are.
std::unique_ptr<const Codec> none_codec(const CodecKernels& kernels);

// The upper half of each float, rounded to the nearest: 8 bits of precision.
std::unique_ptr<const Codec> bf16_codec(const CodecKernels& kernels);

// Unbiased: each value is rounded up or down at random to one of 2^bits - 1 levels between plus and
// minus the largest magnitude of its bucket. That scale is never larger than the Euclidean norm of
// the bucket, so the bounds of QSGD hold (Alistarh, Grubic, Li, Tomioka, Vojnovic: QSGD, NIPS 2017,
// theorem 3.2), and far fewer bits are spent on values that do not occur.
// REQUIRES: bits is 2, 4 or 8; bucket is a multiple of kCodecBlock.
std::unique_ptr<const Codec> quantise_codec(unsigned bits, size_t bucket,
                                            const CodecKernels& kernels);

// The signs, times the mean magnitude of each bucket of 1024. Karimireddy, Rebjock, Stich, Jaggi:
// Error Feedback Fixes SignSGD (ICML 2019).
std::unique_ptr<const Codec> sign_codec(const CodecKernels& kernels);

// The largest values, of equal ones the first; share * n of them, rounded up. Their gaps take a
// byte for each 7 bits. Stich, Cordonnier, Jaggi: Sparsified SGD with Memory (NeurIPS 2018).
// REQUIRES: 0 < share <= 1.
std::unique_ptr<const Codec> topk_codec(double share);

// Two thin factors for each matrix, by one step of a subspace iteration that goes on where the last
// message ended. Vogels, Karimireddy, Jaggi: PowerSGD (NeurIPS 2019), algorithm 1. A matrix that
// would not get smaller is sent as it is. REQUIRES: rank > 0.
std::unique_ptr<const Codec> lowrank_codec(size_t rank, std::vector<MatrixShape> shapes,
                                           const CodecKernels& kernels);

}  // namespace hemiola
