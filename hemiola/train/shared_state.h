// What the workers of a job train on together, as one worker sees it: tables of rows, or replicas
// that are averaged. A model knows neither.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/gap.h"
#include "hemiola/average/replica.h"
#include "hemiola/core/stats.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/models/task.h"
#include "hemiola/table/table_set.h"
#include "hemiola/train/step_pace.h"

namespace hemiola {

// Thread safety: belongs to one worker.
class SharedState {
 public:
  virtual ~SharedState() = default;

  // Where the task trains; and, between end_pass() and the next step, where it is evaluated.
  virtual Parameters& training() = 0;
  virtual Parameters& evaluation() = 0;

  // Returns when all workers of the job have come here.
  virtual void begin() = 0;
  // Draws of negatives in this pass depend on its number, not on how the ones before it went.
  virtual void begin_pass(uint32_t pass) = 0;
  // The worker has no work left in this pass. Returns when nobody has, and all that was learnt is
  // in what evaluation() gives.
  virtual void end_pass() = 0;

  // What this worker has learnt until now gets a number, which rises: it outlives the death of the
  // node once secured() is as high. wait: returns when it is. Always 0 where nothing of the kind is
  // promised.
  virtual uint64_t secure(bool) { return 0; }
  virtual uint64_t secured() const { return 0; }

  // At the end of all: the model is in the rows of the node's tables.
  virtual void hand_over() = 0;

  virtual std::vector<TableStats> stats() const = 0;  // by table
  // Blocked for others, in steps and passes; and stopped for nobody.
  virtual Duration waited() const = 0;
  virtual Duration averaged() const = 0;  // as part of waited()
  virtual Duration stalled() const = 0;

  // How far replicas were from their mean at the last end_pass(): this worker's squared distance,
  // and the squared length of the mean. Zeros where there is one model only.
  struct Spread {
    double distance2 = 0, mean2 = 0;
  };
  virtual Spread spread() const { return {}; }

  // Of this worker's replica at the last end_pass(), where those of all workers are the same bits
  // then: each step was followed by a round.
  virtual std::optional<uint64_t> fingerprint() const { return {}; }

  // Of this worker's steps under averages.
  virtual DelayHistogram delays() const { return {}; }

  // Of this worker's steps where gaps are bounded.
  virtual GapCounts gaps() const { return {}; }

  // What sync.compress = "auto" has chosen and why.
  virtual std::string codec_note() const { return {}; }

  // How often rounds of averages were ended on this node, by reason.
  virtual std::map<std::string, uint64_t> rounds() const { return {}; }
};

std::unique_ptr<SharedState> shared_tables(TableSet& tables, WorkerPort& port, const StepCost& cost,
                                           std::function<void(size_t)> after_step);

// `tables`: where hand_over() puts the rows that the node owns there.
std::unique_ptr<SharedState> shared_replicas(ReplicaSet& replicas, TableSet& tables,
                                             const Task& task, WorkerPort& port,
                                             const StepCost& cost,
                                             std::function<void(size_t)> after_step);

}  // namespace hemiola
