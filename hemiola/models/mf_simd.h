// The bodies of the matrix factorisation kernels, for the three files that compile them.
//
// The learning rate of a row is AdaGrad's with one sum for the whole row: Chin, Zhuang, Juan, Lin:
// A Learning-rate Schedule for Stochastic Gradient Methods to Matrix Factorization (PAKDD 2015),
// section 3.1. With p, q the rows, e the error and l the weight of the penalty, the squared
// gradient is |e q - l p|^2 = e^2 q.q - 2 e l p.q + l^2 p.p, so one sweep over both rows gives all
// that a step must know, and a second one changes them.
#pragma once

#include "hemiola/core/vec_pack.h"
#include "hemiola/models/mf_kernels.h"

namespace hemiola {
namespace {

// Far enough ahead to hide a miss to memory, near enough that the lines are still there.
constexpr size_t kAhead = 8;

struct Direct {
  float* base;
  size_t stride;

  explicit Direct(const RowPlaces& rows) : base(rows.base), stride(rows.stride) {}
  HEMIOLA_INLINE float* operator[](size_t i) const { return base + i * stride; }
};

struct Pointers {
  float* const* at;

  explicit Pointers(const RowPlaces& rows) : at(rows.at) {}
  HEMIOLA_INLINE float* operator[](size_t i) const { return at[i]; }
};

HEMIOLA_INLINE void fetch(const float* row, size_t length) {
  const char* at = reinterpret_cast<const char*>(row);
  for (size_t b = 0; b < length * sizeof(float); b += 64) __builtin_prefetch(at + b, 1);
}

// p.q, p.p and q.q, with a sum for each width of register.
struct Products {
  const float* p;
  const float* q;

  template <size_t W>
  struct Sums {
    typename Pack<W>::Value pq{}, pp{}, qq{};
  };
  Sums<kWidth> wide{};
  Sums<8> eight{};
  Sums<4> four{};
  Sums<1> one{};

  template <size_t W>
  HEMIOLA_INLINE auto& sums() {
    if constexpr (W == kWidth)
      return wide;
    else if constexpr (W == 8)
      return eight;
    else if constexpr (W == 4)
      return four;
    else
      return one;
  }

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, p + i);
    HEMIOLA_LOAD(W, b, q + i);
    auto& s = sums<W>();
    s.pq += a * b;
    s.pp += a * a;
    s.qq += b * b;
  }

  template <size_t W>
  HEMIOLA_INLINE void fold() {
    if constexpr (W >= 4) {
      auto& s = sums<W>();
      one.pq += sum_of<W>(s.pq);
      one.pp += sum_of<W>(s.pp);
      one.qq += sum_of<W>(s.qq);
      fold<W / 2>();
    }
  }
};

// p = p * p_keep + q * p_gain, and q likewise with the old p.
struct Change {
  float* p;
  float* q;
  float p_keep, p_gain, q_keep, q_gain;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, p + i);
    HEMIOLA_LOAD(W, b, q + i);
    HEMIOLA_STORE(W, p + i, a * p_keep + b * p_gain);
    HEMIOLA_STORE(W, q + i, b * q_keep + a * q_gain);
  }
};

HEMIOLA_INLINE float rate_of(const MfStep& step, float sum_of_squares) {
  return step.adagrad ? step.rate / __builtin_sqrtf(1.0f + sum_of_squares) : step.rate;
}

HEMIOLA_INLINE float not_negative(float x) { return x < 0 ? 0 : x; }

HEMIOLA_INLINE float train_one(float value, float* p, float* q, size_t k, const MfStep& step) {
  Products products{p, q};
  sweep<kWidth>(k, 0, products);
  products.fold<kWidth>();
  const auto& s = products.one;

  const size_t state = k + (step.biases ? 1 : 0);
  const float p_rate = rate_of(step, step.adagrad ? p[state] : 0);
  const float q_rate = rate_of(step, step.adagrad ? q[state] : 0);
  float e = value - step.mean - s.pq;
  if (step.biases) e -= p[k] + q[k];

  const float l2 = step.l2;
  Change change{p, q, 1 - p_rate * l2, p_rate * e, 1 - q_rate * l2, q_rate * e};
  sweep<kWidth>(k, 0, change);
  if (step.biases) {
    p[k] += p_rate * (e - step.bias_l2 * p[k]);
    q[k] += q_rate * (e - step.bias_l2 * q[k]);
  }
  if (step.adagrad) {
    const float share = 1.0f / static_cast<float>(k);
    const float both = 2 * e * l2 * s.pq;
    p[state] += share * not_negative(e * e * s.qq - both + l2 * l2 * s.pp);
    q[state] += share * not_negative(e * e * s.pp - both + l2 * l2 * s.qq);
  }
  return e;
}

// K: the number of factors when it is known at compile time, else 0.
template <size_t K, class Rows>
double train_all(const MfRating* r, size_t n, Rows users, Rows items, const MfStep& given) {
  const MfStep step = given;
  const size_t k = K > 0 ? K : step.factors;
  const size_t length = k + 2;
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const MfRating& later = r[i + kAhead < n ? i + kAhead : i];
    fetch(users[later.user], length);
    fetch(items[later.item], length);
    const double e = train_one(r[i].value, users[r[i].user], items[r[i].item], k, step);
    sum += e * e;
  }
  return sum;
}

template <class Rows>
double train_with(const MfRating* r, size_t n, const RowPlaces& users, const RowPlaces& items,
                  const MfStep& step) {
  const Rows u(users), v(items);
  switch (step.factors) {
    case 8:
      return train_all<8>(r, n, u, v, step);
    case 16:
      return train_all<16>(r, n, u, v, step);
    case 32:
      return train_all<32>(r, n, u, v, step);
    case 64:
      return train_all<64>(r, n, u, v, step);
    case 128:
      return train_all<128>(r, n, u, v, step);
    default:
      return train_all<0>(r, n, u, v, step);
  }
}

double train(const MfRating* r, size_t n, const RowPlaces& users, const RowPlaces& items,
             const MfStep& step) {
  return users.at ? train_with<Pointers>(r, n, users, items, step)
                  : train_with<Direct>(r, n, users, items, step);
}

template <class Rows>
double error_of_all(const MfRating* r, size_t n, Rows users, Rows items, const MfStep& step) {
  const size_t k = step.factors;
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const float* p = users[r[i].user];
    const float* q = items[r[i].item];
    Products products{p, q};
    sweep<kWidth>(k, 0, products);
    products.fold<kWidth>();
    double e = r[i].value - step.mean - products.one.pq;
    if (step.biases) e -= p[k] + q[k];
    sum += e * e;
  }
  return sum;
}

double squared_error(const MfRating* r, size_t n, const RowPlaces& users, const RowPlaces& items,
                     const MfStep& step) {
  return users.at ? error_of_all(r, n, Pointers(users), Pointers(items), step)
                  : error_of_all(r, n, Direct(users), Direct(items), step);
}

}  // namespace
}  // namespace hemiola
