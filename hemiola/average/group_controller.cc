#include "hemiola/average/group_controller.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "hemiola/average/group_member.h"

namespace hemiola {
namespace {

[[noreturn]] void refuse(const char* why) { throw std::runtime_error(why); }

}  // namespace

GroupController::GroupController(GroupPost& post, WorkerId self, GroupSettings settings,
                                 const GroupPlan& plan, uint32_t group)
    : post_(post),
      self_(self),
      settings_(settings),
      plan_(plan),
      group_(group),
      meetings_(static_cast<uint32_t>(plan.groups[group].size())) {
  for (const uint32_t w : plan_.groups[group]) places_.emplace_back().worker = WorkerId{w};
}

GroupController::Place* GroupController::find(WorkerId worker) {
  for (Place& p : places_) {
    if (p.worker == worker) return &p;
  }
  return nullptr;
}

GroupHead GroupController::head_of(GroupWork work, uint32_t by, uint32_t id) const {
  return {.from = self_, .plan = plan_.number, .work = work, .group = by, .id = id};
}

void GroupController::send(Kind kind, GroupHead head, WorkerId to,
                           std::span<const std::byte> tail) {
  head.to = to;
  post_.send(kind, head, tail);
}

void GroupController::on_message(const GroupMessage& message, Instant now) {
  const GroupHead& head = message.head;
  Place* place = find(head.from);
  if (!place) {
    on_other(message, now);
  } else if (message.kind == Kind::member_ready) {
    on_ready(*place, message, now);
  } else if (message.kind == Kind::done) {
    on_done(*place, head, now);
  } else if (message.kind == Kind::ended) {
    on_ended(*place, head);
  } else {
    refuse("not a message of a member to its controller");
  }
  let_rest();
}

void GroupController::on_ready(Place& place, const GroupMessage& message, Instant now) {
  Reader reader(message.tail);
  const auto tail = reader.get<ReadyTail>();
  if (!reader.finished() || tail.seat <= place.said) refuse("a worker that says what it has said");
  place.said = tail.seat;
  place.pass = tail.pass;
  place.rests = tail.rests > 0;
  place.ready = !place.rests;
  place.ready_since = now;
  if (place.ready && place.released) {
    place.computed = place.computed + (now - *place.released);
    ++place.steps;
  }
  place.released.reset();
  pass_ = std::max(pass_, tail.pass);
  try_close(now);
  if (place.ready && settings_.patience.ns > 0) alarm_ = now + settings_.patience;
}

std::vector<uint32_t> GroupController::who_is_in() const {
  std::vector<uint32_t> in;
  for (uint32_t i = 0; i < size(); ++i) {
    if (places_[i].ready || at_rest(places_[i])) in.push_back(i);
  }
  return in;
}

GroupState GroupController::state(Instant now) const {
  GroupState s{.members = size(), .enough = settings_.enough};
  for (const Place& p : places_) {
    s.ready += p.ready;
    s.resting += at_rest(p);
    const bool late = settings_.patience.ns > 0 && now - p.ready_since >= settings_.patience;
    s.time_is_up = s.time_is_up || (p.ready && late);
  }
  s.apart = meetings_.apart(who_is_in());
  s.asked = trade_ && trade_->stage == TradeStage::wanted;
  return s;
}

void GroupController::try_close(Instant now) {
  if (fuse_ || frozen_) return;
  CloseDecision decision = decide_close(state(now));
  if (!decision.close) return;
  reasons_.push_back(std::move(decision.reason));
  begin_round();
}

// Whoever is ready by now is in, and who rests; nobody else's values are touched.
void GroupController::begin_round() {
  ++round_;
  fuse_ = Fuse{.taken = {}, .left = 0, .trades = trades_, .in_trade = running()};
  meetings_.met(who_is_in());
  std::vector<Seat> seats;
  for (Place& p : places_) {
    const bool in = p.ready || at_rest(p);
    if (!in && !settings_.model_to_all) continue;
    seats.push_back({p.worker, in ? p.said : GroupMember::kTakesAll});
    p.was_ready = p.ready;
    p.has_deltas = false;
    p.round = round_;
    ++fuse_->left;
    if (in) fuse_->taken.push_back(p.worker);
  }
  const Bytes tail = std::move(Writer().put_all(std::span<const Seat>(seats))).take();
  for (const Seat& s : seats) {
    send(Kind::fuse, head_of(GroupWork::fuse, group_, round_), s.worker, tail.span());
  }
}

void GroupController::on_done(Place& place, const GroupHead& head, Instant now) {
  if (head.work == GroupWork::fuse) {
    if (!fuse_ || head.id != round_ || place.round != round_ || place.has_deltas) {
      refuse("deltas of a round that is over");
    }
    place.has_deltas = true;
    if (--fuse_->left == 0) end_round(now);
    return;
  }
  const bool fits = trade_ && trade_->stage == TradeStage::running && head.group == trade_->by &&
                    head.id == trade_->id && !place.has_trade;
  if (!fits) refuse("deltas of a trade that is over");
  place.has_trade = true;
  --trade_->left;
  try_close_trade();
}

// All have all deltas: all take them. A mean can be traded when the values that it is of held all
// deltas of the last trade; while one is asked for, its owners keep the mean that they have.
void GroupController::end_round(Instant now) {
  const Fuse fuse = std::move(*std::exchange(fuse_, std::nullopt));
  const bool open = trade_ && trade_->stage != TradeStage::wanted;
  const uint32_t keep = !open && !fuse.in_trade && fuse.trades == trades_;
  if (keep) mean_ = Mean{round_, fuse.taken};
  for (Place& p : places_) {
    if (p.round != round_) continue;
    send(Kind::close, head_of(GroupWork::fuse, group_, round_), p.worker,
         std::as_bytes(std::span(&keep, 1)));
    if (!p.was_ready) continue;
    p.ready = false;
    p.released = now;
  }
  if (trade_ && trade_->stage == TradeStage::wanted && mean_) {
    send_owners(Kind::accept, *trade_);
    run_trade();
  }
  if (settings_.trade_every > 0 && ++rounds_ >= settings_.trade_every) propose();
  try_close(now);
}

void GroupController::freeze() {
  frozen_ = true;
  if (!trade_ || trade_->stage != TradeStage::wanted) return;
  send(Kind::busy, head_of(GroupWork::trade, trade_->by, trade_->id), controller_of(trade_->other));
  trade_.reset();
}

void GroupController::on_ended(Place& place, const GroupHead& head) {
  if (head.work == GroupWork::fuse) {
    // One who rests may be in the next round before this is here.
    if (head.id > place.round || head.id <= place.taken) refuse("the end of a round that was not");
    place.taken = head.id;
    return;
  }
  const bool fits = trade_ && trade_->stage == TradeStage::closed && head.group == trade_->by &&
                    head.id == trade_->id && !place.took_trade;
  if (!fits) refuse("the end of a trade that was not");
  place.took_trade = true;
  --trade_->left;
  try_end_trade();
}

bool GroupController::idle() const {
  if (fuse_ || trade_) return false;
  return std::all_of(places_.begin(), places_.end(),
                     [](const Place& p) { return p.taken == p.round; });
}

// While anything is under way that somebody of this group began, none of it is told that it may
// rest: so all are at rest only when nothing is under way anywhere.
void GroupController::let_rest() {
  if (!idle()) return;
  for (Place& p : places_) {
    if (!at_rest(p) || p.may_rest == p.said) continue;
    p.may_rest = p.said;
    send(Kind::may_rest, head_of(GroupWork::fuse, group_, p.said), p.worker);
  }
}

std::string GroupController::waits_for() const {
  std::string text;
  for (const Place& p : places_) {
    if (p.ready || at_rest(p)) continue;
    text += (text.empty() ? "worker " : ", ") + std::to_string(p.worker.value);
  }
  return text.empty() ? "its group's exchange" : text;
}

}  // namespace hemiola
