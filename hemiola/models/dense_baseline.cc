namespace {
inline constexpr unsigned long kWidth = 4;  // floats in a register
}  // namespace

#include "hemiola/models/dense_simd.h"

namespace hemiola {

constinit const DenseKernels kDenseBaseline = {pack, pack_transposed, multiply, normalise, add_bias,
                                               mask, add_columns,     pool,     unpool,    update};

}  // namespace hemiola
