// Simulated runs of the visibility oracle: one seed, one run.
#pragma once

#include <string>

#include "hemiola/sim/world.h"
#include "tests/visibility_oracle.h"

namespace hemiola::oracle {

struct Outcome {
  sim::Outcome world;
  Ledger ledger;
  std::string violation;  // empty: all promises were kept
};

// The job and the world that belong to a seed: everything that can vary, varies.
Plan random_plan(uint64_t seed, const std::string& scheme);
sim::WorldOptions random_world(uint64_t seed, const Plan& plan);

Outcome run(const Plan& plan, sim::WorldOptions world);

}  // namespace hemiola::oracle
