// What a run came to: collected while it runs, and written as DIR/summary.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/delay.h"
#include "hemiola/average/gap.h"
#include "hemiola/cluster/history.h"
#include "hemiola/core/stats.h"
#include "hemiola/models/task.h"

namespace hemiola {

struct EpochRecord {
  uint32_t epoch = 0;  // from 1
  double seconds = 0;  // of its training, evaluation apart
  double elapsed = 0;  // since training began, evaluations included
  double loss = 0;     // mean over the epoch's examples, each as it was seen
  uint64_t samples = 0;
  std::vector<Metric> metrics;  // empty when this epoch was not evaluated
  // Of replicas: their distance from their mean (root mean square) in lengths of the mean.
  std::optional<double> spread = std::nullopt;
};

// Seconds, summed over workers.
struct TimeSpent {
  double compute = 0, evaluate = 0, wait_rows = 0, wait_clock = 0, average = 0, idle = 0;

  TimeSpent& operator+=(const TimeSpent& other) {
    compute += other.compute, evaluate += other.evaluate;
    wait_rows += other.wait_rows, wait_clock += other.wait_clock;
    average += other.average, idle += other.idle;
    return *this;
  }
};

// What a worker counts; or the sum of several, or of the same one under several views.
struct WorkerTotals {
  TimeSpent time;  // but for waits, which its tables have
  WorkerStats tables;
  DelayHistogram delays;  // of steps under averages
  GapCounts gaps;
  std::map<std::string, uint64_t> rounds;  // of averages, of this node: by why they ended

  // Of another view, in which nodes had other numbers.
  void add_earlier(const WorkerTotals& earlier);
};

// Sums over all nodes and workers of the job.
struct RunTotals {
  uint64_t samples = 0;
  double cpu_seconds = 0;
  TimeSpent time;
  double ns_per_example = 0;  // a worker's typical computing for one, waits apart
  uint64_t bytes_sent = 0;
  uint64_t messages = 0;
  uint64_t view_changes = 0;
  History::Counts history;
  bool ended_early = false;  // as it was asked to; the epochs are those that were whole by then
  WorkerStats tables;
  std::string compress;   // what auto has chosen, and why
  DelayHistogram delays;  // of steps under averages
  GapCounts gaps;
  std::map<std::string, uint64_t> rounds;  // of averages, on the first node: by why they ended
};

// Of one node's view: node 0's.
struct CheckpointTotals {
  uint64_t written = 0;
  uint64_t failed = 0;         // the disk refused, or a node was not heard of
  uint64_t left_out = 0;       // the one before was still being written
  uint64_t bytes = 0;          // of those written
  double blocked = 0;          // seconds that training stood still for them
  double longest_blocked = 0;  // for one
};

// Where a run went on that had been begun before.
struct ResumedFrom {
  std::string checkpoint;
  uint32_t epoch = 0;
};

struct Summary {
  std::string job, model, sync, world = "net";
  uint64_t seed = 0;
  uint32_t nodes = 1;
  uint32_t workers = 1;     // in the whole job
  double load_seconds = 0;  // reading or making the data
  double seconds = 0;       // from the first step to the last evaluation
  RunTotals totals;
  uint64_t view_changes = 0;
  std::vector<std::string> table_names;  // in order of TableId
  std::vector<EpochRecord> epochs;
  std::optional<CheckpointTotals> checkpoints;  // none were asked for
  std::optional<ResumedFrom> resumed;           // totals count from there
};

std::string to_json(const Summary& summary);         // many lines
std::string to_json_line(const EpochRecord& epoch);  // one line, ended

// Both throw UserError when the disk refuses. summary.json appears whole or not at all.
void write_summary(const std::string& folder, const Summary& summary);

// DIR/metrics.jsonl, begun anew; a line per epoch, written at once.
class MetricsFile {
 public:
  explicit MetricsFile(const std::string& folder);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  void add(const EpochRecord& epoch);

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace hemiola
