#include "hemiola/core/stats.h"

#include <numeric>

namespace hemiola {

uint64_t StalenessHistogram::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

double StalenessHistogram::mean() const {
  const uint64_t n = count();
  return n == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(n);
}

StalenessHistogram& StalenessHistogram::operator+=(const StalenessHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
  return *this;
}

TableStats& TableStats::operator+=(const TableStats& other) {
  local_rows += other.local_rows;
  remote_rows += other.remote_rows;
  pulled_rows += other.pulled_rows;
  pushed_rows += other.pushed_rows;
  bytes_out += other.bytes_out;
  staleness += other.staleness;
  wait_rows = wait_rows + other.wait_rows;
  wait_clock = wait_clock + other.wait_clock;
  waited_for.resize(std::max(waited_for.size(), other.waited_for.size()));
  for (size_t n = 0; n < other.waited_for.size(); ++n) {
    waited_for[n] = waited_for[n] + other.waited_for[n];
  }
  return *this;
}

std::vector<double> TableStats::to_numbers() const {
  const auto number = [](auto n) { return static_cast<double>(n); };
  std::vector<double> numbers = {
      number(local_rows),     number(remote_rows),  number(pulled_rows),
      number(pushed_rows),    number(bytes_out),    number(staleness.sum_),
      number(staleness.max_), number(wait_rows.ns), number(wait_clock.ns)};
  for (const uint64_t count : staleness.counts_) numbers.push_back(number(count));
  for (const Duration waited : waited_for) numbers.push_back(number(waited.ns));
  return numbers;
}

TableStats TableStats::from_numbers(std::span<const double> numbers) {
  TableStats stats;
  constexpr size_t kFixed = 9;
  if (numbers.size() < kFixed + StalenessHistogram::kBuckets) return stats;
  const auto count = [&](size_t i) { return static_cast<uint64_t>(numbers[i]); };
  stats.local_rows = count(0);
  stats.remote_rows = count(1);
  stats.pulled_rows = count(2);
  stats.pushed_rows = count(3);
  stats.bytes_out = count(4);
  stats.staleness.sum_ = count(5);
  stats.staleness.max_ = count(6);
  stats.wait_rows = nanoseconds(static_cast<int64_t>(numbers[7]));
  stats.wait_clock = nanoseconds(static_cast<int64_t>(numbers[8]));
  for (size_t b = 0; b < StalenessHistogram::kBuckets; ++b) {
    stats.staleness.counts_[b] = count(kFixed + b);
  }
  for (size_t i = kFixed + StalenessHistogram::kBuckets; i < numbers.size(); ++i) {
    stats.waited_for.push_back(nanoseconds(static_cast<int64_t>(numbers[i])));
  }
  return stats;
}

}  // namespace hemiola
