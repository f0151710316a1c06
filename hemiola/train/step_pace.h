// What a step costs besides the model's own work, and who is told of it.
#pragma once

#include <functional>

#include "hemiola/core/random.h"
#include "hemiola/core/worker_port.h"

namespace hemiola {

struct StepCost {
  double ns_per_example = 0;  // virtual time; used by the simulator only
  double stall_chance = 0;    // a step stops for `stall` that often, in both worlds
  Duration stall{};
  uint64_t seed = 0;       // of the stalls; each worker draws its own
  uint64_t throws_at = 0;  // the so-manieth step of a worker fails; 0: none
};

// Thread safety: belongs to one worker.
class StepPace {
 public:
  // after_step is called with the examples of each step, first of all.
  StepPace(WorkerPort& port, const StepCost& cost, std::function<void(size_t)> after_step)
      : port_(port),
        cost_(cost),
        chance_(mix(cost.seed, port.worker().value)),
        after_step_(std::move(after_step)) {}

  void step(size_t examples);

  // How long the steps were stalled so far.
  Duration stalled() const { return stalled_; }

 private:
  WorkerPort& port_;
  const StepCost cost_;
  Random chance_;
  Duration stalled_;
  uint64_t steps_ = 0;
  const std::function<void(size_t)> after_step_;
};

}  // namespace hemiola
