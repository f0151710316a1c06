// The words in which waits, losses and refusals are told.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "hemiola/core/types.h"
#include "hemiola/core/view.h"

namespace hemiola {

// "12.3 s"; "60 s" when whole.
std::string text_of(Duration d);

std::string name_of(NodeId node);  // "node 2"

// "node 2", "nodes 1 and 2", "nodes 1, 2, 3 and 17 more".
std::string names_of(std::span<const NodeId> nodes);

// "worker 5 on node 2"; "workers 4 and 5 on node 2, worker 7 on node 3 and 9 more".
std::string names_of(std::span<const WorkerId> workers, const View& view);

// The node that runs the worker. REQUIRES: the worker is one of the view's.
NodeId node_of(WorkerId worker, const View& view);

}  // namespace hemiola
