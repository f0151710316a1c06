// What is to happen after a failure: the one place that decides, and the words for it.
// Pure, and the same wherever the coordinator runs.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "hemiola/cluster/messages.h"
#include "hemiola/cluster/options.h"
#include "hemiola/core/view.h"

namespace hemiola {

// How a job ends in which only newcomers are left.
inline constexpr const char* kNobodyKnows =
    "all nodes that had worked are gone, and with them what they had learnt";

// Without `gone` the failure ends the job. With it, it is one that the job may go on after, without
// that node, if it goes on at all (options.h).
struct Verdict {
  std::string reason;
  std::optional<NodeId> gone = std::nullopt;
};

// `from` reports `failed`; `judge` is the node that decides, whose own word needs no witness. Of
// two nodes without a connection the one that came later goes.
Verdict judge_failure(const Failed& failed, NodeId from, NodeId judge, const View& view = {});

// Some nodes have not joined by the end of the time: names them, and says who is here.
Verdict judge_absence(std::span<const NodeId> missing, const ClusterOptions& options);

// All have joined, some could not connect to all others in time.
Verdict judge_unready(std::span<const NodeId> missing, const ClusterOptions& options);

}  // namespace hemiola
