// The order in which an epoch goes through n examples: a shuffle of 0 .. n-1 that needs no memory,
// so that any worker can work out any part of it.
//
// A Feistel network over pairs of digits (Black, Rogaway: Ciphers with Arbitrary Finite Domains,
// CT-RSA 2002, method 3), walked until it lands below n.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "hemiola/core/random.h"

namespace hemiola {

class ShuffledOrder {
 public:
  // REQUIRES: 0 < n < 2^32.
  ShuffledOrder(uint64_t n, uint64_t seed, uint64_t epoch) : n_(n) {
    low_ = static_cast<uint64_t>(std::ceil(std::sqrt(static_cast<double>(n))));
    high_ = (n + low_ - 1) / low_;
    for (uint64_t r = 0; r < keys_.size(); ++r) keys_[r] = mix(seed, epoch, r);
  }

  uint64_t operator[](uint64_t i) const {
    do {
      uint64_t high = i / low_, low = i % low_;
      for (size_t r = 0; r < keys_.size(); r += 2) {
        high = (high + (mix(keys_[r] ^ low) >> 32)) % high_;
        low = (low + (mix(keys_[r + 1] ^ high) >> 32)) % low_;
      }
      i = high * low_ + low;
    } while (i >= n_);
    return i;
  }

 private:
  uint64_t n_, low_, high_;
  std::array<uint64_t, 6> keys_;
};

}  // namespace hemiola
