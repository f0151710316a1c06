// The arithmetic of dense nets, compiled once for each instruction set. kDensePlain is the oracle.
//
// Matrix products take their left factor wherever its values lie and their right factor packed, so
// a convolution is a product over the image itself: its patches are never written out.
// Includes nothing that defines inline functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hemiola/models/row_places.h"

namespace hemiola {

// Value (i, j) is base[row[i] + column[j]].
struct DenseCells {
  const float* base = nullptr;
  const uint32_t* row = nullptr;
  const uint32_t* column = nullptr;
};

// A gradient times `scale` changes n values; `state` is beside them in the row.
struct DenseStep {
  enum class Kind : uint8_t { sgd, momentum, adagrad };

  Kind kind = Kind::sgd;
  float rate = 0;
  float momentum = 0;
  float l2 = 0;  // of the values, added to their gradient
};

// The greatest number of columns that a packed matrix is rounded up to.
constexpr size_t kDenseWidest = 16;

struct DenseKernels {
  // Packs rows 0 .. k-1, of n columns, as the right factor of a product. `packed` holds k times n
  // rounded up to kDenseWidest, and is aligned to 64 bytes.
  void (*pack)(const RowPlaces& rows, size_t k, size_t n, float* packed);

  // Packs the transpose of rows 0 .. n-1, columns 0 .. depth-1: row first + i of the right factor,
  // which has k rows in all, is column i.
  void (*pack_transposed)(const RowPlaces& rows, size_t n, size_t depth, size_t first, size_t k,
                          float* packed);

  // c = scale * a times b, or with `add` c += it; a is m x k, b k x n as packed, row i of c is at
  // c + i * ld.
  void (*multiply)(const DenseCells& a, size_t m, size_t k, const float* packed, size_t n,
                   float scale, float* c, size_t ld, bool add);

  // to[i] = (bytes[i] - mean[i]) * scale[i].
  void (*normalise)(const uint8_t* bytes, const float* mean, const float* scale, size_t n,
                    float* to);

  // y[i][j] += bias[j], for m rows of n; with relu what is below 0 becomes 0.
  void (*add_bias)(float* y, size_t m, size_t n, const float* bias, bool relu);

  // d[i] = 0 where y[i] is 0.
  void (*mask)(float* d, const float* y, size_t n);

  // to[j] += scale * the sum of column j, of m rows of n with ld from one to the next.
  void (*add_columns)(const float* d, size_t m, size_t n, size_t ld, float scale, float* to);

  // The largest of each 2 x 2 pixels of a row pair, plus the bias, and 0 where that is below 0.
  // `top` and `bottom` are rows of 2 * pixels pixels of n values. which: 0 .. 3, reading left to
  // right, top to bottom, is where the first largest was; 4: all is 0.
  void (*pool)(const float* top, const float* bottom, size_t pixels, size_t n, const float* bias,
               float* to, uint8_t* which);

  // The way back: each value of d goes to where the largest was, the others become 0.
  void (*unpool)(const float* d, const uint8_t* which, size_t pixels, size_t n, float* top,
                 float* bottom);

  // One row of values and, behind them, what the step keeps for each.
  void (*update)(float* values, float* state, const float* gradient, size_t n,
                 const DenseStep& step);
};

extern const DenseKernels kDenseBaseline;
extern const DenseKernels kDensePlain;
#if defined(__x86_64__)
extern const DenseKernels kDenseAvx2;
extern const DenseKernels kDenseAvx512;
#endif

}  // namespace hemiola
