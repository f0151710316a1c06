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
  enum Step : uint64_t { tell_view, tell_start, tell_end, ask_start };

  // not_ready: of all nodes, those that have not told StateReady; 0: nobody needs to.
  Usher(const View& view, size_t& not_ready) : view_(view), not_ready_(not_ready) {}

  void on(Event& event, Instant now, Outbox& out) override {
    if (const auto* notice = std::get_if<Notice>(&event)) {
      if (std::holds_alternative<StateReady>(*notice) && not_ready_ > 0) --not_ready_;
    }
    const auto* fired = std::get_if<TimerFired>(&event);
    if (!fired) return;
    if (fired->tag == tell_view) out.tell(ViewChanged{view_});
    if (fired->tag == tell_end) out.tell(JobOver{true, "all workers have returned"});
    if (fired->tag == tell_start && not_ready_ > 0) out.tell(Connected{});
    if (fired->tag != tell_start && fired->tag != ask_start) return;
    if (not_ready_ == 0) {
      out.notices.emplace_back(JobStarted{});
    } else {
      out.wake_at(MachineId::cluster, now + microseconds(200), ask_start);
    }
  }

 private:
  const View& view_;
  size_t& not_ready_;
};

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

void World::add_absent() {
  HEMIOLA_CHECK(!ran_);
  nodes_.push_back(std::make_unique<Node>());
  nodes_.back()->dead = true;
}

void World::start_without_cluster(View view, bool when_ready) {
  HEMIOLA_CHECK(!ran_ && !clusterless_ && view.nodes() == nodes_.size());
  clusterless_ = std::make_unique<View>(std::move(view));
  for (auto& each : nodes_) {
    each->core->add(MachineId::cluster, std::make_unique<Usher>(*clusterless_, not_ready_));
  }
  if (when_ready) not_ready_ = nodes_.size();
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
  for (NodeId id{0}; id.value < count; ++id.value) {
    Node& each = node(id);
    if (each.dead) continue;
    ++nodes_left_;
    const auto put = [&](Record record) { each.inbox.push_back(take(std::move(record))); };
    put({.what = What::timer, .node = id, .number = static_cast<uint32_t>(MachineId::cluster)});
    if (options_.view_store) put({.what = What::stored, .node = id});
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
      text += name + (each.core ? " was killed" : " never came");
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
  push(at, {.what = What::call, .node = id, .age = node(id).generation, .call = &call});
}

void World::push_resume(const Worker& worker, Instant at) {
  push(at,
       {.what = What::resume, .node = worker.node_, .number = worker.turn_, .tag = worker.index_});
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
    case What::parted:
    case What::stored:
    case What::store_lost:
    case What::leave_asked:
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
  } else if (own.what == What::ask_store) {
    ask_store(own);
  } else if (own.what == What::half_ends) {
    end_half(own);
  } else if (own.what == What::ice_ends) {
    Node& frozen = node(own.node);
    if (frozen.frozen && frozen.ice == own.number) thaw_node(own.node);
  } else {
    apply(faults_[own.tag]);
  }
}

}  // namespace hemiola::sim
