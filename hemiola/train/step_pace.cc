#include "hemiola/train/step_pace.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace hemiola {

void StepPace::step(size_t examples) {
  after_step_(examples);
  if (++steps_ == cost_.throws_at) {
    throw std::runtime_error("step " + std::to_string(steps_) + " throws, as --throw asks");
  }
  if (cost_.ns_per_example > 0) {
    port_.spend(nanoseconds(std::llround(cost_.ns_per_example * static_cast<double>(examples))));
  }
  if (cost_.stall_chance > 0 && chance_.chance(cost_.stall_chance)) {
    const Instant start = port_.now();
    port_.sleep(cost_.stall);
    stalled_ = stalled_ + (port_.now() - start);
  }
}

}  // namespace hemiola
