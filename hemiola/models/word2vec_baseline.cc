namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/models/word2vec_simd.h"

namespace hemiola {

constinit const Word2VecKernels kWord2VecBaseline = {train, gains_of, trade, dots};

}  // namespace hemiola
