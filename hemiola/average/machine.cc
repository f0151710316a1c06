#include "hemiola/average/machine.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {

AverageMachine::AverageMachine(ReplicaSet& replicas, bool again)
    : replicas_(replicas),
      crew_(replicas),
      strategy_(make_strategy(crew_)),
      mean_(replicas.place(), kMeanLane, replicas.layout().values()) {
  if (again) at_start_.emplace(replicas_);
}

void AverageMachine::settle_replicas() {
  strategy_->settle();
  for (const WorkerId w : crew_.local()) {
    const auto scale = static_cast<float>(1 / strategy_->mass(w));
    for (float& v : crew_.values(w)) v *= scale;
    replicas_.of(w).give_out();
  }
}

void AverageMachine::get_ready(Outbox& out) {
  ready_ = !at_start_;
  if (ready_) return out.tell(StateReady{MachineId::average});
  if (at_start_->begin(out)) end_of_mean_at_start(out);
}

void AverageMachine::end_of_mean_at_start(Outbox& out) {
  ready_ = true;
  at_start_->give_to_replicas();
  const std::span<const float> mean = at_start_->mean();
  replicas_.layout().for_each_run(
      replicas_.mean(), [&](float* row, size_t at, size_t n) { vec().copy(row, &mean[at], n); });
  if (!replicas_.common_start().empty()) replicas_.set_common_start(mean);
  strategy_ = make_strategy(crew_);
  out.tell(StateReady{MachineId::average});
}

void AverageMachine::on(Event& event, Instant now, Outbox& out) {
  if (auto* posted = std::get_if<CallPosted>(&event)) {
    on_call(static_cast<AverageCall&>(*posted->call), now, out);
  } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
    on_message(arrived->envelope, now, out);
  } else if (auto* fired = std::get_if<TimerFired>(&event)) {
    fired->tag == kSayTag ? say_waits(now, out) : strategy_->on_timer(fired->tag, now, out);
  } else if (auto* up = std::get_if<PeerUp>(&event)) {
    if (up->again && at_start_) at_start_->up_again(up->peer, out);
    if (up->again && up->peer.value < crew_.place().nodes) up_again(up->peer, now, out);
  } else if (std::holds_alternative<Notice>(event)) {
    const auto& notice = std::get<Notice>(event);
    if (std::holds_alternative<JobStarted>(notice) && !saying_) {
      saying_ = true;
      out.wake_at(MachineId::average, now + kLongWait, kSayTag);
    }
    if (std::holds_alternative<Connected>(notice)) get_ready(out);
    return;
  }
  if (crew_.gate_) crew_.release_held(out);
  tell_rest(out);
}

void AverageMachine::on_call(AverageCall& call, Instant now, Outbox& out) {
  const WorkerId worker = call.worker;
  Crew::State& state = crew_.state(worker);
  state.since = state.said = now;
  switch (call.op) {
    case AverageOp::step:
      state.step = static_cast<StepCall*>(&call);
      state.step->delay = state.changes;
      state.step->held = false;
      state.step->passed_over = crew_.gate_ ? crew_.gate_->stepped(worker, out) : 0;
      replicas_.of(worker).take_in(
          strategy_->times(worker) *
          crew_.options().delay.times(state.changes, strategy_->usual_delay()));
      strategy_->stepped(worker, now, out);
      return;
    case AverageOp::rest:
      state.rest = static_cast<RestCall*>(&call);
      state.told = false;
      if (crew_.gate_) crew_.gate_->rested(worker, out);
      replicas_.of(worker).take_in();
      strategy_->rested(worker, now, out);
      return;
    case AverageOp::mean:
      state.mean = static_cast<MeanCall*>(&call);
      try_mean(out);
      return;
    case AverageOp::keep:
      strategy_->state(*static_cast<KeepCall&>(call).fields);
      out.complete(call);
      return;
  }
}

// What a strategy keeps may be relative to the values of its first worker here, which are equal on
// all nodes when a run begins; so they are made to be while it is made anew.
void AverageMachine::resume(StateFields* fields) {
  const ReplicaLayout& layout = replicas_.layout();
  const auto put = [&](float* replica, std::span<float> values) {
    layout.for_each_run(replica, [&](const float* row, size_t at, size_t n) {
      if (&values[at] != row) vec().copy(&values[at], row, n);
    });
  };
  const std::span<float> first = crew_.values(crew_.local()[0]);
  std::vector<float> own(layout.values());
  put(replicas_.of(crew_.local()[0]).rows(), own);
  put(replicas_.mean(), first);
  strategy_ = make_strategy(crew_);
  std::copy(own.begin(), own.end(), first.begin());
  for (const WorkerId w : crew_.local()) put(replicas_.of(w).rows(), crew_.values(w));
  if (fields) strategy_->state(*fields);
  for (const WorkerId w : crew_.local()) {
    replicas_.of(w).give_out(static_cast<float>(1 / strategy_->mass(w)));
  }
}

void AverageMachine::on_message(const Envelope& message, Instant now, Outbox& out) {
  try {
    if (message.kind == Kind::rested) return on_rested(message);
    if (message.kind == Kind::pace && crew_.gate_) return crew_.gate_->on_message(message);
    const bool piece = message.kind == Kind::part || message.kind == Kind::total;
    Reader reader(message.body);
    const uint32_t lane = piece ? reader.get<PieceHead>().lane : 0;
    if (piece && lane == MeanAtStart::kLane) {
      if (at_start_ && at_start_->on_message(message, out)) end_of_mean_at_start(out);
      return;
    }
    if (message.from.value >= crew_.place().nodes) return;
    if (piece && lane == kMeanLane) {
      if (mean_.on_message(message, out)) end_mean(out);
      return;
    }
    strategy_->on_message(message, now, out);
  } catch (const std::runtime_error& e) {
    out.say(Level::warning,
            "dropped a message of node " + std::to_string(message.from.value) + ": " + e.what());
  }
}

void AverageMachine::on_rested(const Envelope& message) {
  Reader reader(message.body);
  const auto head = reader.get<RestedHead>();
  const bool fits = reader.finished() && head.worker.value < crew_.size() &&
                    crew_.node_of(head.worker) == message.from;
  if (!fits) throw std::runtime_error("a worker at rest that cannot be");
  if (head.pass >= pass_) rested_[head.pass].insert(head.worker);
}

// The peer may be one pass behind, and needs to hear then that all rested here.
void AverageMachine::up_again(NodeId peer, Instant now, Outbox& out) {
  for (const WorkerId w : crew_.local()) {
    const auto say = [&](uint32_t pass) {
      out.send(peer, Kind::rested, std::move(Writer().put(RestedHead{pass, w})).take());
    };
    if (pass_ > 0) say(pass_ - 1);
    const Crew::State& state = crew_.state(w);
    if (state.rest && state.told) say(pass_);
  }
  mean_.up_again(peer, out);
  if (crew_.gate_) crew_.gate_->up_again(peer, out);
  strategy_->up_again(peer, now, out);
}

// Others are told that a worker rests once nothing that it began is under way: when all have been
// told of all, nothing is under way at all.
void AverageMachine::tell_rest(Outbox& out) {
  for (const WorkerId w : crew_.local()) {
    Crew::State& state = crew_.state(w);
    if (!state.rest || state.told || !strategy_->settled(w)) continue;
    state.told = true;
    rested_[pass_].insert(w);
    const Bytes body = std::move(Writer().put(RestedHead{pass_, w})).take();
    for (uint32_t n = 0; n < crew_.place().nodes; ++n) {
      if (NodeId{n} != crew_.place().self) out.send(NodeId{n}, Kind::rested, body);
    }
  }
  const auto at = rested_.find(pass_);
  const bool all = at != rested_.end() && at->second.size() == crew_.size();
  if (all && strategy_->all_settled()) end_pass(out);
}

void AverageMachine::end_pass(Outbox& out) {
  rested_.erase(pass_++);
  strategy_->all_rest();
  if (crew_.gate_) crew_.gate_->next_pass();
  for (const WorkerId w : crew_.local()) {
    Crew::State& state = crew_.state(w);
    replicas_.of(w).give_out(static_cast<float>(1 / strategy_->mass(w)));
    out.complete(*std::exchange(state.rest, nullptr));
  }
}

void AverageMachine::try_mean(Outbox& out) {
  for (const WorkerId w : crew_.local()) {
    if (!crew_.state(w).mean) return;
  }
  double weight = 0;
  sum_.assign(crew_.values(), 0);
  for (const WorkerId w : crew_.local()) {
    vec().add(sum_.data(), crew_.values(w).data(), sum_.size());
    weight += strategy_->mass(w);
  }
  if (mean_.begin(sum_, weight, out)) end_mean(out);
}

void AverageMachine::end_mean(Outbox& out) {
  double norm2 = 0;
  for (const float v : sum_) norm2 += double{v} * v;
  replicas_.layout().for_each_run(
      replicas_.mean(), [&](float* row, size_t at, size_t n) { vec().copy(row, &sum_[at], n); });
  for (const WorkerId w : crew_.local()) {
    MeanCall& call = *std::exchange(crew_.state(w).mean, nullptr);
    const auto values = crew_.values(w);
    const double scale = 1 / strategy_->mass(w);
    call.norm2 = norm2;
    call.fingerprint = fingerprint_of(values);
    call.reasons = strategy_->reasons();
    call.codec_note = strategy_->codec_note();
    call.distance2 = 0;
    for (size_t i = 0; i < sum_.size(); ++i) {
      const double d = values[i] * scale - sum_[i];
      call.distance2 += d * d;
    }
    out.complete(call);
  }
}

void AverageMachine::say_waits(Instant now, Outbox& out) {
  for (const WorkerId w : crew_.local()) {
    Crew::State& state = crew_.state(w);
    if ((!state.step && !state.held) || now - state.said < kLongWait) continue;
    state.said = now;
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.0f", (now - state.since).seconds());
    const std::string waited = "worker " + std::to_string(w.value) + " has waited " + seconds;
    const auto behind = state.held ? crew_.gate_->waits_for(w) : std::nullopt;
    out.say(Level::warning,
            behind ? waited + " s for worker " + std::to_string(behind->value) + " to end a step"
                   : waited + " s for " + strategy_->waits_for(w) + " to average with");
  }
  out.wake_at(MachineId::average, now + kLongWait, kSayTag);
}

}  // namespace hemiola
