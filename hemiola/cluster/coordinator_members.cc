// The coordinator, as the one who decides who comes, goes and leaves.
#include <algorithm>
#include <utility>

#include "hemiola/cluster/admission.h"
#include "hemiola/cluster/coordinator.h"
#include "hemiola/cluster/why.h"

namespace hemiola {
namespace {

// Nodes that are asked to leave within so much leave together.
constexpr Duration kGather = milliseconds(200);

}  // namespace

void Coordinator::refuse(NodeId from, const Join& join, const std::string& why, Outbox& out) const {
  out.say(Level::warning, "refused: " + why);
  out.send(from, Kind::end, End{false, join.instance, why}.encode());
}

void Coordinator::on_join(NodeId from, const Join& join, Instant now, Outbox& out) {
  const bool started = phase_ != Phase::gathering;
  // One that waits may have died behind a link that this node hung up itself.
  if (started && options_.goes_on) joined_.erase(from);
  std::optional<std::string> why = refusal(options_, from, join, joined_);
  if (!why && phase_ == Phase::ending) return out.send(from, Kind::end, end_);
  if (!why && started && !options_.goes_on) {
    why = name_of(from) + " came too late: the job has started without that process";
  }
  if (why) return refuse(from, join, *why, out);
  if (view_.has(from, join.instance)) return;  // said twice
  joined_[from] = join;
  if (started) {
    out.say(Level::info, name_of(from) + " is here with " + std::to_string(join.workers) +
                             (join.workers == 1 ? " worker" : " workers") + " and wants to join");
    return change_view(now, out);
  }
  if (from != options_.self) {
    out.say(Level::info, name_of(from) + " is here with " + std::to_string(join.workers) +
                             (join.workers == 1 ? " worker (" : " workers (") +
                             std::to_string(joined_.size()) + " of " +
                             std::to_string(options_.nodes) + " nodes)");
  }
  if (joined_.size() == options_.nodes) change_view(now, out);
}

// The view that should be, if that is another one than there is. Nodes come in and leave only once
// those who are here are at work, so that a flood of them does not keep the job from going on.
// Those that leave stay when nobody else does: they have all there is.
View Coordinator::next_view() const {
  const bool at_work = phase_ == Phase::gathering || phase_ == Phase::running;
  View next;
  next.epoch = Epoch{view_.epoch.value + 1};
  next.begun = view_.begun || phase_ == Phase::running;
  for (size_t seat = 0; seat < view_.parties(); ++seat) {
    const Member& m = view_.party(seat);
    if (gone_.contains(m.node)) continue;
    const bool leaves = view_.leaves(m.node) || (at_work && let_go_.contains(m.node));
    (leaves ? next.leaving : next.members).push_back(m);
  }
  if (next.members.empty()) next.members.swap(next.leaving);
  for (const auto& [node, join] : joined_) {
    if (!at_work || next.has(node)) continue;
    next.members.push_back({node, join.address, join.workers, {}, join.instance});
  }
  uint32_t workers = 0;
  for (Member& m : next.members) {
    m.first_worker = WorkerId{workers};
    workers += m.workers;
  }
  return next;
}

// What the view in force has changed of what was wanted.
void Coordinator::note_change(Outbox& out) {
  const auto gone = std::erase_if(gone_, [this](const auto& at) { return !view_.has(at.first); });
  std::vector<NodeId> came;
  std::erase_if(joined_, [&](const auto& at) {
    const bool here = view_.has(at.first, at.second.instance);
    if (here) came.push_back(at.first);
    return here;
  });
  if (view_.epoch <= Epoch{1} || (gone == 0 && came.empty())) return;
  const std::string joined = names_of(came) + (came.size() == 1 ? " has" : " have") + " joined: ";
  out.say(Level::warning, (came.empty() ? "" : joined) + "going on with " +
                              std::to_string(view_.nodes()) +
                              (view_.nodes() == 1 ? " node" : " nodes"));
}

void Coordinator::change_view(Instant now, Outbox& out) {
  if (wants_view_ || phase_ == Phase::ending || phase_ == Phase::over) return;
  View next = next_view();
  const auto same = [](const std::vector<Member>& a, const std::vector<Member>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Member& x, const Member& y) {
      return x.node == y.node && x.instance == y.instance;
    });
  };
  if (same(next.members, view_.members) && same(next.leaving, view_.leaving)) return;
  wants_view_ = true;
  asked_for_view_ = now;
  if (options_.sabotage == ClusterSabotage::leaves_at_once) next.leaving.clear();
  if (options_.keeper == ViewKeeper::store) {
    out.proposals.push_back({view_.epoch, next});
    return;
  }
  const Bytes body = encode_view(next);
  for (size_t seat = 0; seat < next.parties(); ++seat) {
    out.send(next.party(seat).node, Kind::view, body);
  }
  for (size_t seat = 0; seat < view_.parties(); ++seat) {
    const NodeId node = view_.party(seat).node;
    if (!next.has(node)) out.send(node, Kind::view, body);
  }
}

// The job goes on without the node, if it may.
void Coordinator::remove(NodeId node, const std::string& reason, Instant now, Outbox& out) {
  if (phase_ == Phase::ending) return acknowledged(node, out);
  if (phase_ == Phase::over || gone_.contains(node) || !view_.has(node)) return;
  const bool works = view_.rank_of(node).has_value();
  size_t left = 0;
  for (const Member& m : view_.members) left += m.node == node || gone_.contains(m.node) ? 0 : 1;
  for (const Member& m : view_.leaving) left += left == 0 && !gone_.contains(m.node) ? 1 : 0;
  if (!options_.goes_on || (works && left < options_.min_nodes) || node == options_.self) {
    std::string why = reason;
    if (options_.goes_on && left > 0 && left < options_.min_nodes) {
      why += "; " + std::to_string(left) + (left == 1 ? " node is" : " nodes are") +
             " left and the job wants at least " + std::to_string(options_.min_nodes);
    }
    return end(false, why, now, out);
  }
  gone_[node] = reason;
  wish_to_leave_.erase(node);
  let_go_.erase(node);
  out.say(Level::warning, reason);
  change_view(now, out);
}

// A node that is asked to go while too few would stay, or that the others cannot go on without,
// takes the job with it.
void Coordinator::on_ask_leave(NodeId from, const AskLeave& ask, Instant now, Outbox& out) {
  if (phase_ == Phase::ending || view_.leaves(from)) return;
  if (phase_ == Phase::gathering) {
    return end(false, "interrupted before all nodes were here", now, out);
  }
  if (ask.whole_job) return wind_up("ended early, as it was asked to", now, out);
  if (!view_.rank_of(from)) return;
  if (wish_to_leave_.try_emplace(from, now).second && options_.goes_on) {
    out.say(Level::info, name_of(from) + " wants to leave");
  }
}

// Those that were asked to leave do so together, if enough nodes stay.
void Coordinator::let_leave(Instant now, Outbox& out) {
  if (wish_to_leave_.empty() || phase_ != Phase::running || wants_view_ || !winds_up_.empty())
    return;
  Instant first = now;
  for (const auto& [node, since] : wish_to_leave_) first = std::min(first, since);
  if (now - first < kGather) return;
  size_t left = 0;
  std::vector<NodeId> leaving;
  for (const Member& m : view_.members) {
    if (gone_.contains(m.node)) continue;
    if (wish_to_leave_.contains(m.node)) {
      leaving.push_back(m.node);
    } else {
      ++left;
    }
  }
  if (leaving.empty()) return;
  const std::string who = names_of(leaving);
  if (!options_.goes_on || left < std::max(options_.min_nodes, 1u)) {
    std::string why = "ended early: " + who + (leaving.size() == 1 ? " was" : " were");
    return wind_up(why + " asked to leave, and the job does not go on with " +
                       std::to_string(left) + (left == 1 ? " node" : " nodes"),
                   now, out);
  }
  let_go_.insert(leaving.begin(), leaving.end());
  out.say(Level::warning, who + (leaving.size() == 1 ? " leaves" : " leave") + ": going on with " +
                              std::to_string(left) + (left == 1 ? " node" : " nodes"));
  change_view(now, out);
}

void Coordinator::wind_up(const std::string& reason, Instant now, Outbox& out) {
  if (!winds_up_.empty()) return;
  winds_up_ = reason;
  out.say(Level::info, "the job ends in order: each worker does the block in its hands");
  for (const WantBlock& want : std::exchange(early_, {})) on_want_block(want, now, out);
}

void Coordinator::say_absent(Instant now, Outbox& out) {
  const Duration passed = now - phase_since_;
  if (passed < said_absent_ + options_.say_wait) return;
  said_absent_ = passed;
  out.say(Level::warning, "waiting " + text_of(passed) + " for " + names_of(absent()) + "; " +
                              std::to_string(joined_.size()) + " of " +
                              std::to_string(options_.nodes) + " nodes are here");
}

void Coordinator::say_unready(Instant now, Outbox& out) {
  const Duration passed = now - phase_since_;
  if (passed < said_absent_ + options_.say_wait) return;
  said_absent_ = passed;
  const auto late = unready();
  if (late.empty()) return;
  out.say(Level::warning, "waiting " + text_of(passed) + " for " + names_of(late) +
                              " to be connected to all others and to have its rows");
}

std::vector<NodeId> Coordinator::absent() const {
  std::vector<NodeId> nodes;
  for (uint32_t n = 0; n < options_.nodes; ++n) {
    if (!joined_.contains(NodeId{n})) nodes.push_back(NodeId{n});
  }
  return nodes;
}

std::vector<NodeId> Coordinator::unready() const {
  std::vector<NodeId> nodes;
  for (size_t seat = 0; seat < view_.parties(); ++seat) {
    const NodeId node = view_.party(seat).node;
    if (!ready_.contains(node)) nodes.push_back(node);
  }
  return nodes;
}

}  // namespace hemiola
