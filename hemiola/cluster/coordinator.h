// The one who knows: lets nodes in, makes the view, deals blocks, adds up, decides the end.
//
// It talks to nodes only in messages, to the node it lives on as well, so it can live anywhere:
// in node 0's machine today, in the launching process or behind etcd later. What it decides
// comes from pure functions with a reason (admission.h, verdict.h, dealer.h).
//
// Order of things: gathering → connecting (the view is out) → running (all were ready) →
// ending (the others are told) → over (the host is told, the last to go, so that nobody takes its
// closing for a loss).
// Invariants: one view per epoch. No start before all are ready. One end, with one reason.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hemiola/cluster/dealer.h"
#include "hemiola/cluster/messages.h"
#include "hemiola/cluster/options.h"
#include "hemiola/cluster/reducer.h"
#include "hemiola/core/machine.h"

namespace hemiola {

class Coordinator {
 public:
  // options: those of the node it lives on, which must outlive it.
  explicit Coordinator(const ClusterOptions& options) : options_(options) {}

  void begin(Instant now) { phase_since_ = now; }

  // A message for the coordinator; see messages.h for which ones are.
  void on_message(const Envelope& message, Instant now, Outbox& out);
  void on_lost(NodeId node, const std::string& why, Instant now, Outbox& out);
  void on_failed(const Failed& failed, NodeId from, Instant now, Outbox& out);
  // About once per heartbeat period.
  void on_tick(Instant now, Outbox& out);
  // How the data are cut, as the host's workers know it; until then nobody gets a block.
  void on_plan(std::shared_ptr<const BlockPlan> plan, Instant now, Outbox& out);

  // For whom workers wait now; empty texts where nobody does.
  Heartbeat waits(Instant now) const;

 private:
  enum class Phase : uint8_t { gathering, connecting, running, ending, over };

  void on_join(NodeId from, const Join& join, Instant now, Outbox& out);
  void on_ready(NodeId from, Instant now, Outbox& out);
  void on_finished(NodeId from, WorkerId worker, Instant now, Outbox& out);
  void on_want_block(const WantBlock& want, Instant now, Outbox& out);
  void on_reduce_part(NodeId from, ReducePart part, Instant now, Outbox& out);

  void make_view(Instant now, Outbox& out);
  void say_absent(Instant now, Outbox& out);
  void end(bool ok, const std::string& reason, Instant now, Outbox& out);
  void end_host(Outbox& out);
  void acknowledged(NodeId node, Outbox& out);
  void send_all(Kind kind, const Bytes& body, Outbox& out) const;

  bool owns(NodeId node, WorkerId worker) const;
  std::vector<NodeId> absent() const;
  std::vector<NodeId> unready() const;

  const ClusterOptions& options_;
  Phase phase_ = Phase::gathering;
  Instant phase_since_;
  Duration said_absent_;  // since phase_since_

  std::map<NodeId, Join> joined_;
  View view_;
  std::set<NodeId> ready_;

  std::optional<Dealer> dealer_;
  std::vector<WantBlock> early_;  // asked before the plan was known
  std::optional<Reducer> reducer_;
  std::set<WorkerId> finished_;
  Instant finishing_since_;

  Bytes end_;                 // what all are told
  std::set<NodeId> unaware_;  // told of the end, and not heard from since
};

}  // namespace hemiola
