// What a worker counts while it trains, per table.
//
// Plain numbers owned by one thread; sums of two workers' counts are made with +=, and counts
// travel as doubles when a job adds them up.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "hemiola/core/types.h"

namespace hemiola {

// How many clocks old what was read was: exact below kBuckets - 1, the last bucket has the rest.
class StalenessHistogram {
 public:
  static constexpr size_t kBuckets = 17;

  void add(int32_t clocks, uint64_t times = 1) {
    const auto old = static_cast<size_t>(std::max(0, clocks));
    counts_[std::min(old, kBuckets - 1)] += times;
    sum_ += old * times;
    max_ = std::max<uint64_t>(max_, old);
  }

  uint64_t count() const;
  uint64_t count(size_t bucket) const { return counts_[bucket]; }
  double mean() const;
  uint64_t max() const { return max_; }

  StalenessHistogram& operator+=(const StalenessHistogram& other);
  friend bool operator==(const StalenessHistogram&, const StalenessHistogram&) = default;

 private:
  friend struct TableStats;
  std::array<uint64_t, kBuckets> counts_{};
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

struct TableStats {
  uint64_t local_rows = 0;   // rows reached that this node owns
  uint64_t remote_rows = 0;  // rows reached that another node owns, by copy or by pull
  uint64_t pulled_rows = 0;  // of these, asked for over a link
  uint64_t pushed_rows = 0;  // changed rows whose change was handed on
  uint64_t bytes_out = 0;
  StalenessHistogram staleness;
  Duration wait_rows;                // blocked for rows
  Duration wait_clock;               // blocked for the slowest worker
  std::vector<Duration> waited_for;  // by node: blocked for it

  TableStats& operator+=(const TableStats& other);

  // All numbers in a fixed order, so that counts can be summed by a Reduce. The maximum of the
  // staleness does not survive summing; reduce it apart.
  std::vector<double> to_numbers() const;
  static TableStats from_numbers(std::span<const double> numbers);
};

}  // namespace hemiola
