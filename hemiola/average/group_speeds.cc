#include "hemiola/average/group_speeds.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace hemiola {

GroupSpeeds::GroupSpeeds(GroupPlan plan, uint32_t enough, uint64_t seed)
    : plan_(std::move(plan)), enough_(enough), seed_(seed) {
  for (const auto& group : plan_.groups) step_seconds_.resize(step_seconds_.size() + group.size());
}

bool GroupSpeeds::report(uint32_t plan, std::span<const StepTime> times) {
  for (const StepTime& t : times) {
    const bool fits = t.worker.value < step_seconds_.size() && std::isfinite(t.seconds);
    if (!fits || t.seconds < 0) throw std::runtime_error("the speed of a worker that cannot be");
  }
  if (plan != plan_.number) return false;
  for (const StepTime& t : times) {
    if (t.seconds > 0) step_seconds_[t.worker.value] = t.seconds;
  }
  Regrouping decision = decide_regrouping(plan_, enough_, step_seconds_, seed_);
  reason_ = std::move(decision.reason);
  if (!decision.plan) return false;
  plan_ = std::move(*decision.plan);
  std::fill(step_seconds_.begin(), step_seconds_.end(), 0.0);
  return true;
}

}  // namespace hemiola
