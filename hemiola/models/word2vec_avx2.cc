#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 8;  // floats in a register
}  // namespace

#include "hemiola/models/word2vec_simd.h"

namespace hemiola {

constinit const Word2VecKernels kWord2VecAvx2 = {train, gains_of, trade, dots};

}  // namespace hemiola

#endif
