// The modelled computers: how long work takes on each of them, stragglers included.
#pragma once

#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/types.h"

namespace hemiola::sim {

struct ComputerModel {
  std::vector<double> speeds;  // by node: 2 is twice as fast; nodes beyond the list have 1
  double spread = 0;           // each piece of work takes up to this share longer or shorter
  double slow_chance = 0;      // this share of the pieces of work takes slow_factor as long
  double slow_factor = 2;
  double stall_chance = 0;  // this share of the pieces of work is stopped for `stall`
  Duration stall = milliseconds(50);

  double speed(NodeId node) const { return node.value < speeds.size() ? speeds[node.value] : 1.0; }

  // How long work of `cost` (on a computer of speed 1) takes on the node this time. `chance` is
  // the worker's own, so its stalls are the same whatever the others do.
  Duration time_for(Duration cost, NodeId node, Random& chance) const;

  // Throws UserError for values that make no sense.
  void validate() const;
};

}  // namespace hemiola::sim
