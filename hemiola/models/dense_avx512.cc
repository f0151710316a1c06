#if defined(__x86_64__)

namespace {
inline constexpr unsigned long kWidth = 16;  // floats in a register
}  // namespace

#include "hemiola/models/dense_simd.h"

namespace hemiola {

constinit const DenseKernels kDenseAvx512 = {pack, pack_transposed, multiply, normalise, add_bias,
                                             mask, add_columns,     pool,     unpool,    update};

}  // namespace hemiola

#endif
