// The oracle of the matrix factorisation kernels: the same steps, one after the other, as in the
// text books. Gradients of (value - mean - p.q - bp - bq)^2 / 2 + l2 / 2 (p.p + q.q) + ...
#include <cmath>

#include "hemiola/models/mf_kernels.h"

namespace hemiola {
namespace {

float* row_of(const RowPlaces& rows, size_t i) {
  return rows.at ? rows.at[i] : rows.base + i * rows.stride;
}

float error_of(float value, const float* p, const float* q, const MfStep& step) {
  float e = value - step.mean;
  for (size_t c = 0; c < step.factors; ++c) e -= p[c] * q[c];
  if (step.biases) e -= p[step.factors] + q[step.factors];
  return e;
}

float rate_of(const float* row, const MfStep& step) {
  if (!step.adagrad) return step.rate;
  return step.rate / std::sqrt(1.0f + row[step.factors + (step.biases ? 1 : 0)]);
}

void train_one(float e, float* p, float* q, const MfStep& step) {
  const size_t k = step.factors;
  const float p_rate = rate_of(p, step), q_rate = rate_of(q, step);
  float p_squares = 0, q_squares = 0;
  for (size_t c = 0; c < k; ++c) {
    const float p_gradient = -e * q[c] + step.l2 * p[c];
    const float q_gradient = -e * p[c] + step.l2 * q[c];
    p_squares += p_gradient * p_gradient;
    q_squares += q_gradient * q_gradient;
    p[c] -= p_rate * p_gradient;
    q[c] -= q_rate * q_gradient;
  }
  if (step.biases) {
    p[k] -= p_rate * (-e + step.bias_l2 * p[k]);
    q[k] -= q_rate * (-e + step.bias_l2 * q[k]);
  }
  if (step.adagrad) {
    const size_t state = k + (step.biases ? 1 : 0);
    p[state] += p_squares / static_cast<float>(k);
    q[state] += q_squares / static_cast<float>(k);
  }
}

double train(const MfRating* r, size_t n, const RowPlaces& users, const RowPlaces& items,
             const MfStep& step) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    float* p = row_of(users, r[i].user);
    float* q = row_of(items, r[i].item);
    const float e = error_of(r[i].value, p, q, step);
    train_one(e, p, q, step);
    sum += static_cast<double>(e) * e;
  }
  return sum;
}

double squared_error(const MfRating* r, size_t n, const RowPlaces& users, const RowPlaces& items,
                     const MfStep& step) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const float e = error_of(r[i].value, row_of(users, r[i].user), row_of(items, r[i].item), step);
    sum += static_cast<double>(e) * e;
  }
  return sum;
}

}  // namespace

const MfKernels kMfPlain = {train, squared_error};

}  // namespace hemiola
