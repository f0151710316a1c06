// Ranks whose probability falls as a power: P(k) ~ 1 / k^skew for k = 1 .. n.
//
// Rejection-inversion: W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from
// monotone discrete distributions", ACM TOMACS 6(3), 1996. Exact, without tables, and nearly
// always with one draw.
#pragma once

#include <cstdint>

#include "hemiola/core/random.h"

namespace hemiola {

class Zipf {
 public:
  // REQUIRES: n > 0, skew >= 0 (0: all ranks alike).
  Zipf(uint64_t n, double skew);

  // In 1 .. n.
  uint64_t operator()(Random& random) const;

  uint64_t n() const { return n_; }

 private:
  // The integral of x^-skew from 1 to x, and its inverse.
  double integral(double x) const;
  double inverse(double area) const;
  double weight(double k) const;

  uint64_t n_;
  double skew_;
  double low_ = 0, high_ = 0;  // areas between which to draw
  double sure_ = 0;            // a point this close below its rank is accepted unseen
};

// A fixed permutation of 0 .. n-1 that scatters neighbours, so that frequent things do not all
// have small ids. Pure function of (n, seed). REQUIRES: 0 < n < 2^32.
class Scatter {
 public:
  Scatter(uint64_t n, uint64_t seed);
  uint64_t operator()(uint64_t i) const { return (i * factor_ + shift_) % n_; }

 private:
  uint64_t n_;
  uint64_t factor_ = 1;  // coprime to n
  uint64_t shift_ = 0;
};

}  // namespace hemiola
