#include "hemiola/sim/computer.h"

#include <cmath>
#include <string>

#include "hemiola/core/check.h"

namespace hemiola::sim {

Duration ComputerModel::time_for(Duration cost, NodeId node, Random& chance) const {
  double ns = static_cast<double>(cost.ns) / speed(node);
  if (spread > 0) ns *= chance.uniform(1 - spread, 1 + spread);
  if (slow_chance > 0 && chance.chance(slow_chance)) ns *= slow_factor;
  if (stall_chance > 0 && chance.chance(stall_chance)) ns += static_cast<double>(stall.ns);
  return Duration{std::llround(ns)};
}

void ComputerModel::validate() const {
  const auto require = [](bool holds, const char* text) {
    if (!holds) throw UserError(std::string("computer model: ") + text);
  };
  for (const double s : speeds) require(s > 0, "a speed must be above 0");
  require(spread >= 0 && spread < 1, "spread must be at least 0 and below 1");
  require(slow_chance >= 0 && slow_chance <= 1, "slow_chance must be between 0 and 1");
  require(stall_chance >= 0 && stall_chance <= 1, "stall_chance must be between 0 and 1");
  require(slow_factor > 0 && stall.ns >= 0, "slow_factor and stall must be positive");
}

}  // namespace hemiola::sim
