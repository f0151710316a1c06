// What a worker saw of its tables: where rows were, how old they were, and for whom it waited.
//
// Thread safety: counters belong to one worker; they are added up when the worker has finished.
// Bumping one costs an increment, so they are always on.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "hemiola/core/types.h"

namespace hemiola {

// How many ticks old the rows were that a worker read. Bucket i counts reads of age i, the last
// bucket all older ones too; sum and max are exact all the same.
class StalenessHistogram {
 public:
  static constexpr size_t kBuckets = 17;

  // A row that is ahead of the reader's clock is fresh: its age counts as 0.
  void add(int32_t age, uint64_t reads = 1) {
    const auto a = static_cast<uint64_t>(std::max(age, 0));
    buckets_[std::min<uint64_t>(a, kBuckets - 1)] += reads;
    sum_ += a * reads;
    if (reads > 0) max_ = std::max(max_, a);
  }

  uint64_t count() const;
  uint64_t count(size_t bucket) const { return buckets_[bucket]; }
  uint64_t max() const { return max_; }
  double mean() const;  // 0 when nothing was read

  StalenessHistogram& operator+=(const StalenessHistogram& other);
  friend bool operator==(const StalenessHistogram&, const StalenessHistogram&) = default;

 private:
  friend class StatsSum;

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

struct TableStats {
  uint64_t local_rows = 0;   // rows reached that this node owns
  uint64_t remote_rows = 0;  // rows reached that another node owns, by copy or by pull
  uint64_t missed_rows = 0;  // rows that were not here when they were asked for
  uint64_t moved_rows = 0;   // rows that became this node's own
  uint64_t pulled_rows = 0;  // of these, asked for over a link
  uint64_t pushed_rows = 0;  // changed rows whose change was handed on
  uint64_t bytes_out = 0;    // of its questions and updates; answers count in the job's bytes_sent
  StalenessHistogram staleness;
  Duration wait_rows;                // blocked until rows came
  Duration wait_clock;               // blocked until slower workers had ticked
  std::vector<Duration> waited_for;  // by NodeId, as long as needed; adds up both waits

  void blame(NodeId node, Duration time) {
    if (node.value >= waited_for.size()) waited_for.resize(node.value + 1);
    waited_for[node.value] = waited_for[node.value] + time;
  }

  TableStats& operator+=(const TableStats& other);
};

// One worker's, by TableId; or the sum of several workers'.
struct WorkerStats {
  std::vector<TableStats> tables;

  TableStats total() const;
  WorkerStats& operator+=(const WorkerStats& other);
};

// The way of the workers' stats through a cluster Reduce, which adds up doubles: every worker
// packs its own, and the element-wise sum of all of them unpacks to the stats of the whole job.
// A maximum cannot be summed, so each worker has a place of its own for its maxima.
// Counts are exact up to 2^53.
class StatsSum {
 public:
  StatsSum(size_t tables, size_t nodes, size_t workers)
      : tables_(tables), nodes_(nodes), workers_(workers) {}

  size_t length() const;

  // REQUIRES: stats has at most `tables` tables and blames only nodes below `nodes`.
  std::vector<double> pack(const WorkerStats& stats, WorkerId worker) const;

  // REQUIRES: sums.size() == length().
  WorkerStats unpack(std::span<const double> sums) const;

 private:
  size_t tables_, nodes_, workers_;
};

}  // namespace hemiola
