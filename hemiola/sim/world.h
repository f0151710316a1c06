// The simulator: the second driver of the machines. Nodes, their loops, their workers and the
// network between them run in one thread and in virtual time, and all chance is drawn from one
// seed: the same seed gives the same run, bit by bit.
//
// Nothing in here looks at a clock, an address or the order of a hash table.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hemiola/core/node_core.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/sim/computer.h"
#include "hemiola/sim/event_queue.h"
#include "hemiola/sim/faults.h"
#include "hemiola/sim/network.h"
#include "hemiola/sim/trace.h"
#include "hemiola/sim/worker.h"

namespace hemiola::sim {

struct WorldOptions {
  uint64_t seed = 1;
  NetworkModel network;
  ComputerModel computer;
  std::vector<Fault> faults;

  Instant deadline{seconds(1e6).ns};  // the run stops here, finished or not
  size_t max_events = SIZE_MAX;       // and after so many events

  Duration loop_cost_per_message = microseconds(1);  // a loop's time for an event or a send,
  double loop_ns_per_byte = 0.1;                     // and for each byte of their bodies
  Duration call_cost = nanoseconds(100);             // a worker's time for posting a call
  Duration hand_over = microseconds(1);     // from worker to loop, and back; up to twice so much
  Duration start_spread = milliseconds(1);  // nodes and workers start within so much

  size_t stack_bytes = 256 << 10;  // of each worker
  bool record_trace = false;       // keep the trace as text, a line per event

  // There is a keeper of views outside of the nodes; each hears from it at its start.
  bool view_store = false;
  bool store_takes_all = false;  // a defect: views are not compared before they are swapped
  // Makes the process that takes the place of a node that is gone: its core, and its workers' code.
  std::function<std::pair<std::unique_ptr<NodeCore>, std::function<void(WorkerPort&)>>(NodeId)>
      reborn;

  std::function<void(Instant, NodeId, Level, std::string_view)> log;
  std::function<void()> after_event;  // e.g. a check of invariants; what it throws leaves run()
};

struct Outcome {
  bool finished = false;  // all nodes that live have told that the job is over
  JobOver over;           // the first that went wrong, else as planned
  Instant end;
  uint64_t trace_hash = 0;
  uint64_t events = 0;       // handled by machines
  std::string stuck_reason;  // when not finished: why, and who waits where
};

struct NodeCounters {
  uint64_t messages_sent = 0;
  uint64_t bytes_sent = 0;  // frames included
  uint64_t messages_received = 0;
  uint64_t messages_lost = 0;  // sent without a connection, or lost with it
  uint64_t events = 0;         // handled by its machines
  Duration loop_busy;
};

class World {
 public:
  explicit World(WorldOptions options);
  // Workers that have not ended are unwound: JobEnded is thrown out of their wait.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Nodes come in order: core->self() counts from 0. The node's loop owns the core.
  void add_node(std::unique_ptr<NodeCore> core, std::function<void(WorkerPort&)> worker_main);

  // A node that is not there at the start: it may come by a restart (WorldOptions::reborn).
  void add_absent();

  // For tests of single machines: there is no cluster machine. Each node is told the view, sees
  // PeerUp of all others and JobStarted; the run ends once all workers have returned.
  // when_ready: nodes are told Connected, and JobStarted once all have told StateReady.
  void start_without_cluster(View view, bool when_ready = false);

  // Runs until the job is over on all nodes (each gets TimerFired{cluster, 0} at its start), or
  // nothing more can happen, or a limit is reached. Where the job is over, the machines get no
  // more events and the workers JobEnded. All workers are unwound when it returns.
  // Throws what a worker's code threw, JobEnded apart. REQUIRES: called once.
  Outcome run();

  // Adds a fault to the schedule; also during the run.
  void inject(const Fault& fault);

  Instant now() const { return now_; }
  size_t nodes() const { return nodes_.size(); }
  NodeCore& core(NodeId id) { return *node(id).core; }
  const NodeCounters& counters(NodeId id) const { return nodes_[id.value]->counters; }
  const Network& network() const { return *network_; }  // REQUIRES: it has run
  bool alive(NodeId id) const { return !nodes_[id.value]->dead; }
  // What the keeper of views holds.
  const View& stored_view() const { return stored_; }
  const Trace& trace() const { return trace_; }
  const WorldOptions& options() const { return options_; }

 private:
  friend class Worker;

  enum class What : uint8_t {
    message,
    timer,
    call,
    peer_up,
    peer_lost,
    parted,
    stored,
    store_lost,
    leave_asked,  // for a node's loop
    loop,         // the loop has time for the next
    resume,
    connect,
    fault,
    release,
    ask_store,
    half_ends,
    ice_ends  // for the world itself
  };

  struct Record {
    What what{};
    bool admitted = false;  // message: has passed the receiver's card
    bool again = false;     // peer_up
    Kind kind{};
    NodeId node;  // whom it is for
    NodeId peer;
    uint32_t number = 0;  // a generation, an epoch of the ice, a turn, or a MachineId
    uint32_t age = 0;     // call, timer: the node's life or generation; links: Link::ended
    std::shared_ptr<const Outbox::Proposal> proposal = nullptr;
    Epoch epoch;
    uint64_t tag = 0;  // of a timer; index of a worker or a fault
    Call* call = nullptr;
    const char* why = "";
    Bytes body;
  };

  // Invariant: while the inbox holds something and the node is not frozen, a `loop` event is due.
  struct Node {
    std::unique_ptr<NodeCore> core;
    std::function<void(WorkerPort&)> worker_main;
    std::deque<uint32_t> inbox;  // slots, in order of arrival
    Instant busy_until;
    bool loop_due = false;
    bool dead = false;
    bool started = false;  // has seen JobStarted
    bool over = false;
    bool parting = false;
    uint32_t life = 0;        // numbers the processes that were this node
    uint32_t generation = 0;  // numbers its sets of workers; also over its lives
    bool over_well = false;
    std::string over_reason;
    Member self;
    std::vector<uint32_t> workers;
    NodeCounters counters;
    // frozen: since when, for how long in all before, and what waits for the thaw
    bool frozen = false;
    uint32_t ice = 0;  // numbers the freezes
    Instant frozen_since;
    Instant frozen_until;
    int64_t frozen_ns = 0;
    std::vector<std::pair<uint32_t, Instant>> stalled;  // slots of resumes, and when they were due
    Instant slow_until;
    double slow_factor = 1;
  };

  Node& node(NodeId id) { return *nodes_[id.value]; }
  bool gone(NodeId id) const { return nodes_[id.value]->dead || nodes_[id.value]->over; }

  // The queue.
  uint32_t take(Record record);
  void drop(uint32_t slot);
  void push(Instant at, Record record);
  void push_slot(Instant at, uint32_t slot);
  void push_call(NodeId node, Call& call, Instant at);
  void push_resume(const Worker& worker, Instant at);
  Instant hand_over(Instant at);
  Duration time_for(Duration cost, Worker& worker);

  // The run.
  void start();
  void dispatch(uint32_t slot);
  void arrive(uint32_t slot);
  void enqueue(uint32_t slot);
  void schedule_loop(NodeId id, Node& node);
  void turn_loop(NodeId id);
  void handle(NodeId id, uint32_t slot);
  Event event_of(Record& record);
  void note(const Record& record);
  void carry_out(NodeId id, int64_t cost_ns);
  void transmit(NodeId from, Outbox::Send& send, Instant at);
  void depart(uint32_t slot, Instant at);
  void complete(NodeId id, Call& call, Instant at);
  void act_on(NodeId id, Notice& notice);
  void start_workers(NodeId id);
  void part_workers(NodeId id);
  void tell_if_parted(NodeId id);
  bool is_stale(const Record& record);
  void ask_store(const Record& record);
  void tell_of_store(NodeId id);
  void end_job(NodeId id, const JobOver& over);
  void resume(uint32_t slot);
  bool done() const;
  Outcome conclude(std::string stuck);
  std::string who_is_left() const;
  void unwind_workers(const std::string& reason);

  // Connections and faults.
  void dial(NodeId from, NodeId to, Instant at);
  void connect(const Record& record);
  void peer_up(uint32_t slot);
  void lose(NodeId at_end, NodeId peer, const char* why, Instant at);
  void apply(const Fault& fault);
  void drop_connection(NodeId a, NodeId b, Instant down_until);
  void half_open(NodeId a, NodeId b, Instant end);
  void end_half(const Record& record);
  void lose_what_is_underway(Link& link);
  void cut(NodeId from, NodeId to, Instant end);
  void release(NodeId from, NodeId to);
  void freeze_node(NodeId id, Instant end);
  void thaw_node(NodeId id);
  void kill_node(NodeId id);
  void restart_node(NodeId id);
  void leave(NodeId id);
  void close(NodeId id, NodeId peer, Duration later, const char* why);

  WorldOptions options_;
  Instant now_;
  Random ties_;
  Random chance_;
  Trace trace_;
  EventQueue queue_;
  std::vector<Record> records_;  // by slot
  std::vector<uint32_t> free_slots_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::unique_ptr<Network> network_;
  std::vector<Fault> faults_;
  std::vector<std::unique_ptr<Worker>> workers_;  // in order of their start
  View stored_;                                   // what the keeper of views holds
  Instant store_away_until_;
  Outbox out_;
  uint64_t events_ = 0;
  uint64_t popped_ = 0;
  bool ran_ = false;
  size_t nodes_left_ = 0;    // alive, and the job is not over there
  size_t workers_left_ = 0;  // started and not ended, on nodes that live
  std::unique_ptr<View> clusterless_;
  size_t not_ready_ = 0;    // clusterless: nodes that are waited for until workers start
  size_t not_started_ = 0;  // clusterless: nodes that have not seen JobStarted
  bool any_over_ = false;
  JobOver over_;
  std::string ended_;  // the reason given to workers that are unwound at the end
  std::exception_ptr failure_;
};

}  // namespace hemiola::sim
