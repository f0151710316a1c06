// May this node join? Pure judgements with a reason.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "hemiola/cluster/messages.h"
#include "hemiola/cluster/options.h"

namespace hemiola {

// The sentence with which node 0 (whose settings are `here`) refuses `join`, which came over the
// link of node `from`; nothing when it may come in. `joined` are those let in so far: a rank that
// another process holds is refused, the same process may join again.
std::optional<std::string> refusal(const ClusterOptions& here, NodeId from, const Join& join,
                                   const std::map<NodeId, Join>& joined);

// Where two summaries of "key = value" lines differ first, in a clause: "dim = 16 there and
// dim = 32 here". Empty when they are the same.
std::string difference(const std::string& there, const std::string& here);

}  // namespace hemiola
