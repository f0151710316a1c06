// The half of the world that runs the loops and the workers of its nodes.
#include <algorithm>
#include <cstdio>

#include "hemiola/core/check.h"
#include "hemiola/sim/world.h"

namespace hemiola::sim {

namespace {

const std::string kViewChanges = "the view changes";

}  // namespace

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
  // The loop has ended, or calls may be gone with their workers.
  if (home.over || is_stale(record)) return drop(slot);
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

// Of workers or machines that are no more.
bool World::is_stale(const Record& record) {
  const Node& home = node(record.node);
  if (record.what == What::call) return record.age != home.generation;
  if (record.what != What::timer) return false;
  const bool lives_on = record.number == static_cast<uint32_t>(MachineId::cluster);
  return record.age != (lives_on ? home.life : home.generation);
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
    case What::parted:
      return Parted{};
    case What::stored:
      return ViewStored{stored_};
    case What::store_lost:
      return StoreLost{"it is away"};
    case What::leave_asked:
      return LeaveAsked{};
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
  static constexpr const char* kNames[] = {"message", "timer",  "call",       "up",   "lost",
                                           "parted",  "stored", "store lost", "leave"};
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
  home.counters.loop_busy = home.counters.loop_busy + Duration{cost_ns};
  for (const Outbox::Wake& wake : out_.wakes) {
    push(std::max(wake.when, at),
         {.what = What::timer,
          .node = id,
          .number = static_cast<uint32_t>(wake.target),
          .age = wake.target == MachineId::cluster ? home.life : home.generation,
          .tag = wake.tag});
  }
  for (Call* call : out_.completions) complete(id, *call, at);
  if (options_.log) {
    for (const Outbox::Line& line : out_.lines) options_.log(now_, id, line.level, line.text);
  }
  for (Notice& notice : out_.notices) act_on(id, notice);
  for (const NodeId peer : out_.hangups) close(id, peer, {}, "it hung up");
  for (const Outbox::Dial& wish : out_.dials) dial(id, wish.peer, at);
  for (Outbox::Proposal& proposal : out_.proposals) {
    push(at + network_->up_to(options_.network.notice),
         {.what = What::ask_store,
          .node = id,
          .proposal = std::make_shared<const Outbox::Proposal>(std::move(proposal))});
  }
}

void World::transmit(NodeId from, Outbox::Send& send, Instant at) {
  Node& sender = node(from);
  HEMIOLA_CHECK(send.to != from);
  const uint32_t slot = take({.what = What::message,
                              .kind = send.kind,
                              .node = send.to,
                              .peer = from,
                              .epoch = sender.core->epoch(),
                              .body = std::move(send.body)});
  if (send.to.value >= nodes_.size()) {
    ++sender.counters.messages_lost;
    return drop(slot);
  }
  Link& path = network_->link(from, send.to);
  if (path.dialled && !path.open) {
    path.waiting.push_back(slot);
  } else {
    depart(slot, at);
  }
}

void World::depart(uint32_t slot, Instant at) {
  Record& record = records_[slot];
  NodeCounters& counters = node(record.peer).counters;
  const bool nowhere = network_->link(record.peer, record.node).nowhere;
  const auto arrival = network_->depart(record.peer, record.node, record.body.size(), at);
  if (!arrival || nowhere) {
    ++counters.messages_lost;
    return drop(slot);
  }
  ++counters.messages_sent;
  counters.bytes_sent += network_->wire_bytes(record.body.size());
  record.number = network_->link(record.peer, record.node).generation;
  push_slot(*arrival, slot);
}

void World::act_on(NodeId id, Notice& notice) {
  Node& home = node(id);
  if (const auto* changed = std::get_if<ViewChanged>(&notice)) {
    if (const auto rank = changed->view.rank_of(id)) home.self = changed->view.members[*rank];
  } else if (std::holds_alternative<JobStarted>(notice)) {
    start_workers(id);
  } else if (std::holds_alternative<Parting>(notice)) {
    part_workers(id);
  } else if (const auto* over = std::get_if<JobOver>(&notice)) {
    end_job(id, *over);
  }
}

void World::end_job(NodeId id, const JobOver& over) {
  Node& home = node(id);
  if (home.over) return;
  home.over = true;
  home.over_reason = over.reason;
  home.over_well = over.ok;
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
  leave(id);
}

// ---- workers

void World::start_workers(NodeId id) {
  Node& home = node(id);
  if (home.over || !home.workers.empty()) return;
  if (clusterless_ && !home.started) --not_started_;
  home.started = true;
  for (uint32_t i = 0; i < home.self.workers; ++i) {
    const WorkerId worker{home.self.first_worker.value + i};
    const auto index = static_cast<uint32_t>(workers_.size());
    workers_.push_back(
        std::make_unique<Worker>(*this, worker, id, index, home.life, home.worker_main));
    home.workers.push_back(index);
    ++workers_left_;
    workers_.back()->since_ = now_;
    push_resume(*workers_.back(), now_ + network_->up_to(options_.start_spread));
  }
}

void World::part_workers(NodeId id) {
  Node& home = node(id);
  home.parting = true;
  ++home.generation;
  for (const uint32_t index : home.workers) {
    Worker& worker = *workers_[index];
    if (worker.ended()) continue;
    worker.over_ = &kViewChanges;
    if (worker.ended()) {  // it had not begun
      --workers_left_;
    } else {
      push_resume(worker, now_);
    }
  }
  tell_if_parted(id);
}

void World::tell_if_parted(NodeId id) {
  Node& home = node(id);
  if (!home.parting || home.over) return;
  for (const uint32_t index : home.workers) {
    if (!workers_[index]->ended()) return;
  }
  home.parting = false;
  home.workers.clear();
  push(now_, {.what = What::parted, .node = id});
}

void World::complete(NodeId id, Call& call, Instant at) {
  call.done.store(1, std::memory_order_release);
  const Node& home = node(id);
  const uint32_t place = call.worker.value - home.self.first_worker.value;
  if (place >= home.workers.size()) return;
  const Worker& worker = *workers_[home.workers[place]];
  if (worker.waiting_for_ == &call) push_resume(worker, std::max(hand_over(at), worker.since_));
}

// ---- the keeper of views

void World::tell_of_store(NodeId id) {
  if (gone(id)) return;
  push(now_ + network_->up_to(options_.network.notice), {.what = What::stored, .node = id});
}

// Without a proposal: it is there again, and everybody hears from it.
void World::ask_store(const Record& record) {
  const bool away = now_ < store_away_until_;
  if (!record.proposal) {
    for (NodeId id{0}; !away && id.value < nodes_.size(); ++id.value) tell_of_store(id);
    return;
  }
  if (away) {
    push(now_ + options_.network.notice, {.what = What::store_lost, .node = record.node});
    return;
  }
  const bool late = record.proposal->after != stored_.epoch;
  if (late && !options_.store_takes_all) return tell_of_store(record.node);
  stored_ = record.proposal->view;
  for (NodeId id{0}; id.value < nodes_.size(); ++id.value) tell_of_store(id);
}

void World::resume(uint32_t slot) {
  const Record& record = records_[slot];
  Worker& worker = *workers_[record.tag];
  Node& home = node(worker.node_);
  const bool of_before = worker.life_ != home.life || home.dead;
  if (worker.ended() || of_before || record.number != worker.turn_) return drop(slot);
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
  tell_if_parted(worker.node_);
}

}  // namespace hemiola::sim
