// A tiny world for tests of the cluster machine: nodes in memory, connections that keep order,
// a clock that is moved by hand. It writes down what happens and checks the invariants as it goes.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hemiola/cluster/machine.h"
#include "hemiola/core/node_core.h"
#include "hemiola/core/random.h"

namespace hemiola {

// "give_block worker 3 pass 0: block 5"
std::string describe(Kind kind, const Bytes& body);

// What must hold whatever the order of events. Each function gives the first violation, or "".
class Invariants {
 public:
  void born(NodeId node) { ended_.erase(node); }
  std::string viewed(NodeId node, const View& view);
  std::string started(NodeId node, size_t links);
  std::string ended(NodeId node, const JobOver& over);
  std::string given(WorkerId worker, uint32_t pass, uint32_t block);
  std::string summed(uint32_t round, const std::vector<double>& sum);

  const std::map<uint32_t, std::set<uint32_t>>& dealt() const { return dealt_; }

 private:
  std::map<Epoch, Bytes> views_;  // as encoded
  std::set<NodeId> viewers_;
  std::set<NodeId> ended_;
  std::map<uint32_t, std::set<uint32_t>> dealt_;  // pass → blocks
  std::map<uint32_t, std::vector<double>> sums_;
};

class Harness {
 public:
  explicit Harness(uint32_t nodes, uint32_t workers_per_node);

  // Before start(): each node's settings.
  ClusterOptions& options(uint32_t node) { return options_[node]; }
  void start(uint32_t node);
  void start_all();

  // Delivers the next event of one connection, chosen by `random`; false when none is waiting.
  bool deliver_one(Random& random);
  void deliver_all();
  // Moves the clock, fires timers in order and delivers all that follows.
  void advance(Duration d);
  // Moves the clock to the next timer and fires it; delivers nothing.
  bool fire_next_timer();

  void lose(uint32_t node, const std::string& why);
  void cut(uint32_t a, uint32_t b, const std::string& why);
  void freeze(uint32_t node) { nodes_[node].frozen = true; }
  void thaw(uint32_t node);

  // Posts a call in the name of the worker; the harness keeps it.
  void post(std::shared_ptr<ClusterCall> call, WorkerId worker);
  // The latest call of the worker, when it is complete.
  ClusterCall* completed(WorkerId worker);
  // Hands a message to a node as if a peer had sent it.
  void inject(uint32_t from, uint32_t to, Kind kind, Bytes body);

  void ask_leave(uint32_t node, bool whole_job) { run(node, LeaveAsked{whole_job}); }
  void inject_notice(uint32_t node, Notice notice);
  // Changes messages as they are sent.
  void tamper(std::function<void(Envelope&)> change) { tamper_ = std::move(change); }

  uint32_t nodes() const { return static_cast<uint32_t>(nodes_.size()); }
  uint32_t node_of_worker(WorkerId worker) const;
  bool started(uint32_t node) const { return nodes_[node].started; }
  const std::optional<JobOver>& over(uint32_t node) const { return nodes_[node].over; }
  Instant now() const { return now_; }
  uint32_t workers() const;
  const Invariants& invariants() const { return invariants_; }
  const std::string& violation() const { return violation_; }
  std::string take_log() { return std::exchange(log_, {}); }
  void show_messages(bool on) { show_messages_ = on; }
  void show_heartbeats(bool on) { show_heartbeats_ = on; }

 private:
  struct Node {
    std::unique_ptr<NodeCore> core;  // null: not started, or gone
    bool frozen = false;
    bool started = false;
    std::optional<JobOver> over;
    std::set<uint32_t> links;
    std::set<uint32_t> ever_linked;
  };
  struct Timer {
    Instant when;
    uint64_t order;
    uint32_t node;
    MachineId target;
    uint64_t tag;
    uint64_t life;  // of the node's process

    auto operator<=>(const Timer& o) const {
      return std::pair(when, order) <=> std::pair(o.when, o.order);
    }
    bool operator==(const Timer& o) const { return order == o.order; }
  };
  using Queue = std::pair<uint32_t, uint32_t>;  // from, to

  void run(uint32_t node, Event event);
  void carry_out(uint32_t node, Outbox& out);
  void told(uint32_t node, const Notice& notice);
  void completed_call(Call& call);
  void dial(uint32_t from, uint32_t to);
  void close(uint32_t node, const std::string& why);
  void deliver(const Queue& queue);
  std::vector<Queue> waiting() const;
  void note(const std::string& line);
  void check(const std::string& violation);
  bool awake(uint32_t node) const { return nodes_[node].core && !nodes_[node].frozen; }

  std::vector<ClusterOptions> options_;
  std::vector<Node> nodes_;
  std::vector<uint64_t> lives_;
  std::map<Queue, std::deque<Event>> queues_;
  std::set<Timer> timers_;
  uint64_t order_ = 0;
  Instant now_;
  std::map<WorkerId, std::vector<std::shared_ptr<ClusterCall>>> calls_;
  Invariants invariants_;
  std::function<void(Envelope&)> tamper_;
  std::string violation_;
  std::string log_;
  bool show_messages_ = true;
  bool show_heartbeats_ = false;
};

}  // namespace hemiola
