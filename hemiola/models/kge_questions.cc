#include "hemiola/models/kge_questions.h"

#include <algorithm>

#include "hemiola/core/vec.h"

namespace hemiola {

void KgeQuestions::ask(KgeSide side, const float* from, const float* relation, float* q) const {
  const size_t n = shape_.values, dim = shape_.dim;
  switch (shape_.scorer) {
    case KgeScorer::complex:
    case KgeScorer::rotate:
      return kernels_.complex_product(q, from, relation, dim, !forward(side), false);
    case KgeScorer::distmult:
      return kernels_.product(q, from, relation, n, false);
    case KgeScorer::transe:
      vec().copy(q, from, n);
      return vec().axpy(q, forward(side) ? 1.0f : -1.0f, relation, n);
    case KgeScorer::rescal:
      if (!forward(side)) {
        for (size_t i = 0; i < dim; ++i) q[i] = vec().dot(relation + i * dim, from, dim);
        return;
      }
      std::fill_n(q, dim, 0.0f);
      for (size_t i = 0; i < dim; ++i) vec().axpy(q, from[i], relation + i * dim, dim);
      return;
  }
}

void KgeQuestions::go_back(KgeSide side, const float* from, const float* relation, const float* dq,
                           float* d_from, float* d_relation) const {
  const size_t n = shape_.values, dim = shape_.dim;
  switch (shape_.scorer) {
    case KgeScorer::complex:
    case KgeScorer::rotate:
      kernels_.complex_product(d_from, dq, relation, dim, forward(side), true);
      // Of q = a b it is dq conj(a); of q = a conj(b) it is a conj(dq).
      return forward(side) ? kernels_.complex_product(d_relation, dq, from, dim, true, true)
                           : kernels_.complex_product(d_relation, from, dq, dim, true, true);
    case KgeScorer::distmult:
      kernels_.product(d_from, dq, relation, n, true);
      return kernels_.product(d_relation, dq, from, n, true);
    case KgeScorer::transe:
      vec().add(d_from, dq, n);
      return vec().axpy(d_relation, forward(side) ? 1.0f : -1.0f, dq, n);
    case KgeScorer::rescal:
      return rescal_back(forward(side), from, relation, dq, d_from, d_relation);
  }
}

void KgeQuestions::rescal_back(bool forward, const float* from, const float* relation,
                               const float* dq, float* d_from, float* d_relation) const {
  const size_t dim = shape_.dim;
  for (size_t i = 0; i < dim; ++i) {
    const float* row = relation + i * dim;
    float* d_row = d_relation + i * dim;
    if (forward) {
      d_from[i] += vec().dot(row, dq, dim);
      vec().axpy(d_row, from[i], dq, dim);
    } else {
      vec().axpy(d_from, dq[i], row, dim);
      vec().axpy(d_row, dq[i], from, dim);
    }
  }
}

void KgeQuestions::spread(const float* row, float* relation) const {
  if (spreads()) return kernels_.cos_sin(relation, row, shape_.dim);
  vec().copy(relation, row, shape_.spread);
}

void KgeQuestions::gather(const float* relation, const float* d_relation, float* d_row) const {
  const size_t n = shape_.dim;
  if (!spreads()) {
    if (d_row != d_relation) vec().copy(d_row, d_relation, shape_.spread);
    return;
  }
  for (size_t i = 0; i < n; ++i) {
    d_row[i] = relation[i] * d_relation[n + i] - relation[n + i] * d_relation[i];
  }
}

}  // namespace hemiola
