#include "hemiola/core/stats.h"

#include <numeric>

#include "hemiola/core/check.h"

namespace hemiola {

uint64_t StalenessHistogram::count() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), uint64_t{0});
}

double StalenessHistogram::mean() const {
  const uint64_t reads = count();
  return reads == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(reads);
}

StalenessHistogram& StalenessHistogram::operator+=(const StalenessHistogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
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
  missed_rows += other.missed_rows;
  moved_rows += other.moved_rows;
  staleness += other.staleness;
  wait_rows = wait_rows + other.wait_rows;
  wait_clock = wait_clock + other.wait_clock;
  for (uint32_t node = 0; node < other.waited_for.size(); ++node) {
    blame(NodeId{node}, other.waited_for[node]);
  }
  return *this;
}

TableStats WorkerStats::total() const {
  TableStats sum;
  for (const TableStats& table : tables) sum += table;
  return sum;
}

WorkerStats& WorkerStats::operator+=(const WorkerStats& other) {
  if (tables.size() < other.tables.size()) tables.resize(other.tables.size());
  for (size_t i = 0; i < other.tables.size(); ++i) tables[i] += other.tables[i];
  return *this;
}

namespace {

constexpr size_t kCounts = 7, kWaits = 2, kBuckets = StalenessHistogram::kBuckets;

}  // namespace

// Per table: counts, buckets and their sum, waits, a place per node, a maximum per worker.
size_t StatsSum::length() const {
  return tables_ * (kCounts + kBuckets + 1 + kWaits + nodes_ + workers_);
}

std::vector<double> StatsSum::pack(const WorkerStats& stats, WorkerId worker) const {
  HEMIOLA_CHECK(stats.tables.size() <= tables_);
  HEMIOLA_CHECK(worker.value < workers_);
  std::vector<double> sums;
  sums.reserve(length());
  auto put = [&](auto value) { sums.push_back(static_cast<double>(value)); };
  for (size_t i = 0; i < tables_; ++i) {
    const TableStats table = i < stats.tables.size() ? stats.tables[i] : TableStats{};
    HEMIOLA_CHECK(table.waited_for.size() <= nodes_);
    put(table.local_rows), put(table.remote_rows), put(table.pulled_rows), put(table.pushed_rows);
    put(table.bytes_out), put(table.missed_rows), put(table.moved_rows);
    for (uint64_t reads : table.staleness.buckets_) put(reads);
    put(table.staleness.sum_);
    put(table.wait_rows.ns), put(table.wait_clock.ns);
    for (size_t node = 0; node < nodes_; ++node) {
      put(node < table.waited_for.size() ? table.waited_for[node].ns : 0);
    }
    for (size_t w = 0; w < workers_; ++w) put(w == worker.value ? table.staleness.max_ : 0);
  }
  return sums;
}

WorkerStats StatsSum::unpack(std::span<const double> sums) const {
  HEMIOLA_CHECK(sums.size() == length());
  size_t at = 0;
  auto count = [&] { return static_cast<uint64_t>(sums[at++]); };
  auto time = [&] { return Duration{static_cast<int64_t>(sums[at++])}; };
  WorkerStats stats;
  stats.tables.resize(tables_);
  for (TableStats& table : stats.tables) {
    table.local_rows = count();
    table.remote_rows = count();
    table.pulled_rows = count();
    table.pushed_rows = count();
    table.bytes_out = count();
    table.missed_rows = count();
    table.moved_rows = count();
    for (uint64_t& reads : table.staleness.buckets_) reads = count();
    table.staleness.sum_ = count();
    table.wait_rows = time();
    table.wait_clock = time();
    for (uint32_t node = 0; node < nodes_; ++node) table.blame(NodeId{node}, time());
    for (size_t w = 0; w < workers_; ++w) {
      table.staleness.max_ = std::max(table.staleness.max_, count());
    }
  }
  return stats;
}

}  // namespace hemiola
