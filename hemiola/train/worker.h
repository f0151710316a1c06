// What every worker of a job does: blocks, epochs, evaluation, and the end. The same code runs
// in a thread of a node process and in a fiber of the simulator.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "hemiola/core/worker_port.h"
#include "hemiola/models/task.h"
#include "hemiola/table/table_set.h"
#include "hemiola/train/checkpoint.h"
#include "hemiola/train/model_store.h"
#include "hemiola/train/progress.h"
#include "hemiola/train/shared_state.h"
#include "hemiola/train/summary.h"

namespace hemiola {

// The same on all nodes.
struct RunSettings {
  uint32_t epochs = 1;
  uint32_t evaluate_every = 1;  // 0: only after the last
  uint64_t seed = 1;
  bool fixed_blocks = false;  // who does which block is set in advance
  StepCost cost;
  uint32_t throwing_node = 0;  // cost.throws_at is for its workers only
};

// What a node measures outside of its workers; summed over nodes for the summary.
struct NodeCounters {
  uint64_t bytes_sent = 0;
  uint64_t messages = 0;
  double cpu_seconds = 0;
};

// Who is told how the run goes. Called by worker 0 only.
class RunListener {
 public:
  virtual ~RunListener() = default;
  virtual bool wants_live() = 0;
  virtual void live(const LiveState& state) = 0;
  virtual void epoch(const EpochRecord& record) = 0;
  // At the begin: how the epochs went that were done under earlier views, in order. Those that it
  // was told of before, or that it has, it knows already.
  virtual void done_before(const std::vector<EpochRecord>& records) = 0;
  // Once, after the last epoch. `seconds`: since training began.
  virtual void finished(const RunTotals& totals, double seconds) = 0;
  // After that, when the model is on disk as a whole; but for the parts of the nodes `elsewhere`,
  // which are in folders that this node does not see.
  virtual void saved(const std::string& folder, uint64_t bytes,
                     const std::vector<uint32_t>& elsewhere) = 0;
};

// What the workers of a node share under one view; must outlive them.
struct NodeShare {
  const Task& task;
  TableSet& tables;
  const RunSettings& settings;
  ReplicaSet* replicas = nullptr;  // set: what is trained on; the tables get the model at the end
  std::function<NodeCounters()> counters;
  RunListener* listener = nullptr;     // on the node of worker 0
  ModelSaver* saver = nullptr;         // the same on all nodes: set, or not
  Checkpoints* checkpoints = nullptr;  // the same

  std::vector<WorkerTotals> earlier;   // by worker of this node: of the views before
  std::optional<uint32_t> first_pass;  // the state that this node brought is of the begin of it

  // The same under all views, whatever the number of workers is then.
  std::shared_ptr<const BlockPlan> plan;             // of the training data
  std::shared_ptr<const BlockPlan> evaluation_plan;  // a block for each part
  uint64_t examples_per_epoch = 0;                   // of the plan
  std::atomic<uint64_t> examples_done{0};            // by this node's workers

  // planned_workers: of the whole job, as it was meant.
  NodeShare(const Task& t, TableSet& tables, const RunSettings& s, uint32_t planned_workers);
};

// Of fingerprints by worker that should all be the same, one that is not the first's.
std::optional<WorkerId> first_unlike(std::span<const double> prints);

// Returns when the job has ended, whichever way, or the view changes: then it is called again. What
// goes wrong in here ends the job on all nodes with its text.
void run_worker(WorkerPort& port, NodeShare& share);

}  // namespace hemiola
