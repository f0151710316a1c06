#include "hemiola/cluster/options.h"

#include "hemiola/core/check.h"

namespace hemiola {

void validate(const ClusterOptions& o) {
  const auto refuse = [](const std::string& text) { throw UserError(text); };
  if (o.nodes == 0) refuse("cluster.nodes is 0: a job has at least one node");
  if (o.self.value >= most_nodes(o)) {
    refuse("rank " + std::to_string(o.self.value) + " does not exist in a job of " +
           std::to_string(most_nodes(o)) + " nodes: ranks count from 0");
  }
  if (o.min_nodes > o.nodes || most_nodes(o) < o.nodes) {
    refuse("a job that starts with " + std::to_string(o.nodes) + " nodes cannot have at least " +
           std::to_string(o.min_nodes) + " and at most " + std::to_string(most_nodes(o)));
  }
  if (o.workers == 0) refuse("cluster.workers is 0: a node has at least one worker");
  if (o.nodes > 1 && o.address.empty()) refuse("this node has no address for its peers");
  if (o.self.value > 0 && o.rendezvous.empty()) {
    refuse("the address of node 0 is missing: give --rendezvous tcp:HOST:PORT");
  }
  if (o.instance == 0) refuse("instance 0 stands for all nodes: give another number");
  if (o.heartbeat <= Duration{}) refuse("the time between heartbeats must be more than 0");
  if (o.silence_warn < o.heartbeat + o.heartbeat) {
    refuse("a peer cannot be called silent before two heartbeats have passed");
  }
  if (o.on_silence == OnSilence::end && o.silence_limit < o.silence_warn) {
    refuse("the silence that ends a job must not be shorter than the silence that is reported");
  }
}

}  // namespace hemiola
