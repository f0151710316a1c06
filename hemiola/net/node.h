// A node for real: runs the machines of a NodeCore on sockets, timers and worker threads.
//
// Whoever holds the baton runs the loop: it takes events from the poller, feeds them to the core
// and carries out what the core wants. The thread in run() does so all the time. A worker does so
// for its own call when it posts one, and goes on while it waits for it, so on the way of a
// request and its answer no thread has to wake another. Threads sleep in the poller or on a futex;
// only the worker that runs the loop looks for a moment before it sleeps, as long as that pays
// (net/patience.h).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/core/node_core.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/net/baton.h"
#include "hemiola/net/links.h"
#include "hemiola/net/patience.h"
#include "hemiola/net/poller.h"

namespace hemiola::net {

struct NodeOptions {
  NodeId self;
  uint32_t nodes = 1;
  std::string job;     // nodes of different jobs refuse each other
  std::string secret;  // shared by all nodes of the job
  TlsSettings tls;

  // While more than this waits to be sent, calls of workers are not taken, until it is half.
  size_t high_water_bytes = size_t{64} << 20;
  size_t max_frame_bytes = size_t{256} << 20;  // the longest message
  int join_ms = 60'000;                        // a peer must be reached within this time
  int hello_ms = 5'000;                        // a connection must prove itself within this time
  int silence_ms = 15'000;                     // a machine without sign of life is given up
  int spin_us = 20;                            // a worker that waits looks so long before it sleeps
  int flush_ms = 2'000;                        // at the end: for what is queued, and for peers
  size_t max_strangers = 64;                   // connections that have not proven themselves yet
  uint16_t wire_version = kWireVersion;        // others only in tests

  // Called by whoever runs the loop; must not block. None: no log.
  std::function<void(Level, std::string_view)> log;
  // To the keeper of views, which answers by Node::tell. The same holds.
  std::function<void(Outbox::Proposal)> propose;
};

// Live; each number only grows. Frames between nodes, headers included.
struct NodeStats {
  std::atomic<uint64_t> bytes_sent{0};
  std::atomic<uint64_t> messages_sent{0};
  std::atomic<uint64_t> bytes_received{0};
  std::atomic<uint64_t> messages_received{0};
  std::atomic<uint64_t> backlog_bytes{0};  // goes up and down
};

class Node final : private LinkSink {
 public:
  // worker_main runs in a thread of its own for each worker that the view gives this node; again,
  // in new threads, when another view has been made.
  Node(NodeOptions options, Listener listener, std::unique_ptr<NodeCore> core,
       std::function<void(WorkerPort&)> worker_main);
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Runs until the job is over, in the calling thread. Starts with TimerFired{cluster, 0}.
  // When it returns all workers have ended and all links are closed. Called once.
  JobOver run();

  // Ends the job of this node: its machines are told JobOver{false, reason}. From any thread,
  // also before run().
  void stop(std::string reason);
  // As stop("interrupted"), but may be called in a signal handler.
  void interrupt();

  // An event from outside, as ViewStored. From any thread, also before run().
  void tell(Event event);

  const NodeStats& stats() const { return stats_; }

 private:
  class Seat;
  struct Timer {
    Instant when;
    uint64_t order = 0;  // timers of one instant fire as they were set
    MachineId target{};
    uint64_t tag = 0;
    friend bool operator>(const Timer& a, const Timer& b) {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };

  // LinkSink
  void message(Envelope&& envelope) override;
  void peer_up(NodeId peer, bool again) override;
  void peer_lost(NodeId peer, std::string why, bool final) override;
  void say(Level level, std::string text) override;

  // All of these: with the baton.
  void handle(Event event);
  void carry_out();
  void complete(Call& call);
  void told(const Notice& notice);
  void start_workers();
  void part();
  void end_parting();
  void forget_timers_of_shared_state();
  void take_told();
  bool halted() const { return over_ || parting_; }
  void job_over(JobOver how);
  void work();
  void work_round(bool& more);
  bool take_calls();
  void look();
  void take_events(std::span<const epoll_event> events);
  void fire_timers();
  void arm();
  void publish();
  void close_down();
  // Gives the baton back and makes sure that no call is left that nobody takes.
  void release();

  // Of worker threads, without the baton.
  void post(Seat& seat, Call& call);
  void wait(Seat& seat, Call& call);
  void sleep(Duration time);
  void drive(Seat& seat, Call& call);  // with the baton
  size_t look_for_a_moment(std::span<epoll_event> events);
  void leave();  // gives the baton back
  void run_worker(Seat& seat);

  const NodeOptions options_;
  const LinksOptions links_options_;
  Poller poller_;
  Baton baton_;

  // Guarded by baton_.
  std::unique_ptr<NodeCore> core_;
  Links links_;
  Outbox out_;
  Instant now_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  uint64_t timers_made_ = 0;
  Instant armed_;
  bool timer_due_ = false;
  std::vector<Call*> taken_;  // calls out of posted_, in order, from taken_first_ on
  size_t taken_first_ = 0;
  uint32_t workers_ = 0;
  WorkerId first_worker_;
  std::vector<std::unique_ptr<Seat>> seats_;  // by worker - first_worker_
  JobOver result_;
  // The worker that waits in the poller; the gate is closed as long as there is one.
  Seat* driver_ = nullptr;
  Patience patience_;  // the driver's

  const std::function<void(WorkerPort&)> worker_main_;
  std::atomic<Call*> posted_{nullptr};  // a stack: the last is first
  std::atomic<bool> throttled_{false};
  std::atomic<bool> over_{false};
  std::atomic<bool> parting_{false};  // workers are to end, for another view
  std::atomic<uint32_t> live_workers_{0};
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> stop_asked_{false};
  std::mutex mutex_;  // guards stop_reason_, and over_ and parting_ for sleepers
  std::condition_variable over_changed_;
  std::string stop_reason_;
  std::vector<Event> told_;  // guarded by mutex_
  std::atomic<bool> any_told_{false};
  NodeStats stats_;
};

}  // namespace hemiola::net
