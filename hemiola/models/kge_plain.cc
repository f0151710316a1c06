// The oracle of the knowledge-graph kernels: one number after the other, as in the formulas.
#include <algorithm>
#include <cmath>
#include <vector>

#include "hemiola/models/kge_kernels.h"

namespace hemiola {
namespace {

constexpr size_t kPanel = 4;

const float* row_of(const RowPlaces& rows, size_t i) {
  return rows.at ? rows.at[i] : rows.base + i * rows.stride;
}

// Where column j of row r of a packed matrix with k rows is.
size_t packed_place(size_t k, size_t r, size_t j) {
  return j / kPanel * k * kPanel + r * kPanel + j % kPanel;
}

size_t whole_panels(size_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

void pack_columns(const RowPlaces& rows, size_t n, size_t k, float* packed) {
  for (size_t j = 0; j < whole_panels(n); ++j) {
    for (size_t r = 0; r < k; ++r) packed[packed_place(k, r, j)] = j < n ? row_of(rows, j)[r] : 0;
  }
}

void pack_rows(const RowPlaces& rows, size_t k, size_t n, float* packed) {
  for (size_t r = 0; r < k; ++r) {
    for (size_t j = 0; j < whole_panels(n); ++j) {
      packed[packed_place(k, r, j)] = j < n ? row_of(rows, r)[j] : 0;
    }
  }
}

void multiply(const float* a, size_t row_step, size_t k_step, size_t m, size_t k,
              const float* packed, size_t n, float* c, size_t ld, bool add) {
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < whole_panels(n); ++j) {
      float sum = 0;
      for (size_t r = 0; r < k; ++r) {
        sum += a[i * row_step + r * k_step] * packed[packed_place(k, r, j)];
      }
      c[i * ld + j] = add ? c[i * ld + j] + sum : sum;
    }
  }
}

float score_of(KgeMatch match, const float* q, const float* e, size_t k) {
  float sum = 0;
  if (match == KgeMatch::moduli) {
    for (size_t c = 0; c < k / 2; ++c) sum += std::hypot(q[c] - e[c], q[k / 2 + c] - e[k / 2 + c]);
    return -sum;
  }
  for (size_t c = 0; c < k; ++c) {
    const float apart = q[c] - e[c];
    if (match == KgeMatch::dot) sum += q[c] * e[c];
    if (match == KgeMatch::l1) sum += std::abs(apart);
    if (match == KgeMatch::l2) sum += apart * apart;
  }
  if (match == KgeMatch::l2) return -std::sqrt(sum);
  return match == KgeMatch::l1 ? -sum : sum;
}

void distances(KgeMatch match, const float* q, size_t ld_q, size_t m, size_t k, const float* packed,
               size_t n, float* scores, size_t ld) {
  std::vector<float> e(k);
  for (size_t j = 0; j < whole_panels(n); ++j) {
    for (size_t r = 0; r < k; ++r) e[r] = packed[packed_place(k, r, j)];
    for (size_t i = 0; i < m; ++i) scores[i * ld + j] = score_of(match, q + i * ld_q, e.data(), k);
  }
}

void match_rows(KgeMatch match, const float* q, const RowPlaces& rows, size_t n, size_t k,
                float* scores) {
  for (size_t j = 0; j < n; ++j) scores[j] = score_of(match, q, row_of(rows, j), k);
}

void match_gradient(KgeMatch match, const float* q, const float* e, size_t k, float score, float w,
                    float* dq, float* de) {
  for (size_t c = 0; c < k; ++c) {
    if (match == KgeMatch::dot) {
      dq[c] += w * e[c];
      de[c] += w * q[c];
      continue;
    }
    const float apart = q[c] - e[c];
    float length = -score;
    if (match == KgeMatch::l1) length = std::abs(apart);
    if (match == KgeMatch::moduli) {
      const size_t other = c < k / 2 ? c + k / 2 : c - k / 2;
      length = std::hypot(apart, q[other] - e[other]);
    }
    const float direction = length > 0 ? apart / length : 0;
    dq[c] -= w * direction;
    de[c] += w * direction;
  }
}

void distance_gradients(KgeMatch match, const float* q, size_t ld_q, size_t m, size_t k,
                        const float* e, size_t ld_e, size_t n, const float* w, size_t ld_w,
                        float* dq, float* de) {
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      match_gradient(match, q + i * ld_q, e + j * ld_e, k, 0, w[i * ld_w + j], dq + i * ld_q,
                     de + j * ld_e);
    }
  }
}

void from_dots(float* scores, size_t n, float q_square, const float* squares) {
  for (size_t j = 0; j < n; ++j) {
    scores[j] = -std::sqrt(std::max(0.0f, q_square + squares[j] - 2 * scores[j]));
  }
}

float by_distance(float* w, const float* scores, size_t n) {
  float sum = 0;
  for (size_t j = 0; j < n; ++j) sum += w[j] /= std::max(-scores[j], 1e-6f);
  return sum;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// exp(heat * score - most) and their sum, where `most` is the largest; a score that stands for none
// has none of it.
struct Powers {
  double most;
  double sum = 0;
  std::vector<double> of;

  Powers(const float* scores, size_t n, double heat, double least) : most(least), of(n) {
    for (size_t j = 0; j < n; ++j) most = std::max(most, heat * scores[j]);
    for (size_t j = 0; j < n; ++j) {
      of[j] = scores[j] == kKgeNoScore ? 0 : std::exp(heat * scores[j] - most);
      sum += of[j];
    }
  }
};

float softmax(float* scores, size_t n, float* positive, const KgeLossStep&) {
  const Powers powers(scores, n, 1, *positive);
  const double sum = powers.sum + std::exp(*positive - powers.most);
  for (size_t j = 0; j < n; ++j) scores[j] = static_cast<float>(powers.of[j] / sum);
  const double loss = std::log(sum) + powers.most - *positive;
  *positive = static_cast<float>(-powers.sum / sum);
  return static_cast<float>(loss);
}

float logistic(float* scores, size_t n, float* positive, const KgeLossStep&) {
  double loss = softplus(-*positive);
  *positive = static_cast<float>(-sigmoid(-*positive));
  for (size_t j = 0; j < n; ++j) {
    loss += softplus(scores[j]) / static_cast<double>(n);
    scores[j] = static_cast<float>(sigmoid(scores[j]) / static_cast<double>(n));
  }
  return static_cast<float>(loss);
}

float self_adversarial(float* scores, size_t n, float* positive, const KgeLossStep& step) {
  const Powers powers(scores, n, step.temperature, -1e300);
  double loss = softplus(-(step.margin + *positive));
  *positive = static_cast<float>(-sigmoid(-(step.margin + *positive)));
  for (size_t j = 0; j < n; ++j) {
    const double share = powers.sum > 0 ? powers.of[j] / powers.sum : 0;
    loss += share * softplus(step.margin + scores[j]);
    scores[j] = static_cast<float>(share * sigmoid(step.margin + scores[j]));
  }
  return static_cast<float>(loss);
}

void complex_product(float* out, const float* a, const float* b, size_t n, bool conjugate,
                     bool add) {
  for (size_t c = 0; c < n; ++c) {
    const float imaginary = conjugate ? -b[n + c] : b[n + c];
    const float re = a[c] * b[c] - a[n + c] * imaginary;
    const float im = a[c] * imaginary + a[n + c] * b[c];
    out[c] = add ? out[c] + re : re;
    out[n + c] = add ? out[n + c] + im : im;
  }
}

void product(float* out, const float* a, const float* b, size_t n, bool add) {
  for (size_t c = 0; c < n; ++c) out[c] = add ? out[c] + a[c] * b[c] : a[c] * b[c];
}

void cos_sin(float* out, const float* phases, size_t n) {
  for (size_t c = 0; c < n; ++c) {
    out[c] = static_cast<float>(std::cos(static_cast<double>(phases[c])));
    out[n + c] = static_cast<float>(std::sin(static_cast<double>(phases[c])));
  }
}

void drop(float* x, size_t n, float share, unsigned seed) {
  const auto limit = static_cast<unsigned>(static_cast<double>(share) * 16777216.0);
  for (size_t c = 0; c < n; ++c) {
    unsigned bits = (static_cast<unsigned>(c) + seed) * 0x9e3779b1U;
    bits = (bits ^ (bits >> 15)) * 0x85ebca77U;
    bits = (bits ^ (bits >> 13)) * 0xc2b2ae3dU;
    x[c] = (bits ^ (bits >> 16)) >> 8 < limit ? 0 : x[c] / (1 - share);
  }
}

void update(float* row, float* g, const KgeUpdate& step) {
  const size_t n = step.values;
  std::vector<float> modulus(n);
  for (size_t c = 0; c < n; ++c) {
    const size_t other = c < n / 2 ? c + n / 2 : c - n / 2;
    modulus[c] = step.complex ? std::hypot(row[c], row[other]) : std::abs(row[c]);
  }
  float squares = 0;
  for (size_t c = 0; c < n; ++c) {
    g[c] += 2 * step.l2 * row[c] + 3 * step.n3 * modulus[c] * row[c];
    squares += g[c] * g[c];
  }
  if (step.adagrad && step.by_row) row[n] += squares / static_cast<float>(n);
  for (size_t c = 0; c < n; ++c) {
    if (step.adagrad && !step.by_row) row[n + c] += g[c] * g[c];
    const float sum = step.by_row ? row[n] : row[n + c];
    row[c] -= step.adagrad ? step.rate * g[c] / std::sqrt(sum + 1e-20f) : step.rate * g[c];
  }
}

void count(const float* scores, size_t n, float than, size_t* above, size_t* equal) {
  *above = *equal = 0;
  for (size_t j = 0; j < n; ++j) {
    *above += scores[j] > than;
    *equal += scores[j] == than;
  }
}

void prefetch(const float*, size_t) {}

}  // namespace

const KgeKernels kKgePlain = {kPanel,
                              pack_columns,
                              pack_rows,
                              multiply,
                              distances,
                              distance_gradients,
                              match_rows,
                              match_gradient,
                              from_dots,
                              by_distance,
                              softmax,
                              logistic,
                              self_adversarial,
                              complex_product,
                              product,
                              cos_sin,
                              drop,
                              update,
                              count,
                              prefetch};

}  // namespace hemiola
