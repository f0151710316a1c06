#include "hemiola/net/node.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr Instant kNever{INT64_MAX};
constexpr size_t kEvents = 64;

LinksOptions links_options(const NodeOptions& from) {
  LinksOptions to;
  to.identity = {from.self, from.nodes, from.job, from.secret, from.wire_version};
  to.tls = from.tls;
  to.max_frame_bytes = from.max_frame_bytes;
  to.high_water_bytes = from.high_water_bytes;
  to.max_strangers = from.max_strangers;
  to.hello_ms = from.hello_ms;
  to.join_ms = from.join_ms;
  to.silence_ms = from.silence_ms;
  return to;
}

}  // namespace

// The place of one worker: its port, its thread, and what it waits for.
class Node::Seat final : public WorkerPort {
 public:
  Seat(Node& node, WorkerId worker) : node_(node), worker_(worker) {}

  WorkerId worker() const override { return worker_; }
  void post(Call& call) override { node_.post(*this, call); }
  void wait(Call& call) override { node_.wait(*this, call); }
  Instant now() override { return node_.poller_.now(); }
  void spend(Duration) override {}
  void sleep(Duration time) override { node_.sleep(time); }

  void wake() {
    wakes.fetch_add(1);
    wakes.notify_one();
  }

  // Guarded by the baton: the call that it sleeps for, in the poller or on `wakes`.
  Call* waiting = nullptr;
  std::atomic<uint32_t> wakes{0};
  std::thread thread;

 private:
  Node& node_;
  WorkerId worker_;
};

Node::Node(NodeOptions options, Listener listener, std::unique_ptr<NodeCore> core,
           std::function<void(WorkerPort&)> worker_main)
    : options_(std::move(options)),
      links_options_(links_options(options_)),
      core_(std::move(core)),
      links_(links_options_, std::move(listener), poller_, *this),
      armed_(kNever),
      worker_main_(std::move(worker_main)) {
  HEMIOLA_CHECK(core_->self() == options_.self && options_.self.value < options_.nodes);
}

Node::~Node() = default;

// --- the loop --------------------------------------------------------------------------------

JobOver Node::run() {
  baton_.lock();
  now_ = poller_.now();
  handle(TimerFired{MachineId::cluster, 0});
  for (;;) {
    work();
    if (parting_ && live_workers_ == 0) {
      end_parting();
      continue;
    }
    if (over_) break;
    const int timeout = links_.has_more() ? 0 : -1;
    release();
    poller_.wait_at_gate(timeout);
    baton_.lock();
    look();
  }
  close_down();
  return result_;
}

void Node::release() {
  for (;;) {
    baton_.unlock();
    if (posted_.load() == nullptr || throttled_ || halted()) return;
    if (!baton_.try_lock()) return;
    work();
    if (links_.has_more()) poller_.kick_loop();
  }
}

// Takes the events that are here already, unless they belong to a driver.
void Node::look() {
  now_ = poller_.now();
  if (driver_) return;
  std::array<epoll_event, kEvents> events;
  const size_t count = poller_.wait(events, 0);
  take_events(std::span(events).first(count));
}

void Node::take_events(std::span<const epoll_event> events) {
  now_ = poller_.now();
  for (const epoll_event& event : events) {
    if (event.data.u64 == Poller::kTimer) {
      timer_due_ = true;
    } else if (event.data.u64 != Poller::kKick) {
      links_.ready(event.data.u64, event.events, now_);
    }
  }
}

void Node::work() {
  now_ = poller_.now();
  if (links_.has_more()) links_.read_on(now_);
  for (bool more = true; more && !over_;) {
    more = false;
    work_round(more);
  }
  if (over_) links_.flush();
  arm();
  publish();
}

void Node::work_round(bool& more) {
  if (stop_asked_ || interrupted_) {
    JobOver end{false, "interrupted"};
    if (stop_asked_) {
      const std::lock_guard lock(mutex_);
      end.reason = stop_reason_;
    }
    handle(Notice{end});
    return job_over(end);
  }
  if (any_told_) take_told();
  if (timer_due_) fire_timers();
  more = take_calls();
  links_.flush();
  if (links_.settle(now_)) more = true;
  const bool calls = taken_first_ < taken_.size() || posted_.load() != nullptr;
  if (throttled_ && calls && links_.backlog() <= options_.high_water_bytes / 2) more = true;
}

// Calls of workers that are to end: nobody may touch them any more.
bool Node::take_calls() {
  if (parting_) {
    posted_.exchange(nullptr);
    taken_.clear();
    taken_first_ = 0;
    return false;
  }
  if (links_.backlog() > options_.high_water_bytes) throttled_ = true;
  if (throttled_ && links_.backlog() > options_.high_water_bytes / 2) return false;
  throttled_ = false;
  if (posted_.load() != nullptr) {
    const size_t before = taken_.size();
    for (Call* at = posted_.exchange(nullptr); at; at = at->next) taken_.push_back(at);
    std::reverse(taken_.begin() + static_cast<ptrdiff_t>(before), taken_.end());
  }
  const bool any = taken_first_ < taken_.size();
  while (taken_first_ < taken_.size() && !halted()) {
    handle(CallPosted{taken_[taken_first_++]});
    if (links_.backlog() > options_.high_water_bytes) return true;
  }
  taken_.clear();
  taken_first_ = 0;
  return any;
}

void Node::fire_timers() {
  timer_due_ = false;
  armed_ = kNever;
  std::vector<Timer> due;
  for (; !timers_.empty() && timers_.top().when <= now_; timers_.pop()) {
    due.push_back(timers_.top());
  }
  for (const Timer& timer : due) handle(TimerFired{timer.target, timer.tag});
  if (links_.next_tick() <= now_) links_.tick(now_);
}

void Node::arm() {
  Instant next = over_ ? kNever : links_.next_tick();
  if (!timers_.empty()) next = std::min(next, timers_.top().when);
  if (next >= armed_) return;  // also when it is later: one idle wake-up is cheaper than a call
  armed_ = next;
  poller_.arm(next);
}

void Node::publish() {
  const LinkStats& now = links_.stats();
  stats_.bytes_sent.store(now.bytes_sent, std::memory_order_relaxed);
  stats_.messages_sent.store(now.messages_sent, std::memory_order_relaxed);
  stats_.bytes_received.store(now.bytes_received, std::memory_order_relaxed);
  stats_.messages_received.store(now.messages_received, std::memory_order_relaxed);
  stats_.backlog_bytes.store(links_.backlog(), std::memory_order_relaxed);
}

// --- events and effects ----------------------------------------------------------------------

void Node::handle(Event event) {
  if (over_) return;
  try {
    core_->on(std::move(event), now_, out_);
    carry_out();
  } catch (const std::exception& error) {
    job_over({false, "node " + std::to_string(options_.self.value) + ": " + error.what()});
  }
  out_.clear();
}

void Node::carry_out() {
  for (auto& send : out_.sends) {
    links_.send(send.to, send.kind, core_->epoch(), std::move(send.body));
  }
  for (const auto& wake : out_.wakes) {
    timers_.push({wake.when, timers_made_++, wake.target, wake.tag});
  }
  for (const NodeId peer : out_.hangups) links_.hang_up(peer);
  for (const auto& dial : out_.dials) links_.dial(dial.peer, dial.address, now_);
  for (auto& proposal : out_.proposals) {
    if (options_.propose) options_.propose(std::move(proposal));
  }
  for (Call* call : out_.completions) complete(*call);
  for (auto& line : out_.lines) say(line.level, std::move(line.text));
  for (const auto& notice : out_.notices) told(notice);
}

// The worker may let the call go as soon as it is done.
void Node::complete(Call& call) {
  const uint32_t index = call.worker.value - first_worker_.value;
  HEMIOLA_CHECK(index < seats_.size());
  Seat& seat = *seats_[index];
  call.done.store(1, std::memory_order_release);
  if (seat.waiting != &call) return;
  seat.waiting = nullptr;
  if (driver_ == &seat) {
    poller_.kick_driver();
  } else {
    seat.wake();
  }
}

void Node::told(const Notice& notice) {
  if (const auto* changed = std::get_if<ViewChanged>(&notice)) {
    if (const auto rank = changed->view.rank_of(options_.self)) {
      first_worker_ = changed->view.members[*rank].first_worker;
      workers_ = changed->view.members[*rank].workers;
    }
    forget_timers_of_shared_state();
  } else if (std::holds_alternative<JobStarted>(notice)) {
    start_workers();
  } else if (std::holds_alternative<Parting>(notice)) {
    part();
  } else if (const auto* end = std::get_if<JobOver>(&notice)) {
    job_over(*end);
  }
}

// The machines that set them are gone.
void Node::forget_timers_of_shared_state() {
  std::vector<Timer> kept;
  for (; !timers_.empty(); timers_.pop()) {
    if (timers_.top().target == MachineId::cluster) kept.push_back(timers_.top());
  }
  for (const Timer& timer : kept) timers_.push(timer);
}

void Node::part() {
  {
    const std::lock_guard lock(mutex_);
    parting_ = true;
  }
  over_changed_.notify_all();
  for (auto& seat : seats_) seat->wake();
  if (driver_) poller_.kick_driver();
  poller_.kick_loop();
}

// In the loop's own thread, when the last worker has ended.
void Node::end_parting() {
  for (auto& seat : seats_) seat->thread.join();
  seats_.clear();
  driver_ = nullptr;
  take_calls();
  throttled_ = false;
  parting_ = false;
  handle(Parted{});
}

void Node::tell(Event event) {
  {
    const std::lock_guard lock(mutex_);
    told_.push_back(std::move(event));
    any_told_ = true;
  }
  poller_.kick_loop();
}

void Node::take_told() {
  std::vector<Event> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(told_);
    any_told_ = false;
  }
  for (Event& event : events) handle(std::move(event));
}

void Node::job_over(JobOver how) {
  if (over_) return;
  result_ = std::move(how);
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  over_changed_.notify_all();
  for (auto& seat : seats_) seat->wake();
  if (driver_) poller_.kick_driver();
  poller_.kick_loop();
}

void Node::message(Envelope&& envelope) { handle(MessageArrived{std::move(envelope)}); }
void Node::peer_up(NodeId peer, bool again) { handle(PeerUp{peer, again}); }
void Node::peer_lost(NodeId peer, std::string why, bool final) {
  handle(PeerLost{peer, std::move(why), final});
}
void Node::say(Level level, std::string text) {
  if (options_.log) options_.log(level, text);
}

void Node::stop(std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_reason_.empty()) stop_reason_ = std::move(reason);
  }
  stop_asked_ = true;
  poller_.kick_loop();
}

void Node::interrupt() {
  interrupted_ = true;
  poller_.kick_loop();
}

// --- the workers -----------------------------------------------------------------------------

void Node::start_workers() {
  if (!seats_.empty()) return;
  for (uint32_t i = 0; i < workers_; ++i) {
    seats_.push_back(std::make_unique<Seat>(*this, WorkerId{first_worker_.value + i}));
  }
  live_workers_ = workers_;
  for (auto& seat : seats_) {
    seat->thread = std::thread([this, &seat = *seat] { run_worker(seat); });
  }
}

void Node::run_worker(Seat& seat) {
  const std::string who = "worker " + std::to_string(seat.worker().value) + " on node " +
                          std::to_string(options_.self.value) + ": ";
  try {
    worker_main_(seat);
  } catch (const JobEnded&) {
    // It was released; the reason is known.
  } catch (const std::exception& error) {
    stop(who + error.what());
  } catch (...) {
    stop(who + "an unknown exception");
  }
  --live_workers_;
  poller_.kick_loop();
}

void Node::post(Seat& seat, Call& call) {
  call.worker = seat.worker();
  call.error.clear();
  call.done.store(0, std::memory_order_relaxed);
  if (halted()) return;
  Call* head = posted_.load(std::memory_order_relaxed);
  do {
    call.next = head;
  } while (!posted_.compare_exchange_weak(head, &call));
  // Fails: whoever holds the baton will find the call before leaving.
  if (!baton_.try_lock()) return;
  if (!driver_) poller_.open_gate(false);
  work();
  // On a busy core the peer may have run and answered in our place.
  if (!driver_) {
    look();
    work();
  }
  leave();
}

void Node::wait(Seat& seat, Call& call) {
  const auto done = [&call] { return call.done.load(std::memory_order_acquire) != 0; };
  if (!done() && !halted()) {
    baton_.lock();
    for (;;) {
      work();
      if (done() || halted()) break;
      if (!driver_) {
        drive(seat, call);
        continue;
      }
      seat.waiting = &call;
      const uint32_t wakes = seat.wakes;
      if (links_.has_more()) poller_.kick_loop();
      release();
      if (!done() && !halted()) seat.wakes.wait(wakes);
      baton_.lock();
      seat.waiting = nullptr;
    }
    leave();
  }
  // In this order: a call that was completed by the event that ended the job went well.
  const bool over = over_;
  const bool halted_now = over || parting_;
  if (!done()) {
    HEMIOLA_CHECK(halted_now);
    throw JobEnded(over ? result_.reason : "the view changes");
  }
  if (!call.error.empty()) throw UserError(call.error);
}

// A worker gives the loop back to its thread.
void Node::leave() {
  if (!driver_) poller_.open_gate(true);
  if (links_.has_more()) poller_.kick_loop();
  release();
}

// Without the baton, but as the only driver.
size_t Node::look_for_a_moment(std::span<epoll_event> events) {
  if (options_.spin_us == 0 || !patience_.worth_a_try()) return 0;
  const Instant end = poller_.now() + microseconds(options_.spin_us);
  size_t count = 0;
  do {
    count = poller_.wait(events, 0);
    if (count == 0) std::this_thread::yield();
  } while (count == 0 && poller_.now() < end);
  patience_.tried(count > 0);
  return count;
}

// Waits in the poller as the worker that runs the loop, and takes what came.
void Node::drive(Seat& seat, Call& call) {
  std::array<epoll_event, kEvents> events;
  poller_.open_gate(false);
  driver_ = &seat;
  seat.waiting = &call;
  const int timeout = links_.has_more() ? 0 : -1;
  release();
  size_t count = timeout == 0 ? 0 : look_for_a_moment(events);
  if (count == 0) count = poller_.wait(events, timeout);
  baton_.lock();
  driver_ = nullptr;
  seat.waiting = nullptr;
  take_events(std::span(events).first(count));
}

void Node::sleep(Duration time) {
  std::unique_lock lock(mutex_);
  over_changed_.wait_for(lock, std::chrono::nanoseconds(time.ns), [this] { return halted(); });
}

// --- the end ---------------------------------------------------------------------------------

void Node::close_down() {
  links_.leave(result_.reason.empty() ? "its job is over" : result_.reason);
  const Instant deadline = poller_.now() + milliseconds(options_.flush_ms);
  while (live_workers_ > 0 || (!links_.all_closed() && poller_.now() < deadline)) {
    baton_.unlock();
    poller_.wait_at_gate(20);
    baton_.lock();
    look();
    links_.read_on(now_);
    links_.flush();
    links_.settle(now_);
  }
  publish();
  baton_.unlock();
  for (auto& seat : seats_) seat->thread.join();
}

}  // namespace hemiola::net
