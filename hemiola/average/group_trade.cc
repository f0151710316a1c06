// The controller's part in trades with other groups.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "hemiola/average/group_controller.h"

namespace hemiola {
namespace {

[[noreturn]] void refuse(const char* why) { throw std::runtime_error(why); }

}  // namespace

// A busy answer is not waited out: another group is asked after the next round.
void GroupController::propose() {
  const auto groups = static_cast<uint32_t>(plan_.groups.size());
  if (trade_ || !mean_ || frozen_) return;
  const uint32_t other = trade_partner(group_, groups, round_, settings_.seed);
  if (other == group_) return;
  trade_ = Trade{.stage = TradeStage::proposed, .by = group_, .id = ++proposals_, .other = other};
  send_owners(Kind::propose, *trade_);
}

void GroupController::send_owners(Kind kind, const Trade& trade) {
  Writer tail;
  tail.put(size()).put_all(std::span<const WorkerId>(mean_->owners));
  send(kind, head_of(GroupWork::trade, trade.by, trade.id), controller_of(trade.other),
       std::move(tail).take().span());
}

void GroupController::read_owners(const GroupMessage& message, Trade& trade) const {
  Reader reader(message.tail);
  trade.other_size = reader.get<uint32_t>();
  trade.other_owners = reader.get_all<WorkerId>();
  const auto& group = plan_.groups[trade.other];
  bool fits = reader.finished() && trade.other_size == group.size() && !trade.other_owners.empty();
  for (size_t i = 0; i < trade.other_owners.size() && fits; ++i) {
    const WorkerId w = trade.other_owners[i];
    fits = std::binary_search(group.begin(), group.end(), w.value) &&
           (i == 0 || trade.other_owners[i - 1] < w);
  }
  if (!fits) refuse("a trade with workers that are not of that group");
}

// From the controller of another group.
void GroupController::on_other(const GroupMessage& message, Instant now) {
  const GroupHead& head = message.head;
  const uint32_t other = plan_.group_of(head.from);
  if (controller_of(other) != head.from || head.work != GroupWork::trade) {
    refuse("a worker that is not the controller of its group");
  }
  if (message.kind == Kind::propose) return on_proposal(message, now);
  const bool fits =
      trade_ && trade_->other == other && trade_->by == head.group && trade_->id == head.id;
  const bool mine = fits && trade_->by == group_;
  if (message.kind == Kind::busy && mine && trade_->stage == TradeStage::proposed) {
    reasons_.push_back("another group was busy: one is asked after the next round");
    trade_.reset();
  } else if (message.kind == Kind::accept && mine && trade_->stage == TradeStage::proposed) {
    read_owners(message, *trade_);
    run_trade();
  } else if (message.kind == Kind::done && mine && trade_->stage == TradeStage::running) {
    trade_->other_ready = true;
    try_close_trade();
  } else if (message.kind == Kind::close && fits && !mine && trade_->stage == TradeStage::running) {
    trade_->other_ready = true;
    try_close_trade();
  } else if (message.kind == Kind::ended && mine && trade_->stage == TradeStage::closed) {
    trade_->other_ended = true;
    try_end_trade();
  } else {
    refuse("a step of a trade that cannot be");
  }
}

void GroupController::turn_down(GroupPost& post, const GroupHead& proposal) {
  GroupHead head = proposal;
  std::swap(head.from, head.to);
  post.send(Kind::busy, head);
}

// Where two groups ask each other at the same time the lower one's question counts: the other
// drops its own, and the lower one needs no answer to what it has not asked.
void GroupController::on_proposal(const GroupMessage& message, Instant now) {
  const uint32_t other = plan_.group_of(message.head.from);
  if (message.head.group != other) refuse("a trade that somebody else began");
  Trade asked{.by = other, .id = message.head.id, .other = other};
  read_owners(message, asked);
  if (trade_ && trade_->stage == TradeStage::proposed && trade_->other == other) {
    if (group_ < other) return;
    trade_.reset();
  } else if (trade_ || frozen_) {
    return turn_down(post_, message.head);
  }
  if (mean_) {
    trade_ = std::move(asked);
    send_owners(Kind::accept, *trade_);
    return run_trade();
  }
  const bool all_rest =
      std::all_of(places_.begin(), places_.end(), [&](const Place& p) { return at_rest(p); });
  if (!all_rest) return turn_down(post_, message.head);
  asked.stage = TradeStage::wanted;
  trade_ = std::move(asked);
  try_close(now);
}

// Both controllers know both groups' owners: the members do the rest.
void GroupController::run_trade() {
  ++trades_;
  rounds_ = 0;
  trade_->stage = TradeStage::running;
  trade_->left = size();
  if (trade_->by == group_) reasons_.push_back("another group was free to trade");
  const TradeTail sizes{mean_->round, size(), trade_->other_size};
  Writer tail;
  tail.put(sizes).put_all(std::span<const WorkerId>(mean_->owners));
  tail.put_all(std::span<const WorkerId>(trade_->other_owners));
  const Bytes body = std::move(tail).take();
  mean_.reset();
  for (Place& p : places_) {
    p.has_trade = p.took_trade = false;
    send(Kind::trade, head_of(GroupWork::trade, trade_->by, trade_->id), p.worker, body.span());
  }
}

// Two steps, so that both groups take their deltas or none: the one that was asked says that its
// members have theirs; the one that asked closes for both.
void GroupController::try_close_trade() {
  if (trade_->left > 0) return;
  const bool mine = trade_->by == group_;
  const GroupHead head = head_of(GroupWork::trade, trade_->by, trade_->id);
  if (!trade_->other_ready) {
    if (!mine) send(Kind::done, head, controller_of(trade_->other));
    return;
  }
  if (mine) send(Kind::close, head, controller_of(trade_->other));
  trade_->stage = TradeStage::closed;
  trade_->left = size();
  for (const Place& p : places_) send(Kind::close, head, p.worker);
}

void GroupController::try_end_trade() {
  if (trade_->left > 0) return;
  const bool mine = trade_->by == group_;
  if (mine && !trade_->other_ended) return;
  if (!mine) {
    send(Kind::ended, head_of(GroupWork::trade, trade_->by, trade_->id),
         controller_of(trade_->other));
  }
  trade_.reset();
}

}  // namespace hemiola
