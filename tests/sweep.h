// Simulated runs of the visibility oracle: one seed, one run.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hemiola/sim/world.h"
#include "tests/visibility_oracle.h"

namespace hemiola::oracle {

// A simulated job without a cluster machine: the same tables and the same work on all nodes.
struct SimulatedJob {
  using Nodes = std::vector<TableSet*>;

  uint32_t nodes = 1;
  uint32_t workers_per_node = 1;
  std::vector<TableOptions> tables;
  Sampling sampling;
  std::function<void(WorkerPort&, TableSet&)> work;
  std::function<void(const Nodes&)> after_event;  // may be empty; throws Violation
  std::function<void(const Nodes&)> at_end;       // of a run in which all workers came to theirs
};

struct SimulatedOutcome {
  sim::Outcome world;
  std::string violation;  // empty: all workers came to their end and nothing was thrown
  uint64_t bytes_sent = 0;
};
SimulatedOutcome simulate(const SimulatedJob& job, sim::WorldOptions options);

struct Outcome {
  sim::Outcome world;
  Ledger ledger;
  std::string violation;  // empty: all promises were kept
};

// The job and the world that belong to a seed: everything that can vary, varies.
Plan random_plan(uint64_t seed, const std::string& scheme);
sim::WorldOptions random_world(uint64_t seed, uint32_t nodes);

Outcome run(const Plan& plan, sim::WorldOptions world);

}  // namespace hemiola::oracle
