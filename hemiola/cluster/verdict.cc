#include "hemiola/cluster/verdict.h"

#include "hemiola/cluster/why.h"

namespace hemiola {

Verdict judge_failure(const Failed& failed, NodeId from, NodeId judge, const View& view) {
  const NodeId node{failed.subject};
  const std::string subject = name_of(node);
  const std::string witness = from == judge ? "" : " (seen by " + name_of(from) + ")";
  const NodeId later = from != judge && view.rank_of(from) > view.rank_of(node) ? from : node;
  switch (failed.what) {
    case Failed::What::worker:
    case Failed::What::alone: {
      const bool whole = failed.subject == kNoWorker.value;
      const std::string worker = whole ? "" : ", worker " + std::to_string(failed.subject);
      const bool alone = failed.what == Failed::What::alone;
      return {name_of(from) + worker + ": " + failed.text,
              alone ? std::optional(from) : std::nullopt};
    }
    case Failed::What::lost:
      return {subject + " was lost: " + failed.text + witness, later};
    case Failed::What::silent:
      return {failed.text + witness, later};
    case Failed::What::unreachable:
      return {name_of(from) + " cannot reach " + subject + " " + failed.text, later};
    case Failed::What::nonsense:
      return {subject + " sent " + failed.text + witness};
  }
  return {name_of(from) + " failed: " + failed.text};
}

Verdict judge_absence(std::span<const NodeId> missing, const ClusterOptions& o) {
  return {names_of(missing) + " never arrived: waited " + text_of(o.join_timeout) +
          (o.address.empty() ? "" : " at " + o.address) + "; " +
          std::to_string(o.nodes - missing.size()) + " of " + std::to_string(o.nodes) +
          " nodes are here"};
}

Verdict judge_unready(std::span<const NodeId> missing, const ClusterOptions& o) {
  return {names_of(missing) + (missing.size() == 1 ? " has" : " have") +
          " no connection to all other nodes: waited " + text_of(o.join_timeout)};
}

}  // namespace hemiola
