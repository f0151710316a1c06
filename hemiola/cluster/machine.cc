#include "hemiola/cluster/machine.h"

#include <algorithm>

#include "hemiola/cluster/verdict.h"
#include "hemiola/cluster/why.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr Duration kFirstPause = milliseconds(20);  // between two tries to connect; doubles
constexpr Duration kLongestPause = milliseconds(500);
constexpr size_t kMostEarly = 10'000;
constexpr Duration kForgetWait = seconds(3);

bool is_for_coordinator(Kind kind) {
  return kind == Kind::join || kind == Kind::ready || kind == Kind::failed ||
         kind == Kind::finished || kind == Kind::want_block || kind == Kind::reduce_part ||
         kind == Kind::ask_leave;
}

}  // namespace

ClusterMachine::ClusterMachine(ClusterOptions options)
    : options_(std::move(options)), detector_(options_) {
  validate(options_);
  agenda_ = options_.agenda;
  if (options_.self == at_first_) coordinator_.emplace(options_);
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
  } else if (auto* notice = std::get_if<Notice>(&event)) {
    on_notice(*notice, now, out);
  } else if (auto* stored = std::get_if<ViewStored>(&event)) {
    on_stored(stored->view, now, out);
  } else if (auto* lost_store = std::get_if<StoreLost>(&event)) {
    if (!store_lost_) {
      store_lost_ = now;
      out.say(Level::warning, "the keeper of views does not answer (" + lost_store->why +
                                  "): going on, but nobody can come or go");
    }
  } else if (auto* asked = std::get_if<LeaveAsked>(&event)) {
    on_leave_asked(*asked, out);
  } else if (phase_ == Phase::parting) {
    workers_run_ = false;
    adopt(*std::exchange(next_, std::nullopt), now, out);
  }
  if (coordinates() && phase_ != Phase::over) hear_asks(now, out);
}

// Others may know of a view that this node leads before it does itself.
void ClusterMachine::hear_asks(Instant now, Outbox& out) {
  for (const auto& [from, ask] : std::exchange(asks_, {})) {
    coordinator_->on_message(ask, now, out);
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
      over(end_after(report_->failed, others_go_on()), out);
  }
}

void ClusterMachine::begin(Instant now, Outbox& out) {
  if (phase_ != Phase::idle) return;
  phase_ = Phase::joining;
  entry_since_ = now;
  out.wake_at(MachineId::cluster, now + options_.heartbeat, static_cast<uint64_t>(Tag::tick));
  // The keeper of views knows whether the job has begun.
  if (options_.keeper == ViewKeeper::leader) come_in(at_first_, options_.rendezvous, now, out);
}

void ClusterMachine::tick(Instant now, Outbox& out) {
  if (coordinates()) {
    coordinator_->on_tick(now, out);
    told_ = coordinator_->waits(now);
    told_at_ = now;
  }
  beat(now, out);
  judge_silences(now, out);
  judge_losses(now, out);
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
  say_entry(now, out);
  // Those who work under it may be about to tell the keeper again.
  if (forgotten_since_ && now - *forgotten_since_ >= kForgetWait) begin_anew(now, out);
  out.wake_at(MachineId::cluster, now + options_.heartbeat, static_cast<uint64_t>(Tag::tick));
}

void ClusterMachine::beat(Instant, Outbox& out) {
  Heartbeat heartbeat;
  if (coordinates()) heartbeat = told_;
  heartbeat.number = ++beats_;
  heartbeat.instance = options_.instance;
  const Bytes body = heartbeat.encode();
  for (NodeId peer : links_) out.send(peer, Kind::heartbeat, body);
}

void ClusterMachine::judge_silences(Instant now, Outbox& out) {
  FailureDetector::Findings findings = detector_.judge(now);
  if (findings.held_up) out.say(Level::warning, *findings.held_up);
  if (store_lost_) store_lost_ = std::min(now, *store_lost_ + findings.absence);
  if (cut_since_) cut_since_ = std::min(now, *cut_since_ + findings.absence);
  for (const auto& [peer, verdict] : findings.peers) {
    if (verdict.what == Silence::tell) {
      out.say(Level::warning, verdict.reason);
    } else if (options_.goes_on && !view_.has(peer)) {
      continue;  // it comes or goes, and holds nobody up
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
  // A member that cannot be reached is the leader's to take out (judge_losses).
  const bool no_end = options_.goes_on && phase_ != Phase::joining;
  if (no_end || (!lost.final && tried < options_.join_timeout)) {
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
  lost_.erase(peer);
  dials_.erase(peer);
  detector_.watch(peer, now);
  if (phase_ == Phase::joining && peer == leader()) join(out);
  if (phase_ == Phase::connecting) become_ready(out);
}

void ClusterMachine::on_lost(const PeerLost& lost, Instant now, Outbox& out) {
  links_.erase(lost.peer);
  std::erase_if(asks_, [&](const auto& ask) { return ask.first.first == lost.peer; });
  detector_.forget(lost.peer);
  const auto d = dials_.find(lost.peer);
  if (d != dials_.end() && d->second.busy) return dial_failed(d->second, lost, now, out);
  if (coordinates()) return coordinator_->on_lost(lost.peer, lost.why, now, out);
  const bool member = phase_ != Phase::joining && view_.has(lost.peer);
  if (phase_ == Phase::joining) {
    if (lost.peer == leader()) dial(leader(), leader_address_, now, out);
  } else if (options_.goes_on) {
    if (member) member_lost(lost.peer, lost.why, now, out);
  } else if (phase_ != Phase::idle) {
    report({Failed::What::lost, lost.peer.value, lost.why}, now, out);
  }
}

// A link between two who do not lead is made again; only when that takes long is it the leader's
// business. Whose process has ended the leader sees by itself.
void ClusterMachine::member_lost(NodeId peer, const std::string& why, Instant now, Outbox& out) {
  auto [loss, first] = lost_.try_emplace(peer, Loss{now, why});
  if (!first && loss->second.never_made) loss->second = {now, why};
  const auto seat = view_.seat_of(peer);
  if (peer < options_.self && peer != leader() && !links_.contains(peer)) {
    dial(peer, view_.party(*seat).address, now, out);
  }
  follow_lost_leader(now, out);
}

// Another process answers where a member was: the member is gone.
void ClusterMachine::replaced(NodeId peer, Instant now, Outbox& out) {
  if (!options_.goes_on || phase_ == Phase::joining) return;
  const std::string why = "another process has taken its place";
  if (!coordinates()) return member_lost(peer, why, now, out);
  coordinator_->on_failed({Failed::What::lost, peer.value, why}, options_.self, now, out);
}

// False only of members: whoever is none may be any process.
bool ClusterMachine::is_member(NodeId node, uint64_t instance) const {
  return !view_.has(node) || view_.has(node, instance);
}

// When all before this node in the view are lost it is this node's turn to lead.
void ClusterMachine::follow_lost_leader(Instant now, Outbox& out) {
  if (coordinates() || phase_ == Phase::joining || !lost_.contains(leader())) return;
  const Loss& loss = lost_.at(leader());
  if (loss.never_made && now - loss.since < options_.connect_patience) return;
  if (options_.keeper == ViewKeeper::leader) {
    const std::string why = loss.why + "; it kept the view (an etcd could: cluster.etcd)";
    return report({Failed::What::lost, leader().value, why}, now, out);
  }
  std::map<NodeId, std::string> gone;
  for (size_t seat = 0; seat < view_.parties(); ++seat) {
    const Member& m = view_.party(seat);
    if (m.node == options_.self) break;
    const auto at = lost_.find(m.node);
    if (at == lost_.end()) return;
    const Loss& lost = at->second;
    if (lost.never_made && now - lost.since < options_.connect_patience) return;
    gone[m.node] = name_of(m.node) + " was lost: " + at->second.why;
  }
  View led = view_;
  led.begun = led.begun || !agenda_.history().empty();
  coordinator_.emplace(options_);
  coordinator_->succeed(led, gone, elapsed(now), now, out);
}

void ClusterMachine::judge_losses(Instant now, Outbox& out) {
  if (!options_.goes_on) return;
  const auto missing = coordinates()    ? coordinator_->first_gone()
                       : !lost_.empty() ? std::optional(lost_.begin()->first)
                                        : std::nullopt;
  if (foreign_ && missing) {
    return over(
        {false, name_of(*missing) + " is lost, and the keeper of views holds a view of another run",
         true},
        out);
  }
  if (!store_lost_ || !missing) {
    cut_since_.reset();
  } else if (!cut_since_) {
    cut_since_ = now;
  } else if (now - *cut_since_ >= options_.lease) {
    return over(
        {false,
         "this side is cut off: " + name_of(*missing) +
             " is lost and the keeper of views has not answered for " + text_of(now - *store_lost_),
         true},
        out);
  }
  follow_lost_leader(now, out);
  std::vector<std::pair<NodeId, std::string>> judged;
  for (auto& [peer, loss] : lost_) {
    const Duration patience = loss.never_made ? options_.connect_patience : options_.link_patience;
    if (loss.reported || now - loss.since < patience) continue;
    loss.reported = true;
    judged.emplace_back(peer, loss.why);
  }
  for (const auto& [peer, why] : judged) {
    if (coordinates()) {
      coordinator_->on_lost(peer, why, now, out);
    } else if (peer != leader()) {
      out.send(leader(), Kind::failed, Failed{Failed::What::lost, peer.value, why}.encode());
    }
  }
}

Duration ClusterMachine::elapsed(Instant now) const {
  return told_.elapsed == Duration{} ? Duration{} : told_.elapsed + (now - told_at_);
}

// A view binds: what was sent under another one changes nothing. Joining, losing touch and the
// end stand above views.
bool ClusterMachine::is_bound_to_view(Kind kind) {
  switch (kind) {
    case Kind::join:
    case Kind::view:
    case Kind::heartbeat:
    case Kind::failed:
    case Kind::finished:
    case Kind::end:
    case Kind::ask_leave:
      return false;
    default:
      return true;
  }
}

void ClusterMachine::on_message(const Envelope& message, Instant now, Outbox& out) {
  if (is_bound_to_view(message.kind) && message.epoch != view_.epoch) {
    if (message.epoch > view_.epoch && early_.size() < kMostEarly) {
      early_.push_back(message);
    } else {
      out.say(Level::debug, "dropped a message of another epoch from " + name_of(message.from));
    }
    return;
  }
  if (is_for_coordinator(message.kind)) {
    const bool asks = message.kind == Kind::join || message.kind == Kind::ask_leave;
    if (coordinates()) {
      coordinator_->on_message(message, now, out);
    } else if (asks && options_.sabotage != ClusterSabotage::deaf_until_it_leads) {
      asks_.insert_or_assign({message.from, message.kind}, message);
    }
    return;
  }
  bool understood = false;
  if (message.kind == Kind::heartbeat) {
    if (auto heartbeat = Heartbeat::decode(message.body)) {
      understood = true;
      if (auto line = detector_.heard(message.from, now)) out.say(Level::warning, *line);
      if (!is_member(message.from, heartbeat->instance)) {
        return replaced(message.from, now, out);
      }
      if (links_.contains(message.from)) lost_.erase(message.from);
      if (message.from == leader()) {
        told_ = std::move(*heartbeat);
        told_at_ = now;
      }
    }
  } else if (message.kind == Kind::blocks_done) {
    const auto done = BlocksDone::decode(message.body);
    understood = done.has_value();
    if (understood && options_.sabotage != ClusterSabotage::deputy_forgets) {
      for (const BlockDone& block : done->blocks) agenda_.add(done->pass, block);
      if (coordinates()) coordinator_->on_blocks_done(*done);
    }
  } else if (message.from != leader() && !(phase_ == Phase::joining && message.kind == Kind::end)) {
    understood = false;  // only the leader says such things, whom a newcomer may not know yet
  } else if (message.kind == Kind::view) {
    auto view = decode_view(message.body);
    understood = view && view->nodes() <= most_nodes(options_);
    if (understood && options_.keeper == ViewKeeper::leader) on_view(std::move(*view), now, out);
  } else if (message.kind == Kind::start) {
    const auto begun = Start::decode(message.body);
    understood = begun.has_value();
    if (understood && phase_ == Phase::connecting) start(begun->agenda, out);
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
