#include "hemiola/sim/world.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "hemiola/core/check.h"

namespace hemiola::sim {

namespace {

// Stands in for the cluster machine where a test runs without one.
class Usher : public Machine {
 public:
  enum Step : uint64_t { tell_view, tell_start, tell_end };

  explicit Usher(const View& view) : view_(view) {}

  void on(Event& event, Instant, Outbox& out) override {
    const auto* fired = std::get_if<TimerFired>(&event);
    if (!fired) return;
    if (fired->tag == tell_view) out.tell(ViewChanged{view_});
    if (fired->tag == tell_start) out.notices.emplace_back(JobStarted{});
    if (fired->tag == tell_end) out.tell(JobOver{true, "all workers have returned"});
  }

 private:
  const View& view_;
};

constexpr uint32_t kNobody = UINT32_MAX;

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      ties_(mix(options_.seed, 0x7469)),
      chance_(mix(options_.seed, 0x6368)),
      trace_(options_.record_trace) {
  options_.computer.validate();
  options_.network.validate();
  for (const Fault& fault : options_.faults) inject(fault);
}

World::~World() { unwind_workers("the simulation is over"); }

void World::add_node(std::unique_ptr<NodeCore> core, std::function<void(WorkerPort&)> worker_main) {
  HEMIOLA_CHECK(!ran_ && core->self() == NodeId{static_cast<uint32_t>(nodes_.size())});
  auto added = std::make_unique<Node>();
  added->core = std::move(core);
  added->worker_main = std::move(worker_main);
  nodes_.push_back(std::move(added));
}

void World::start_without_cluster(View view) {
  HEMIOLA_CHECK(!ran_ && !clusterless_ && view.nodes() == nodes_.size());
  clusterless_ = std::make_unique<View>(std::move(view));
  for (auto& each : nodes_) {
    each->core->add(MachineId::cluster, std::make_unique<Usher>(*clusterless_));
  }
  not_started_ = nodes_.size();
}

void World::inject(const Fault& fault) {
  faults_.push_back(fault);
  Record record{.what = What::fault};
  record.tag = faults_.size() - 1;
  push(std::max(now_, fault.at), std::move(record));
}

Outcome World::run() {
  HEMIOLA_CHECK(!ran_);
  ran_ = true;
  start();
  std::string stuck;
  while (!done()) {
    if (queue_.empty()) {
      stuck = "nothing more can happen";
      break;
    }
    if (queue_.top().when > options_.deadline.ns) {
      now_ = options_.deadline;
      stuck = "the deadline has come";
      break;
    }
    if (++popped_ > options_.max_events) {
      stuck = "the limit of events is reached";
      break;
    }
    const Due due = queue_.pop();
    now_ = Instant{due.when};
    dispatch(due.slot());
  }
  return conclude(std::move(stuck));
}

void World::start() {
  const auto count = static_cast<uint32_t>(nodes_.size());
  network_ = std::make_unique<Network>(options_.network, count, mix(options_.seed, 0x6e77));
  nodes_left_ = count;
  for (NodeId id{0}; id.value < count; ++id.value) {
    Node& each = node(id);
    const auto put = [&](Record record) { each.inbox.push_back(take(std::move(record))); };
    put({.what = What::timer, .node = id, .number = static_cast<uint32_t>(MachineId::cluster)});
    if (clusterless_) {
      for (NodeId peer{0}; peer.value < count; ++peer.value) {
        if (peer == id) continue;
        Link& path = network_->link(id, peer);
        path.open = path.was_open = true;
        put({.what = What::peer_up, .node = id, .peer = peer});
      }
      put({.what = What::timer,
           .node = id,
           .number = static_cast<uint32_t>(MachineId::cluster),
           .tag = Usher::tell_start});
    }
    each.busy_until = Instant{} + network_->up_to(options_.start_spread);
    schedule_loop(id, each);
  }
}

bool World::done() const {
  if (failure_) return true;
  if (workers_left_ > 0) return false;
  return clusterless_ ? not_started_ == 0 : nodes_left_ == 0;
}

Outcome World::conclude(std::string stuck) {
  if (stuck.empty() && !failure_ && clusterless_) {
    for (NodeId id{0}; id.value < nodes_.size(); ++id.value) {
      if (node(id).dead || node(id).over) continue;
      handle(id, take({.what = What::timer,
                       .node = id,
                       .number = static_cast<uint32_t>(MachineId::cluster),
                       .tag = Usher::tell_end}));
    }
  }
  Outcome outcome;
  outcome.finished = stuck.empty() && any_over_ && !failure_;
  outcome.over = over_;
  outcome.end = now_;
  outcome.events = events_;
  if (!outcome.finished) {
    if (stuck.empty()) stuck = "no node is left";
    outcome.stuck_reason = stuck + who_is_left();
  }
  unwind_workers(outcome.finished ? over_.reason : stuck);
  outcome.trace_hash = trace_.hash();
  if (failure_) std::rethrow_exception(failure_);
  return outcome;
}

std::string World::who_is_left() const {
  std::string text;
  for (size_t id = 0; id < nodes_.size(); ++id) {
    const Node& each = *nodes_[id];
    std::string name = "; node ";
    name += std::to_string(id);
    if (each.dead) {
      text += name + " was killed";
      continue;
    }
    if (each.frozen) text += name + " is frozen";
    if (!each.started && !each.over) text += name + " has not started";
    for (const uint32_t index : each.workers) {
      const Worker& worker = *workers_[index];
      if (!worker.ended()) text.append("; ").append(worker.state());
    }
  }
  return text;
}

void World::unwind_workers(const std::string& reason) {
  ended_ = reason;
  for (auto& worker : workers_) {
    if (worker->ended()) continue;
    if (!worker->over_) worker->over_ = &ended_;
    while (!worker->ended()) worker->fiber_.resume();
  }
}

// ---- the queue

uint32_t World::take(Record record) {
  if (free_slots_.empty()) {
    records_.push_back(std::move(record));
    return static_cast<uint32_t>(records_.size() - 1);
  }
  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  records_[slot] = std::move(record);
  return slot;
}

void World::drop(uint32_t slot) {
  records_[slot].body = Bytes();
  free_slots_.push_back(slot);
}

void World::push(Instant at, Record record) { push_slot(at, take(std::move(record))); }

void World::push_slot(Instant at, uint32_t slot) {
  HEMIOLA_CHECK(at >= now_);
  queue_.push(Due(at.ns, static_cast<uint32_t>(ties_() >> 32), slot));
}

void World::push_call(NodeId id, Call& call, Instant at) {
  push(at, {.what = What::call, .node = id, .call = &call});
}

void World::push_resume(const Worker& worker, Instant at) {
  push(at, {.what = What::resume,
            .node = worker.node_,
            .number = worker.turn_,
            .tag = worker_index_[worker.id_.value]});
}

Instant World::hand_over(Instant at) {
  const auto most = static_cast<uint64_t>(options_.hand_over.ns);
  return at + options_.hand_over + Duration{static_cast<int64_t>(chance_.below(most + 1))};
}

Duration World::time_for(Duration cost, Worker& worker) {
  const Node& home = node(worker.node_);
  Duration time = options_.computer.time_for(cost, worker.node_, worker.chance_);
  if (now_ < home.slow_until) {
    time = Duration{std::llround(static_cast<double>(time.ns) * home.slow_factor)};
  }
  worker.frozen_ns_ = home.frozen_ns;
  return time;
}

void World::dispatch(uint32_t slot) {
  Record& record = records_[slot];
  switch (record.what) {
    case What::message:
      return arrive(slot);
    case What::peer_lost:
      return record.admitted ? enqueue(slot) : arrive(slot);
    case What::peer_up:
      return peer_up(slot);
    case What::timer:
    case What::call:
      return enqueue(slot);
    case What::resume:
      return resume(slot);
    default:
      break;
  }
  const Record own = std::move(record);
  drop(slot);
  if (own.what == What::loop) {
    node(own.node).loop_due = false;
    turn_loop(own.node);
  } else if (own.what == What::connect) {
    connect(own);
  } else if (own.what == What::release) {
    release(own.peer, own.node);
  } else if (own.what == What::ice_ends) {
    Node& frozen = node(own.node);
    if (frozen.frozen && frozen.ice == own.number) thaw_node(own.node);
  } else {
    apply(faults_[own.tag]);
  }
}

// ---- a node's loop

void World::enqueue(uint32_t slot) {
  const NodeId id = records_[slot].node;
  Node& home = node(id);
  if (home.dead) return drop(slot);
  home.inbox.push_back(slot);
  if (!home.loop_due && !home.frozen) turn_loop(id);
}

void World::schedule_loop(NodeId id, Node& home) {
  home.loop_due = true;
  push(std::max(now_, home.busy_until), {.what = What::loop, .node = id});
}

void World::turn_loop(NodeId id) {
  Node& home = node(id);
  if (home.dead || home.frozen || home.inbox.empty()) return;
  if (now_ >= home.busy_until) {
    const uint32_t slot = home.inbox.front();
    home.inbox.pop_front();
    handle(id, slot);
  }
  if (!home.inbox.empty() && !home.loop_due) schedule_loop(id, home);
}

void World::handle(NodeId id, uint32_t slot) {
  Node& home = node(id);
  Record& record = records_[slot];
  if (home.over && record.what == What::call) return drop(slot);  // its worker has been let go
  note(record);
  const auto cost = static_cast<double>(options_.loop_cost_per_message.ns) +
                    options_.loop_ns_per_byte * static_cast<double>(record.body.size());
  Event event = event_of(record);
  drop(slot);
  ++events_;
  ++home.counters.events;
  out_.clear();
  home.core->on(std::move(event), now_, out_);
  carry_out(id, static_cast<int64_t>(cost / options_.computer.speed(id)));
  if (options_.after_event) options_.after_event();
}

Event World::event_of(Record& record) {
  switch (record.what) {
    case What::message:
      return MessageArrived{
          {record.peer, record.node, record.epoch, record.kind, std::move(record.body)}};
    case What::timer:
      return TimerFired{static_cast<MachineId>(record.number), record.tag};
    case What::call:
      return CallPosted{record.call};
    case What::peer_up:
      return PeerUp{record.peer, record.again};
    default:
      return PeerLost{record.peer, record.why};
  }
}

void World::note(const Record& record) {
  const auto what = static_cast<uint64_t>(record.what);
  trace_.note(static_cast<uint64_t>(now_.ns));
  trace_.note(uint64_t{record.node.value} << 32 | uint64_t{record.peer.value});
  trace_.note(what << 48 | uint64_t{static_cast<uint16_t>(record.kind)} << 32 | record.body.size());
  if (record.what == What::timer) trace_.note(record.tag);
  if (record.what == What::message) trace_.note(hash_of(record.body.span()));
  if (!trace_.recording()) return;
  static constexpr const char* kNames[] = {"message", "timer", "call", "up", "lost"};
  char rest[128] = "";
  if (record.what == What::message) {
    std::snprintf(rest, sizeof rest, "%04x from n%-3u %8zu bytes  %016lx",
                  static_cast<unsigned>(record.kind), record.peer.value, record.body.size(),
                  static_cast<unsigned long>(hash_of(record.body.span())));
  } else if (record.what == What::timer) {
    std::snprintf(rest, sizeof rest, "%u.%lu", record.number,
                  static_cast<unsigned long>(record.tag));
  } else if (record.what == What::call) {
    std::snprintf(rest, sizeof rest, "%u.w%u", static_cast<unsigned>(record.call->target),
                  record.call->worker.value);
  } else {
    std::snprintf(rest, sizeof rest, "n%-3u %s", record.peer.value,
                  record.again ? "again" : record.why);
  }
  trace_.line(now_, record.node, kNames[what], rest);
}

// What a machine sends leaves one after another, as the loop gets to it.
void World::carry_out(NodeId id, int64_t cost_ns) {
  Node& home = node(id);
  const double speed = options_.computer.speed(id);
  for (Outbox::Send& send : out_.sends) {
    const double cost = static_cast<double>(options_.loop_cost_per_message.ns) +
                        options_.loop_ns_per_byte * static_cast<double>(send.body.size());
    cost_ns += static_cast<int64_t>(cost / speed);
    transmit(id, send, now_ + Duration{cost_ns});
  }
  const Instant at = now_ + Duration{cost_ns};
  home.busy_until = at;
  for (const Outbox::Wake& wake : out_.wakes) {
    push(std::max(wake.when, at), {.what = What::timer,
                                   .node = id,
                                   .number = static_cast<uint32_t>(wake.target),
                                   .tag = wake.tag});
  }
  if (!home.over) {
    for (Call* call : out_.completions) complete(*call, at);
  }
  if (options_.log) {
    for (const Outbox::Line& line : out_.lines) options_.log(now_, id, line.level, line.text);
  }
  for (Notice& notice : out_.notices) act_on(id, notice);
  for (const Outbox::Dial& wish : out_.dials) dial(id, wish.peer, at);
}

void World::transmit(NodeId from, Outbox::Send& send, Instant at) {
  Node& sender = node(from);
  HEMIOLA_CHECK(send.to != from);
  ++sender.counters.messages_sent;
  sender.counters.bytes_sent += network_->wire_bytes(send.body.size());
  const auto arrival = send.to.value < nodes_.size()
                           ? network_->depart(from, send.to, send.body.size(), at)
                           : std::nullopt;
  if (!arrival) {
    ++sender.counters.messages_lost;
    return;
  }
  push(*arrival, {.what = What::message,
                  .kind = send.kind,
                  .node = send.to,
                  .peer = from,
                  .number = network_->link(from, send.to).generation,
                  .epoch = sender.core->epoch(),
                  .body = std::move(send.body)});
}

void World::act_on(NodeId id, Notice& notice) {
  Node& home = node(id);
  if (const auto* changed = std::get_if<ViewChanged>(&notice)) {
    for (const Member& member : changed->view.members) {
      if (member.node == id) home.self = member;
    }
  } else if (std::holds_alternative<JobStarted>(notice)) {
    start_workers(id);
  } else {
    end_job(id, std::get<JobOver>(notice));
  }
}

void World::end_job(NodeId id, const JobOver& over) {
  Node& home = node(id);
  if (home.over) return;
  home.over = true;
  home.over_reason = over.reason;
  --nodes_left_;
  if (!any_over_ || (over_.ok && !over.ok)) over_ = over;
  any_over_ = true;
  for (const uint32_t index : home.workers) {
    Worker& worker = *workers_[index];
    if (worker.ended()) continue;
    worker.over_ = &home.over_reason;
    if (worker.ended()) {  // it had not begun
      --workers_left_;
    } else {
      push_resume(worker, now_);
    }
  }
}

// ---- workers

void World::start_workers(NodeId id) {
  Node& home = node(id);
  if (home.over || home.started) return;
  home.started = true;
  if (clusterless_) --not_started_;
  for (uint32_t i = 0; i < home.self.workers; ++i) {
    const WorkerId worker{home.self.first_worker.value + i};
    const auto index = static_cast<uint32_t>(workers_.size());
    if (worker_index_.size() <= worker.value) worker_index_.resize(worker.value + 1, kNobody);
    HEMIOLA_CHECK(worker_index_[worker.value] == kNobody);
    worker_index_[worker.value] = index;
    workers_.push_back(std::make_unique<Worker>(*this, worker, id, home.worker_main));
    home.workers.push_back(index);
    ++workers_left_;
    workers_.back()->since_ = now_;
    push_resume(*workers_.back(), now_ + network_->up_to(options_.start_spread));
  }
}

void World::complete(Call& call, Instant at) {
  call.done.store(1, std::memory_order_release);
  if (call.worker.value >= worker_index_.size()) return;
  const uint32_t index = worker_index_[call.worker.value];
  if (index == kNobody) return;
  const Worker& worker = *workers_[index];
  if (worker.waiting_for_ == &call) push_resume(worker, std::max(hand_over(at), worker.since_));
}

void World::resume(uint32_t slot) {
  const Record& record = records_[slot];
  Worker& worker = *workers_[record.tag];
  Node& home = node(worker.node_);
  if (worker.ended() || home.dead || record.number != worker.turn_) return drop(slot);
  if (home.frozen) {
    home.stalled.emplace_back(slot, now_);
    return;
  }
  // Work that was under way when the node froze is done later by as much.
  const int64_t behind = home.frozen_ns - worker.frozen_ns_;
  if (worker.state_ == Worker::State::spending && behind > 0 && !worker.over_) {
    worker.frozen_ns_ = home.frozen_ns;
    return push_slot(now_ + Duration{behind}, slot);
  }
  drop(slot);
  trace_.note(uint64_t{worker.id_.value} << 32 | static_cast<uint64_t>(now_.ns & UINT32_MAX));
  worker.fiber_.resume();
  if (!worker.fiber_.finished()) return;
  --workers_left_;
  if (trace_.recording()) {
    char name[16];
    std::snprintf(name, sizeof name, "w%u", worker.id_.value);
    trace_.line(now_, worker.node_, "returned", name);
  }
  if (worker.fiber_.error()) failure_ = worker.fiber_.error();
}

}  // namespace hemiola::sim
