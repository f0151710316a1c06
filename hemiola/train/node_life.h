// One node's part of a job over all views: its tables, replicas and what its workers share are
// made anew, or taken along, when the view changes. The same for a process and in the simulator.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hemiola/average/leaver.h"
#include "hemiola/average/machine.h"
#include "hemiola/average/replica.h"
#include "hemiola/core/node_core.h"
#include "hemiola/table/leaver.h"
#include "hemiola/table/machine.h"
#include "hemiola/train/checkpoint_run.h"
#include "hemiola/train/model_store.h"
#include "hemiola/train/options.h"
#include "hemiola/train/task_factory.h"
#include "hemiola/train/worker.h"

namespace hemiola {

class NodeLife {
 public:
  // All borrowed. `speeds` as for replicas_for. The tables are those of the first view, in which a
  // node's rank is its number.
  NodeLife(const Job& job, const std::string& out, const LoadedTask& loaded,
           const RunSettings& settings, const Sampling& sampling, NodeId self,
           std::vector<CodecSpeed> speeds);

  // Makes the core's machines of shared state, now and at each view.
  void live_in(NodeCore& core);

  // Of machines that tell StateReady.
  uint32_t state_machines() const { return replicas_ ? 2 : 1; }

  // For the workers of this node, from JobStarted on.
  void run(WorkerPort& port) { run_worker(port, *share_); }

  // Set before the run. The listener of the node that leads is told: it is asked for when a view
  // is such that this node leads.
  std::function<RunListener*()> listener;
  std::function<NodeCounters()> counters;
  uint32_t planned_workers;            // for how many the training data are cut; else all
  const Resumed* resumed = nullptr;    // where the run goes on from
  Checkpoints* checkpoints = nullptr;  // nullptr: none are written
  // Of rows that no node has any more; nullptr: they go back to their initial values. Made for each
  // view.
  std::function<std::unique_ptr<RowSource>()> lost_rows;

 private:
  void renew(NodeCore& core, const View& view);
  void leave(NodeCore& core, const View& view, TableRestore restore);
  void make_tables(const Place& place);
  void make_share(bool leads);

  const Job& job_;
  const std::string out_;
  const LoadedTask& loaded_;
  RunSettings settings_;
  const Sampling sampling_;
  const NodeId self_;

  View view_;  // under which the machines work
  std::unique_ptr<TableSet> tables_;
  std::unique_ptr<ReplicaSet> replicas_;
  std::unique_ptr<RowSource> row_source_;
  std::unique_ptr<ModelSaver> saver_;
  std::unique_ptr<NodeShare> share_;
  std::vector<WorkerTotals> earlier_;  // by worker
};

}  // namespace hemiola
