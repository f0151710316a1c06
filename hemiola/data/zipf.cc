#include "hemiola/data/zipf.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hemiola/core/check.h"

namespace hemiola {

Zipf::Zipf(uint64_t n, double skew) : n_(n), skew_(skew) {
  HEMIOLA_CHECK(n > 0 && skew >= 0);
  low_ = integral(1.5) - 1;
  high_ = integral(static_cast<double>(n) + 0.5);
  sure_ = 2 - inverse(integral(2.5) - weight(2));
}

uint64_t Zipf::operator()(Random& random) const {
  for (;;) {
    const double area = high_ + random.uniform() * (low_ - high_);
    const double x = inverse(area);
    const double k = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(n_));
    if (k - x <= sure_ || area >= integral(k + 0.5) - weight(k)) return static_cast<uint64_t>(k);
  }
}

double Zipf::integral(double x) const {
  if (skew_ == 1) return std::log(x);
  return std::expm1((1 - skew_) * std::log(x)) / (1 - skew_);
}

double Zipf::inverse(double area) const {
  if (skew_ == 1) return std::exp(area);
  // Rounding may bring the argument just below its smallest value.
  return std::exp(std::log1p(std::max(area * (1 - skew_), -1.0)) / (1 - skew_));
}

double Zipf::weight(double k) const { return std::exp(-skew_ * std::log(k)); }

Scatter::Scatter(uint64_t n, uint64_t seed) : n_(n) {
  HEMIOLA_CHECK(n > 0 && n < (uint64_t{1} << 32));
  Random random(seed);
  // Near the golden section of n, neighbours land far apart.
  factor_ = std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(n) * 0.6180339887));
  while (std::gcd(factor_, n) != 1) ++factor_;
  shift_ = random.below(n);
}

}  // namespace hemiola
