// Where in the job a node stands.
#pragma once

#include <cstdint>

#include "hemiola/core/types.h"

namespace hemiola {

// The same numbers on all nodes but for `self`.
struct Place {
  NodeId self;
  uint32_t nodes = 1;
  uint32_t workers_per_node = 1;
  // Beside the nodes, and numbered behind them: those that hand over what they have, and go
  // (core/view.h). They own nothing.
  uint32_t leaving = 0;

  uint32_t parties() const { return nodes + leaving; }
  bool leaves() const { return self.value >= nodes; }

  WorkerId first_worker() const { return WorkerId{self.value * workers_per_node}; }
  NodeId node_of(WorkerId worker) const { return NodeId{worker.value / workers_per_node}; }
  uint32_t workers() const { return nodes * workers_per_node; }
};

}  // namespace hemiola
