// The cluster machine, as it comes into the job and goes from view to view.

#include <utility>

#include "hemiola/cluster/machine.h"
#include "hemiola/cluster/why.h"

namespace hemiola {
namespace {

// More views than can have been made and forgotten before this node heard of them.
constexpr uint32_t kSkip = 1000;

}  // namespace

void ClusterMachine::come_in(NodeId leader, const std::string& address, Instant now, Outbox& out) {
  if (at_first_ != leader) dials_.erase(at_first_);
  at_first_ = leader;
  leader_address_ = address;
  if (leader == options_.self) {
    coordinator_->begin(now);
    join(out);
  } else if (links_.contains(leader)) {
    join(out);
  } else {
    dial(leader, address, now, out);
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
  out.send(leader(), Kind::join, join.encode());
}

void ClusterMachine::on_view(View view, Instant now, Outbox& out) {
  const bool here = view.has(options_.self, options_.instance);
  // Of the same epoch there is another one only where a job began anew after its keeper forgot it.
  const bool known = view.epoch < view_.epoch || (view.epoch == view_.epoch && here);
  if (known || (next_ && view.epoch <= next_->epoch)) return;
  if (!here && phase_ == Phase::joining) return;
  if (!here && view_.leaves(options_.self)) return left(out);
  if (!here && report_) return over(end_after(report_->failed, true), out);
  if (!here) {
    return over({false,
                 name_of(options_.self) + " was taken out of the job while it was away (view " +
                     std::to_string(view.epoch.value) + "): what it did since does not count",
                 true},
                out);
  }
  if (!workers_run_) return adopt(std::move(view), now, out);
  next_ = std::move(view);
  if (phase_ == Phase::parting) return;
  phase_ = Phase::parting;
  waiting_.clear();
  out.tell(Parting{});
}

void ClusterMachine::adopt(View view, Instant now, Outbox& out) {
  const Duration run = elapsed(now);
  for (size_t i = 0; i < view_.parties(); ++i) {
    const NodeId node = view_.party(i).node;
    if (view.has(node) || node == options_.self) continue;
    // The link may be that of the process that wants to come in its place.
    if (coordinates() && coordinator_->has_asked(node)) continue;
    links_.erase(node);
    dials_.erase(node);
    detector_.forget(node);
    out.hangups.push_back(node);
  }
  std::map<NodeId, Loss> unlinked;
  for (size_t i = 0; i < view.parties(); ++i) {
    const Member& m = view.party(i);
    if (m.node == options_.self || links_.contains(m.node)) continue;
    const auto before = lost_.find(m.node);
    const bool known = before != lost_.end() && is_member(m.node, m.instance);
    unlinked[m.node] = {now, known ? before->second.why : "no connection was made", !known};
  }
  lost_ = std::move(unlinked);
  view_ = std::move(view);
  phase_ = Phase::connecting;
  entry_since_ = now, entry_said_ = {};
  connected_ = ready_sent_ = false;
  state_ready_ = 0;
  rows_recovered_ = {};
  waiting_.clear();
  fixed_.clear();
  out.tell(ViewChanged{view_});
  for (size_t i = 0; i < view_.parties(); ++i) {
    const Member& m = view_.party(i);
    const bool ours = m.node < options_.self && !links_.contains(m.node);
    if (ours && !dials_.contains(m.node)) dial(m.node, m.address, now, out);
  }
  if (leader() == options_.self) {
    if (!coordinator_) coordinator_.emplace(options_);
    coordinator_->lead(view_, run, now, out);
  } else {
    coordinator_.reset();
  }
  for (Envelope& message : std::exchange(early_, {})) on_message(message, now, out);
  if (leave_asked_) ask_leave(out);
  become_ready(out);
}

void ClusterMachine::become_ready(Outbox& out) {
  for (size_t i = 0; i < view_.parties(); ++i) {
    const NodeId node = view_.party(i).node;
    if (node != options_.self && !links_.contains(node)) return;
  }
  if (!connected_) {
    connected_ = true;
    out.tell(Connected{});
  }
  if (ready_sent_ || state_ready_ < options_.state_machines) return;
  ready_sent_ = true;
  out.send(leader(), Kind::ready, Ready{agenda_, in_hand_.size(), rows_recovered_}.encode());
}

void ClusterMachine::start(const Agenda& agenda, Outbox& out) {
  if (view_.leaves(options_.self)) return left(out);
  for (const Member& m : std::exchange(view_.leaving, {})) {
    lost_.erase(m.node);
    dials_.erase(m.node);
    detector_.forget(m.node);
  }
  phase_ = Phase::running;
  workers_run_ = true;
  in_hand_.clear();
  begun_with_ = agenda;
  agenda_.merge(agenda);  // others began before, and may have told what they did since
  out.tell(JobStarted{});
}

void ClusterMachine::on_stored(const View& view, Instant now, Outbox& out) {
  if (std::exchange(store_lost_, std::nullopt)) {
    out.say(Level::info, "the keeper of views answers again");
  }
  if (view.over() && (phase_ != Phase::joining || heard_of_view_)) {
    JobOver how{true, "the job has ended while " + name_of(options_.self) + " was away"};
    how.left = true;
    return over(std::move(how), out);
  }
  if (phase_ != Phase::joining) {
    const bool ours = is_of_this_job(view);
    foreign_ = !ours && view.epoch < view_.epoch;
    if (ours && view.epoch < view_.epoch) keep_again(view.epoch, out);
    on_view(view, now, out);
    if (phase_ != Phase::over) follow_lost_leader(now, out);
    return;
  }
  if (view.epoch == Epoch{0} || view.over()) {
    if (!heard_of_view_) return begin_anew(now, out);
    if (!forgotten_since_) forgotten_since_ = now;
    return;
  }
  heard_of_view_ = true;
  forgotten_since_.reset();
  if (view.rank_of(options_.self) && view.has(options_.self, options_.instance)) {
    return on_view(view, now, out);  // as one of the first
  }
  coordinator_.reset();
  // Else whoever follows the process that was this node lets it in.
  const Member& leads = view.members[0];
  if (leads.node != options_.self) come_in(leads.node, leads.address, now, out);
}

// There is no view: who is there makes the first.
void ClusterMachine::begin_anew(Instant now, Outbox& out) {
  forgotten_since_.reset();
  if (options_.self == NodeId{0} && !coordinator_) coordinator_.emplace(options_);
  come_in(NodeId{0}, options_.rendezvous, now, out);
}

// What its keeper has forgotten, or has gone back to, the leader tells it again; where there is
// none any more, whoever knows. Later views may be forgotten too, of which only others heard: so it
// comes back with an epoch behind them.
void ClusterMachine::keep_again(Epoch kept, Outbox& out) {
  View again = next_ ? *next_ : view_;
  const NodeId first = again.members[0].node;
  const bool leads = first == options_.self;
  if (!leads && !coordinates() && !lost_.contains(first)) return;
  out.say(leads ? Level::warning : Level::debug,
          "the keeper of views has lost the view: it is told again");
  again.epoch.value += kSkip;
  again.begun = again.begun || !agenda_.history().empty();
  out.proposals.push_back({kept, std::move(again)});
}

// A view that somebody else began under the same name is not to be touched.
bool ClusterMachine::is_of_this_job(const View& view) const {
  return view.parties() == 0 || view_.meets(view);
}

}  // namespace hemiola
