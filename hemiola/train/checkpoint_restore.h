// A run that goes on from a checkpoint: whether it may, and what its workers begin with.
#pragma once

#include <string>
#include <vector>

#include "hemiola/average/machine.h"
#include "hemiola/models/task.h"
#include "hemiola/table/table_set.h"
#include "hemiola/train/checkpoint_reader.h"
#include "hemiola/train/options.h"

namespace hemiola {

// Throws UserError, one sentence that names the setting, for a job that learns something else than
// the checkpoint's: other data, another model or another way to train it. How many nodes and
// workers there are, how they keep together, and for how long, may change.
void require_fits(const CheckpointManifest& manifest, const Job& job);
// The same of what is known when the data were read.
void require_fits(const CheckpointManifest& manifest, const std::vector<TableSpec>& tables,
                  uint64_t examples);

// How much of the checkpoint the job takes over.
enum class Resuming : uint8_t {
  all,       // every worker's state
  replicas,  // averages: the replicas, but not what the scheme keeps beside them
  model,     // averages: the mean, from which every replica begins
};
struct ResumePlan {
  Resuming what = Resuming::all;
  std::string text;  // a line for people: what is taken over, and why not all
};
// REQUIRES: the job fits, and is resolved.
ResumePlan resume_plan(const CheckpointManifest& manifest, const Job& job);

// On each node, when its machine of tables or averages was just made.
void restore(const CheckpointReader& checkpoint, TableSet& tables);
void restore(const CheckpointReader& checkpoint, Resuming what, ReplicaSet& replicas,
             AverageMachine& machine);

}  // namespace hemiola
