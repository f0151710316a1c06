// The cluster machine of one node: joins, connects, keeps in touch, asks and answers for its
// workers, and ends when the job ends. The leader's also houses the coordinator.
//
// The driver starts it with TimerFired{cluster, 0}. It tells ViewChanged when all nodes have
// joined, JobStarted when all are connected, JobOver once; after that it touches no call.
// Workers post calls between JobStarted and JobOver, except Fail, which may come at any time; a
// Fail of kNoWorker speaks for the node as a whole (an interrupt, a file that is missing).
//
// A job that goes on (options.h) survives nodes: a later view leaves out who is lost and takes in
// who came. Then Parting is told, and after Parted the new view's order of things begins. Without
// that, a broken connection ends the job from the view on; before, it is made again.
//
// Who gives the reason: the leader decides. The others report to it what they see and wait a
// moment for its word; only when the leader is the one that is gone, and nobody can follow it, do
// they end by themselves. A keeper of views outside of the nodes lets the next member follow it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hemiola/cluster/calls.h"
#include "hemiola/cluster/coordinator.h"
#include "hemiola/cluster/failure_detector.h"
#include "hemiola/cluster/messages.h"
#include "hemiola/cluster/options.h"
#include "hemiola/core/machine.h"

namespace hemiola {

class ClusterMachine : public Machine {
 public:
  // Throws UserError when the options make no sense.
  explicit ClusterMachine(ClusterOptions options);

  void on(Event& event, Instant now, Outbox& out) override;

 private:
  enum class Phase : uint8_t { idle, joining, connecting, running, parting, over };
  enum class Tag : uint64_t { begin = 0, tick = 1, dial = 2, end_wait = 3 };

  struct Dialling {
    std::string address;
    Instant since;
    Instant next;  // when to try again; only while !busy
    Duration pause;
    Duration told;    // the wait that was last told of
    std::string why;  // of the last try
    bool busy = true;
  };
  struct Waiting {
    ClusterCall* call = nullptr;
    Instant since;
    bool told = false;
  };
  // Where a worker stands in its fixed share of a pass.
  struct FixedShare {
    uint32_t pass = 0;
    size_t at = 0;
    std::vector<uint32_t> blocks;
  };
  // A member without a link to this node: since when, and why.
  struct Loss {
    Instant since;
    std::string why;
    bool never_made = false;  // in this view, or there was no other
    bool reported = false;
  };
  // What this node told the leader, and what it will end with should no answer come.
  struct Report {
    Failed failed;
    Instant until;
  };

  void on_timer(uint64_t tag, Instant now, Outbox& out);
  void on_message(const Envelope& message, Instant now, Outbox& out);
  void hear_asks(Instant now, Outbox& out);
  void on_call(ClusterCall& call, Instant now, Outbox& out);
  void on_up(NodeId peer, Instant now, Outbox& out);
  void on_lost(const PeerLost& lost, Instant now, Outbox& out);
  void on_notice(const Notice& notice, Instant now, Outbox& out);

  void begin(Instant now, Outbox& out);
  void come_in(NodeId leader, const std::string& address, Instant now, Outbox& out);
  void tick(Instant now, Outbox& out);
  void beat(Instant now, Outbox& out);
  void judge_silences(Instant now, Outbox& out);
  void say_waits(Instant now, Outbox& out);
  void say_entry(Instant now, Outbox& out);
  std::string waits_for(const ClusterCall& call, const Heartbeat& waits) const;

  void dial(NodeId peer, const std::string& address, Instant now, Outbox& out);
  void dial_failed(Dialling& d, const PeerLost& lost, Instant now, Outbox& out);
  void redial(Instant now, Outbox& out);
  void join(Outbox& out);
  void on_view(View view, Instant now, Outbox& out);
  void adopt(View view, Instant now, Outbox& out);
  void become_ready(Outbox& out);
  void start(const Agenda& agenda, Outbox& out);
  void on_stored(const View& view, Instant now, Outbox& out);
  void begin_anew(Instant now, Outbox& out);
  void keep_again(Epoch kept, Outbox& out);
  bool is_of_this_job(const View& view) const;
  void member_lost(NodeId peer, const std::string& why, Instant now, Outbox& out);
  void replaced(NodeId peer, Instant now, Outbox& out);
  bool is_member(NodeId node, uint64_t instance) const;
  void follow_lost_leader(Instant now, Outbox& out);
  void judge_losses(Instant now, Outbox& out);

  void tell_done(uint32_t pass, std::vector<BlockDone>& done, Outbox& out);
  void on_next_block(NextBlock& call, Instant now, Outbox& out);
  void give_fixed(NextBlock& call, Outbox& out);
  void on_give_block(const GiveBlock& give, Outbox& out);
  void on_reduce_sum(const ReduceSum& sum, Outbox& out);
  void report(Failed failed, Instant now, Outbox& out);
  bool others_go_on() const;
  JobOver end_after(const Failed& cause, bool others_go_on) const;
  void on_end(const End& end, Outbox& out);
  void on_leave_asked(const LeaveAsked& asked, Outbox& out);
  void ask_leave(Outbox& out);
  void left(Outbox& out);
  void over(JobOver how, Outbox& out);

  static bool is_bound_to_view(Kind kind);
  bool coordinates() const { return coordinator_.has_value(); }
  NodeId leader() const { return view_.members.empty() ? at_first_ : view_.members[0].node; }
  Duration elapsed(Instant now) const;

  const ClusterOptions options_;
  std::optional<Coordinator> coordinator_;  // of the leader, or of who wants to follow it
  FailureDetector detector_;
  Phase phase_ = Phase::idle;

  View view_;
  std::optional<View> next_;                          // while workers part for it
  NodeId at_first_{0};                                // whom to ask to be let in,
  std::string leader_address_;                        // and where
  std::vector<Envelope> early_;                       // of views to come
  std::map<std::pair<NodeId, Kind>, Envelope> asks_;  // heard before this node leads
  std::map<NodeId, Loss> lost_;                       // members
  bool heard_of_view_ = false;                        // while it wants to come in; and since when
  std::optional<Instant> forgotten_since_;            // its keeper holds none any more
  std::optional<Instant> store_lost_;  // since when the keeper of views does not answer
  bool foreign_ = false;               // its keeper holds a view of another run
  std::optional<Instant> cut_since_;   // since then members are missing too
  bool workers_run_ = false;           // since JobStarted, and they have not parted
  bool connected_ = false;             // Connected was told for this view
  uint32_t state_ready_ = 0;           // machines that told StateReady for this view
  RowsRecovered rows_recovered_;       // by them
  std::set<uint32_t> in_hand_;         // blocks of workers here, in the last view they worked under
  std::set<NodeId> links_;             // connections that work
  std::map<NodeId, Dialling> dials_;   // those that this node is to make
  bool ready_sent_ = false;
  uint64_t beats_ = 0;
  std::optional<LeaveAsked> leave_asked_;
  Instant entry_since_;  // waits to be let in, or for the start under a view
  Duration entry_said_;
  Heartbeat told_;  // the leader's latest word
  Instant told_at_;
  Agenda agenda_;      // what this node knows of the work
  Agenda begun_with_;  // what was done when this view's work began

  std::vector<Waiting> waiting_;  // calls not yet completed, in order of posting
  std::map<WorkerId, FixedShare> fixed_;
  std::shared_ptr<const BlockPlan> plan_;  // the one that plan_hash_ is of
  uint64_t plan_hash_ = 0;
  std::optional<Report> report_;
};

}  // namespace hemiola
