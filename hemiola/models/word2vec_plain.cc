// The oracle of the word2vec kernels: the same steps by the formulas of the paper, equation 4.
#include <cmath>

#include "hemiola/models/word2vec_kernels.h"

namespace hemiola {
namespace {

float* row_of(const RowPlaces& rows, size_t place, unsigned word) {
  return rows.at ? rows.at[place] : rows.base + word * rows.stride;
}

double gains_of(const float* x, const float* const* rows, const unsigned* outputs, size_t width,
                const Word2VecStep& step, float* gains) {
  double loss = 0;
  for (size_t j = 0; j < width; ++j) {
    gains[j] = 0;
    if (j > 0 && outputs[j] == outputs[0]) continue;
    double z = 0;
    for (size_t c = 0; c < step.dim; ++c) z += static_cast<double>(x[c]) * rows[j][c];
    const double right = j == 0 ? 1 : 0;
    const double guess = 1 / (1 + std::exp(-z));
    gains[j] = static_cast<float>(step.rate * (right - guess));
    loss += std::log1p(std::exp(j == 0 ? -z : z));
  }
  return loss;
}

void change(float* x, float* const* rows, size_t width, const float* gains, size_t dim) {
  for (size_t c = 0; c < dim; ++c) {
    const float before = x[c];
    for (size_t j = 0; j < width; ++j) {
      x[c] += gains[j] * rows[j][c];
      rows[j][c] += gains[j] * before;
    }
  }
}

double train(const Word2VecGroups& groups, const RowPlaces& input, const RowPlaces& output,
             const Word2VecStep& step) {
  double loss = 0;
  size_t pair = 0;
  float* rows[kWord2VecWidest];
  float gains[kWord2VecWidest];
  for (size_t g = 0; g < groups.size; ++g) {
    const unsigned* outputs = groups.outputs + g * groups.width;
    for (size_t j = 0; j < groups.width; ++j) {
      rows[j] = row_of(output, g * groups.width + j, outputs[j]);
    }
    for (size_t i = 0; i < (groups.counts ? groups.counts[g] : 1); ++i, ++pair) {
      float* x = row_of(input, pair, groups.inputs[pair]);
      loss += gains_of(x, rows, outputs, groups.width, step, gains);
      change(x, rows, groups.width, gains, step.dim);
    }
  }
  return loss;
}

void trade(float* y, const float* x, float* change, float gain, size_t dim) {
  for (size_t c = 0; c < dim; ++c) {
    change[c] += gain * y[c];
    y[c] += gain * x[c];
  }
}

void dots(const float* x, const float* ys, size_t stride, size_t n, size_t dim, float* products) {
  for (size_t j = 0; j < n; ++j) {
    products[j] = 0;
    for (size_t c = 0; c < dim; ++c) products[j] += x[c] * ys[j * stride + c];
  }
}

}  // namespace

const Word2VecKernels kWord2VecPlain = {train, gains_of, trade, dots};

}  // namespace hemiola
