#include "hemiola/cluster/machine.h"

#include <algorithm>

#include "hemiola/cluster/verdict.h"
#include "hemiola/cluster/why.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr NodeId kCoordinator{0};
constexpr Duration kFirstPause = milliseconds(20);  // between two tries to connect; doubles
constexpr Duration kLongestPause = milliseconds(500);

bool is_for_coordinator(Kind kind) {
  return kind == Kind::join || kind == Kind::ready || kind == Kind::failed ||
         kind == Kind::finished || kind == Kind::want_block || kind == Kind::reduce_part;
}

}  // namespace

ClusterMachine::ClusterMachine(ClusterOptions options)
    : options_(std::move(options)), detector_(options_) {
  validate(options_);
  if (options_.self == kCoordinator) coordinator_.emplace(options_);
}

void ClusterMachine::on(Event& event, Instant now, Outbox& out) {
  if (phase_ == Phase::over) return;
  if (auto* arrived = std::get_if<MessageArrived>(&event)) {
    on_message(arrived->envelope, now, out);
  } else if (auto* fired = std::get_if<TimerFired>(&event)) {
    on_timer(fired->tag, now, out);
  } else if (auto* posted = std::get_if<CallPosted>(&event)) {
    on_call(static_cast<ClusterCall&>(*posted->call), now, out);
  } else if (auto* up = std::get_if<PeerUp>(&event)) {
    on_up(up->peer, now, out);
  } else if (auto* lost = std::get_if<PeerLost>(&event)) {
    on_lost(*lost, now, out);
  } else {
    on_notice(std::get<Notice>(event), now, out);
  }
}

void ClusterMachine::on_timer(uint64_t tag, Instant now, Outbox& out) {
  switch (static_cast<Tag>(tag)) {
    case Tag::begin:
      return begin(now, out);
    case Tag::tick:
      return tick(now, out);
    case Tag::dial:
      return redial(now, out);
    case Tag::end_wait:
      if (!report_ || now < report_->until) return;
      over(false, judge_failure(report_->failed, options_.self, options_.self).reason, out);
  }
}

void ClusterMachine::begin(Instant now, Outbox& out) {
  if (phase_ != Phase::idle) return;
  phase_ = Phase::joining;
  if (coordinates()) {
    coordinator_->begin(now);
    join(out);
  } else if (links_.contains(kCoordinator)) {
    join(out);
  } else {
    dial(kCoordinator, options_.rendezvous, now, out);
  }
  out.wake_at(MachineId::cluster, now + options_.heartbeat, static_cast<uint64_t>(Tag::tick));
}

void ClusterMachine::tick(Instant now, Outbox& out) {
  if (coordinates()) {
    coordinator_->on_tick(now, out);
    told_ = coordinator_->waits(now);
  }
  beat(now, out);
  judge_silences(now, out);
  if (phase_ == Phase::over) return;
  for (auto& [peer, d] : dials_) {
    const Duration waited = now - d.since;
    if (d.busy && waited >= options_.join_timeout) {
      dial_failed(d, {peer, d.why.empty() ? "no answer" : d.why}, now, out);
      if (phase_ == Phase::over) return;
    } else if (waited >= options_.silence_warn &&
               (d.told == Duration{} || waited >= d.told + options_.silence_repeat)) {
      d.told = waited;
      out.say(Level::warning, "waiting " + text_of(waited) + " for " + name_of(peer) + " at " +
                                  d.address + (d.why.empty() ? "" : ": " + d.why));
    }
  }
  say_waits(now, out);
  out.wake_at(MachineId::cluster, now + options_.heartbeat, static_cast<uint64_t>(Tag::tick));
}

void ClusterMachine::beat(Instant, Outbox& out) {
  Heartbeat heartbeat;
  if (coordinates()) heartbeat = told_;
  heartbeat.number = ++beats_;
  const Bytes body = heartbeat.encode();
  for (NodeId peer : links_) out.send(peer, Kind::heartbeat, body);
}

void ClusterMachine::judge_silences(Instant now, Outbox& out) {
  FailureDetector::Findings findings = detector_.judge(now);
  if (findings.held_up) out.say(Level::warning, *findings.held_up);
  for (const auto& [peer, verdict] : findings.peers) {
    if (verdict.what == Silence::tell) {
      out.say(Level::warning, verdict.reason);
    } else {
      report({Failed::What::silent, peer.value, verdict.reason}, now, out);
    }
  }
}

void ClusterMachine::dial(NodeId peer, const std::string& address, Instant now, Outbox& out) {
  dials_[peer] = {.address = address, .since = now, .pause = kFirstPause};
  out.dial(peer, address);
}

void ClusterMachine::dial_failed(Dialling& d, const PeerLost& lost, Instant now, Outbox& out) {
  const Duration tried = now - d.since;
  if (!lost.final && tried < options_.join_timeout) {
    d.busy = false;
    d.why = lost.why;
    d.next = now + d.pause;
    d.pause = std::min(d.pause + d.pause, kLongestPause);
    out.wake_at(MachineId::cluster, d.next, static_cast<uint64_t>(Tag::dial));
    return;
  }
  std::string text = "at " + d.address + ": " + lost.why;
  if (!lost.final) text += "; tried for " + text_of(tried);
  d.busy = false;
  d.next = now + options_.join_timeout;
  report({Failed::What::unreachable, lost.peer.value, std::move(text)}, now, out);
}

void ClusterMachine::redial(Instant now, Outbox& out) {
  for (auto& [peer, d] : dials_) {
    if (d.busy || now < d.next) continue;
    d.busy = true;
    out.dial(peer, d.address);
  }
}

void ClusterMachine::on_up(NodeId peer, Instant now, Outbox& out) {
  links_.insert(peer);
  dials_.erase(peer);
  detector_.watch(peer, now);
  if (phase_ == Phase::joining && peer == kCoordinator) join(out);
  if (phase_ == Phase::connecting) become_ready(out);
}

void ClusterMachine::on_lost(const PeerLost& lost, Instant now, Outbox& out) {
  links_.erase(lost.peer);
  detector_.forget(lost.peer);
  if (coordinates()) return coordinator_->on_lost(lost.peer, lost.why, now, out);
  if (const auto d = dials_.find(lost.peer); d != dials_.end()) {
    dial_failed(d->second, lost, now, out);
  } else if (phase_ == Phase::joining) {
    if (lost.peer == kCoordinator) dial(kCoordinator, options_.rendezvous, now, out);
  } else if (phase_ != Phase::idle) {
    report({Failed::What::lost, lost.peer.value, lost.why}, now, out);
  }
}

void ClusterMachine::join(Outbox& out) {
  Join join;
  join.rank = options_.self;
  join.nodes = options_.nodes;
  join.workers = options_.workers;
  join.instance = options_.instance;
  join.job_hash = options_.job_hash;
  join.address = options_.address;
  join.job_summary = options_.job_summary;
  out.send(kCoordinator, Kind::join, join.encode());
}

void ClusterMachine::on_view(View view, Instant now, Outbox& out) {
  if (phase_ != Phase::joining) return;
  phase_ = Phase::connecting;
  view_ = std::move(view);
  out.tell(ViewChanged{view_});
  for (const Member& m : view_.members) {
    if (m.node < options_.self && !links_.contains(m.node)) dial(m.node, m.address, now, out);
  }
  become_ready(out);
}

void ClusterMachine::become_ready(Outbox& out) {
  if (ready_sent_ || links_.size() + 1 < view_.nodes()) return;
  ready_sent_ = true;
  out.send(kCoordinator, Kind::ready, Ready{}.encode());
}

// A view binds: what was sent under another one changes nothing. Joining, losing touch and the
// end stand above views.
bool ClusterMachine::knows_epoch(const Envelope& message) const {
  switch (message.kind) {
    case Kind::join:
    case Kind::view:
    case Kind::heartbeat:
    case Kind::failed:
    case Kind::finished:
    case Kind::end:
      return true;
    default:
      return message.epoch == view_.epoch;
  }
}

void ClusterMachine::on_message(const Envelope& message, Instant now, Outbox& out) {
  if (!knows_epoch(message)) {
    out.say(Level::debug, "dropped a message of another epoch from " + name_of(message.from));
    return;
  }
  if (is_for_coordinator(message.kind)) {
    if (coordinates()) coordinator_->on_message(message, now, out);
    return;
  }
  bool understood = false;
  if (message.kind == Kind::heartbeat) {
    if (auto heartbeat = Heartbeat::decode(message.body)) {
      understood = true;
      if (auto line = detector_.heard(message.from, now)) out.say(Level::warning, *line);
      if (message.from == kCoordinator) told_ = std::move(*heartbeat);
    }
  } else if (message.from != kCoordinator) {
    understood = false;  // only the coordinator says such things
  } else if (message.kind == Kind::view) {
    auto view = decode_view(message.body);
    understood = view && view->nodes() == options_.nodes;
    if (understood) on_view(std::move(*view), now, out);
  } else if (message.kind == Kind::start) {
    understood = Start::decode(message.body).has_value();
    if (understood && phase_ == Phase::connecting) {
      phase_ = Phase::running;
      out.tell(JobStarted{});
    }
  } else if (message.kind == Kind::end) {
    const auto end = End::decode(message.body);
    understood = end.has_value();
    if (understood) on_end(*end, out);
  } else if (message.kind == Kind::give_block) {
    const auto give = GiveBlock::decode(message.body);
    understood = give.has_value();
    if (understood) on_give_block(*give, out);
  } else if (message.kind == Kind::reduce_sum) {
    const auto sum = ReduceSum::decode(message.body);
    understood = sum.has_value();
    if (understood) on_reduce_sum(*sum, out);
  }
  if (!understood) {
    report({Failed::What::nonsense, message.from.value, "a message that makes no sense"}, now, out);
  }
}

}  // namespace hemiola
