// What is to happen after a failure: the one place that decides, and the words for it.
// Pure, and the same wherever the coordinator runs.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "hemiola/cluster/messages.h"
#include "hemiola/cluster/options.h"

namespace hemiola {

// Today every failure ends the job. Going on without a node will be a second outcome here: a
// view of the next epoch, without the members that are gone.
struct Verdict {
  bool end = true;
  std::string reason;
};

// `from` reports `failed`; `judge` is the node that decides, whose own word needs no witness.
Verdict judge_failure(const Failed& failed, NodeId from, NodeId judge);

// Some nodes have not joined by the end of the time: names them, and says who is here.
Verdict judge_absence(std::span<const NodeId> missing, const ClusterOptions& options);

// All have joined, some could not connect to all others in time.
Verdict judge_unready(std::span<const NodeId> missing, const ClusterOptions& options);

}  // namespace hemiola
