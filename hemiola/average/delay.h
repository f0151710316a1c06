// Delay-aware steps, for schemes under which others change a worker's values while it computes: how
// many of their changes a step has missed, and how much it counts for it.
//
// adaptive: Mishchenko, Bach, Even, Woodworth: Asynchronous SGD Beats Minibatch SGD Under Arbitrary
// Delays (NeurIPS 2022); Koloskova, Stich, Jaggi (NeurIPS 2022): a step in inverse proportion to
// its delay, and not more than a step. drop: Maranjyan, Tyurin, Richtarik: Ringmaster ASGD (ICML
// 2025).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hemiola {

struct DelayRule {
  enum class Kind : uint8_t { fixed, adaptive, drop };

  Kind kind = Kind::fixed;
  uint32_t oldest = 0;  // drop: a step with a longer delay is thrown away

  // How many times a step counts that has missed `delay` changes, where a worker as fast as all
  // others misses `usual`. From 0 to 1.
  float times(uint32_t delay, double usual) const;

  std::string name() const;
  friend bool operator==(const DelayRule&, const DelayRule&) = default;
};

// "fixed", "adaptive" or "drop(R)". Throws UserError.
DelayRule parse_delay(std::string_view text);

// Delays of steps. Short ones are counted by themselves, longer ones in ranges of an eighth of
// their size, so a quantile is at most an eighth too large.
class DelayHistogram {
 public:
  static constexpr size_t kBuckets = 128;

  void add(uint32_t delay);

  uint64_t count() const;
  double mean() const;  // 0 when there are none, as below
  // The least delay that so many of all steps do not exceed, or a little more.
  uint64_t quantile(double share) const;
  uint64_t max() const { return quantile(1); }

  DelayHistogram& operator+=(const DelayHistogram& other);

  // The way through a sum of doubles; sums of packed ones unpack to the histogram of all.
  static constexpr size_t kPacked = kBuckets + 1;
  std::vector<double> pack() const;
  static DelayHistogram unpack(std::span<const double> packed);  // REQUIRES: kPacked of them

 private:
  std::array<uint64_t, kBuckets> buckets_{};
  double sum_ = 0;
};

}  // namespace hemiola
