// Chance with a seed: a counter-based hash for pure functions of (seed, place), and a small
// generator for streams. Both give the same bits on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace hemiola {

// Mixes 64 bits so that near inputs give unrelated outputs (the finaliser of SplitMix64).
constexpr uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

constexpr uint64_t mix(uint64_t a, uint64_t b) { return mix(mix(a) ^ b); }
constexpr uint64_t mix(uint64_t a, uint64_t b, uint64_t c) { return mix(mix(a, b) ^ c); }

// SplitMix64 as a stream; meets UniformRandomBitGenerator.
class Random {
 public:
  using result_type = uint64_t;

  explicit constexpr Random(uint64_t seed) : state_(mix(seed)) {}

  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return std::numeric_limits<uint64_t>::max(); }

  constexpr uint64_t operator()() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }

  // In [0, n), without the bias of a plain remainder for all n below 2^32. REQUIRES: n > 0.
  constexpr uint64_t below(uint64_t n) {
    if (n >> 32) return (*this)() % n;
    return ((*this)() >> 32) * n >> 32;
  }

  constexpr double uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double p) { return uniform() < p; }

  double normal() {
    const double u = 1.0 - uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * uniform());
  }

 private:
  uint64_t state_;
};

// Fisher-Yates; the same order everywhere for one seed (std::shuffle's is not specified).
template <class Range>
void shuffle(Range& range, Random& random) {
  for (size_t i = range.size(); i > 1; --i) std::swap(range[i - 1], range[random.below(i)]);
}

}  // namespace hemiola
