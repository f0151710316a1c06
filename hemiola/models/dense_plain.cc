// The oracle of the dense kernels: one value at a time. A packed matrix is just its rows, n
// rounded up apart.
#include <cmath>

#include "hemiola/models/dense_kernels.h"

namespace hemiola {
namespace {

size_t rounded(size_t n) { return (n + kDenseWidest - 1) / kDenseWidest * kDenseWidest; }

const float* row_of(const RowPlaces& rows, size_t i) {
  return rows.at ? rows.at[i] : rows.base + i * rows.stride;
}

void pack(const RowPlaces& rows, size_t k, size_t n, float* packed) {
  for (size_t i = 0; i < k; ++i) {
    for (size_t j = 0; j < n; ++j) packed[i * rounded(n) + j] = row_of(rows, i)[j];
  }
}

void pack_transposed(const RowPlaces& rows, size_t n, size_t depth, size_t first, size_t,
                     float* packed) {
  for (size_t i = 0; i < depth; ++i) {
    for (size_t j = 0; j < n; ++j) packed[(first + i) * rounded(n) + j] = row_of(rows, j)[i];
  }
}

void multiply(const DenseCells& a, size_t m, size_t k, const float* packed, size_t n, float scale,
              float* c, size_t ld, bool add) {
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (size_t r = 0; r < k; ++r) {
        sum += static_cast<double>(a.base[a.row[i] + a.column[r]]) * packed[r * rounded(n) + j];
      }
      float& to = c[i * ld + j];
      to = static_cast<float>((add ? to : 0) + scale * sum);
    }
  }
}

void normalise(const uint8_t* bytes, const float* mean, const float* scale, size_t n, float* to) {
  for (size_t i = 0; i < n; ++i) to[i] = (static_cast<float>(bytes[i]) - mean[i]) * scale[i];
}

void add_bias(float* y, size_t m, size_t n, const float* bias, bool relu) {
  for (size_t i = 0; i < m * n; ++i) {
    y[i] += bias[i % n];
    if (relu && y[i] < 0) y[i] = 0;
  }
}

void mask(float* d, const float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (y[i] == 0) d[i] = 0;
  }
}

void add_columns(const float* d, size_t m, size_t n, size_t ld, float scale, float* to) {
  for (size_t j = 0; j < n; ++j) {
    double sum = 0;
    for (size_t i = 0; i < m; ++i) sum += d[i * ld + j];
    to[j] += static_cast<float>(scale * sum);
  }
}

void pool(const float* top, const float* bottom, size_t pixels, size_t n, const float* bias,
          float* to, uint8_t* which) {
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t j = 0; j < n; ++j) {
      const size_t left = 2 * p * n + j, right = left + n, at = p * n + j;
      const float found[] = {top[left], top[right], bottom[left], bottom[right]};
      uint8_t best = 0;
      for (uint8_t i = 1; i < 4; ++i) best = found[i] > found[best] ? i : best;
      const float value = found[best] + bias[j];
      to[at] = value > 0 ? value : 0;
      which[at] = value > 0 ? best : 4;
    }
  }
}

void unpool(const float* d, const uint8_t* which, size_t pixels, size_t n, float* top,
            float* bottom) {
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t j = 0; j < n; ++j) {
      const size_t left = 2 * p * n + j, right = left + n, at = p * n + j;
      float* const to[] = {top + left, top + right, bottom + left, bottom + right};
      for (uint8_t i = 0; i < 4; ++i) *to[i] = which[at] == i ? d[at] : 0;
    }
  }
}

void update(float* values, float* state, const float* gradient, size_t n, const DenseStep& step) {
  for (size_t i = 0; i < n; ++i) {
    const float g = gradient[i] + step.l2 * values[i];
    if (step.kind == DenseStep::Kind::sgd) {
      values[i] -= step.rate * g;
    } else if (step.kind == DenseStep::Kind::momentum) {
      state[i] = step.momentum * state[i] + g;
      values[i] -= step.rate * state[i];
    } else {
      state[i] += g * g;
      values[i] -= step.rate * g / std::sqrt(state[i] + 1e-10f);
    }
  }
}

}  // namespace

const DenseKernels kDensePlain = {pack, pack_transposed, multiply, normalise, add_bias,
                                  mask, add_columns,     pool,     unpool,    update};

}  // namespace hemiola
