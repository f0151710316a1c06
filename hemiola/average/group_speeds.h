// How fast workers are, as their groups' controllers see it, and the plan that follows from it.
// Stands at worker 0.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/group_plan.h"

namespace hemiola {

struct StepTime {
  WorkerId worker;
  float seconds = 0;  // of a step, without waiting; 0: not known
};

class GroupSpeeds {
 public:
  GroupSpeeds(GroupPlan plan, uint32_t enough, uint64_t seed);

  // Of a group of plan `plan`; of another plan it changes nothing. Returns a new plan if there is
  // a better one: then plan() is that one, and all speeds are to be measured again in it.
  // Throws std::runtime_error for a worker that is none.
  bool report(uint32_t plan, std::span<const StepTime> times);

  const GroupPlan& plan() const { return plan_; }
  const std::string& reason() const { return reason_; }  // of the last decision

 private:
  GroupPlan plan_;
  const uint32_t enough_;
  const uint64_t seed_;
  std::vector<double> step_seconds_;  // by worker
  std::string reason_;
};

}  // namespace hemiola
