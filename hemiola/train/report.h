// The report of a run while it goes on: lines for people, metrics.jsonl, and in the end the
// summary.
#pragma once

#include <string>

#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"
#include "hemiola/train/progress.h"
#include "hemiola/train/summary.h"
#include "hemiola/train/worker.h"

namespace hemiola {

// Thread safety: the RunListener's calls come from worker 0, publish() when it has ended.
class Report : public RunListener {
 public:
  // Makes the folder. Throws UserError when that cannot be.
  Report(const Job& job, const Task& task, const Flags& flags, std::string world,
         double load_seconds, Progress& progress);

  bool wants_live() override { return progress_.wants_live(); }
  void live(const LiveState& state) override { progress_.live(state); }
  void epoch(const EpochRecord& record) override;
  void done_before(const std::vector<EpochRecord>& records) override;
  void finished(const RunTotals& totals, double seconds) override;
  void saved(const std::string& folder, uint64_t bytes,
             const std::vector<uint32_t>& elsewhere) override;

  // Of the run, in the end.
  void checkpointed(const CheckpointTotals& totals) { summary_.checkpoints = totals; }

  // finished() was called: there is a result, however the job ended after it.
  bool has_result() const { return has_result_; }

  // For worlds in which nodes are counted from outside.
  void set_traffic(uint64_t bytes, uint64_t messages, double cpu_seconds);

  // Writes summary.json and says the result. Cannot be interrupted half way.
  void publish();

 private:
  const Flags flags_;
  const uint32_t epochs_;
  Progress& progress_;
  MetricsFile metrics_;
  Summary summary_;
  bool has_result_ = false;
  std::string model_line_;
};

// The scheme and what else of [sync] is not the default, for summaries.
std::string sync_text(const Job& job);

}  // namespace hemiola
