// The one who knows: lets nodes in, makes views, deals blocks, adds up, decides the end. The
// first member of a view, its leader, houses it; node 0 does so while there is no view.
//
// It talks to nodes only in messages, to the node it lives on as well. What it decides comes from
// pure functions with a reason (admission.h, verdict.h, dealer.h).
//
// Order of things: gathering → connecting (the view is out) → running (all were ready) →
// ending (the others are told) → over (the host is told, the last to go, so that nobody takes its
// closing for a loss). When nodes go or come it wants another view; once that is in force it
// begins anew with connecting, from what the members know of the work (agenda.h).
// A node that is asked to leave becomes one of those that leave in the next view, and may go when
// that starts. A job that is asked to end early winds up while it runs: no more blocks, the sums
// that are under way, and what workers do at the end of a job. Invariants: one view per epoch. No
// start before all are ready. One end, with one reason.
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

  // Of a job that has no view yet.
  void begin(Instant now) { phase_since_ = now; }
  // The view is in force, and this node is its first member. elapsed: how long the job has run.
  void lead(const View& view, Duration elapsed, Instant now, Outbox& out);
  // All members before this node are gone: it wants a view without them.
  void succeed(const View& view, const std::map<NodeId, std::string>& gone, Duration elapsed,
               Instant now, Outbox& out);

  // A message for the coordinator; see messages.h for which ones are.
  void on_message(const Envelope& message, Instant now, Outbox& out);
  void on_lost(NodeId node, const std::string& why, Instant now, Outbox& out);
  void on_failed(const Failed& failed, NodeId from, Instant now, Outbox& out);
  // About once per heartbeat period.
  void on_tick(Instant now, Outbox& out);
  void on_ask_leave(NodeId from, const AskLeave& ask, Instant now, Outbox& out);
  // How the data of a pass are cut, as the host's workers know it; until then nobody gets a block.
  void on_plan(uint32_t pass, std::shared_ptr<const BlockPlan> plan, Instant now, Outbox& out);
  void on_blocks_done(const BlocksDone& done);

  // A member that is to be left out of the next view.
  std::optional<NodeId> first_gone() const {
    return gone_.empty() ? std::nullopt : std::optional(gone_.begin()->first);
  }

  // It wants to come in, and is in no view yet.
  bool has_asked(NodeId node) const { return joined_.contains(node); }
  // For whom workers wait now (empty texts where nobody does), and how long the job has run.
  Heartbeat waits(Instant now) const;

 private:
  enum class Phase : uint8_t { gathering, connecting, running, ending, over };

  void on_join(NodeId from, const Join& join, Instant now, Outbox& out);
  void on_ready(NodeId from, const Ready& ready, Instant now, Outbox& out);
  void on_finished(NodeId from, WorkerId worker, Instant now, Outbox& out);
  void on_want_block(const WantBlock& want, Instant now, Outbox& out);
  void on_reduce_part(NodeId from, ReducePart part, Instant now, Outbox& out);

  void refuse(NodeId from, const Join& join, const std::string& why, Outbox& out) const;
  void remove(NodeId node, const std::string& reason, Instant now, Outbox& out);
  void change_view(Instant now, Outbox& out);
  View next_view() const;
  void note_change(Outbox& out);
  void let_leave(Instant now, Outbox& out);
  void say_absent(Instant now, Outbox& out);
  void say_unready(Instant now, Outbox& out);
  void wind_up(const std::string& reason, Instant now, Outbox& out);
  void end(bool ok, const std::string& reason, Instant now, Outbox& out);
  void end_host(Outbox& out);
  void acknowledged(NodeId node, Outbox& out);
  void send_all(Kind kind, const Bytes& body, Outbox& out) const;

  Duration elapsed(Instant now) const;
  bool owns(NodeId node, WorkerId worker) const;
  bool known_to_be_gone(NodeId node) const;
  bool cuts_off(NodeId node) const;
  std::vector<NodeId> absent() const;
  std::vector<NodeId> unready() const;

  const ClusterOptions& options_;
  Phase phase_ = Phase::gathering;
  Instant phase_since_;
  Duration said_absent_;  // since phase_since_

  std::map<NodeId, Join> joined_;  // asked to come in, and are in no view yet
  View view_;
  std::map<NodeId, std::string> gone_;       // members that are to be left out, and why
  std::set<NodeId> unlinked_;                // members whose link broke: they are told nothing
  std::map<NodeId, Instant> wish_to_leave_;  // members that were asked to, and when that was
  std::set<NodeId> let_go_;                  // those that leave with the next view
  bool wants_view_ = false;                  // one was asked for, to follow view_
  Instant asked_for_view_;
  std::set<NodeId> ready_;
  uint64_t blocks_again_ = 0;     // as those who are ready tell,
  RowsRecovered rows_recovered_;  // and what they have got
  std::set<uint32_t> in_hand_;    // blocks that were dealt out, and are not done
  uint64_t left_in_hand_ = 0;     // by the workers of the last view
  std::optional<Instant> paused_since_;
  uint32_t at_work_ = 0;     // nodes of the last view under which workers ran
  Duration elapsed_before_;  // of the job, when running_since_ was
  std::optional<Instant> running_since_;

  Agenda agenda_;
  std::optional<Agenda> begun_with_;    // the agenda when this view's work began
  std::map<uint64_t, Dealer> dealers_;  // by hash of the plan
  std::optional<std::pair<uint32_t, uint64_t>>
      plan_;                      // the host's latest pass, and its plan's hash
  std::vector<WantBlock> early_;  // asked before the plan was known
  std::optional<Reducer> reducer_;
  std::set<WorkerId> finished_;
  Instant finishing_since_;
  std::string winds_up_;  // not empty: the job is to end in order, because of this
  bool cut_ = false;      // of the sum under way: a pass that it was to close

  Bytes end_;                 // what all are told
  std::set<NodeId> unaware_;  // told of the end, and not heard from since
};

}  // namespace hemiola
