#include "hemiola/cluster/coordinator.h"

#include <algorithm>
#include <utility>

#include "hemiola/cluster/verdict.h"
#include "hemiola/cluster/why.h"

namespace hemiola {
namespace {

// A wait is told of in heartbeats only when it has lasted a little.
constexpr Duration kWorthTelling = seconds(1);

Failed nonsense(NodeId from, std::string what) {
  return {Failed::What::nonsense, from.value, std::move(what)};
}

}  // namespace

void Coordinator::on_message(const Envelope& message, Instant now, Outbox& out) {
  if (phase_ == Phase::over) return;
  const NodeId from = message.from;
  const Bytes& body = message.body;
  bool decoded = true;
  if (message.kind == Kind::join) {
    const auto join = Join::decode(body);
    if (join) {
      on_join(from, *join, now, out);
    } else {
      out.say(Level::warning, name_of(from) + " sent a join that cannot be read");
    }
    return;
  }
  const bool known = joined_.contains(from) || view_.has(from);
  if (message.kind == Kind::failed) {
    const auto failed = Failed::decode(body);
    // A node may fail before it has joined, when it reads its data for example.
    const bool early = failed && failed->what == Failed::What::worker;
    if (failed && (early || known)) return on_failed(*failed, from, now, out);
  }
  if (message.kind == Kind::ask_leave) {
    const auto ask = AskLeave::decode(body);
    if (ask && (known || from == options_.self)) return on_ask_leave(from, *ask, now, out);
  }
  if (!known) return;  // lost before, or never let in
  if (message.kind == Kind::failed || message.kind == Kind::ask_leave) {
    decoded = false;
  } else if (message.kind == Kind::finished) {
    const auto finished = Finished::decode(body);
    if (finished) return on_finished(from, finished->worker, now, out);
    decoded = false;
  }
  if (phase_ != Phase::connecting && phase_ != Phase::running) return;
  // What it said before may be lost with its link; the next view begins with what is known.
  if (gone_.contains(from)) return;
  if (message.kind == Kind::ready) {
    const auto ready = Ready::decode(body);
    if (ready) return on_ready(from, *ready, now, out);
    decoded = false;
  } else if (message.kind == Kind::want_block) {
    const auto want = WantBlock::decode(body);
    if (want && owns(from, want->worker)) return on_want_block(*want, now, out);
    decoded = false;
  } else if (message.kind == Kind::reduce_part) {
    auto part = ReducePart::decode(body);
    if (part && owns(from, part->worker)) return on_reduce_part(from, std::move(*part), now, out);
    decoded = false;
  }
  if (!decoded) on_failed(nonsense(from, "a message that makes no sense"), options_.self, now, out);
}

void Coordinator::lead(const View& view, Duration elapsed, Instant now, Outbox& out) {
  view_ = view;
  phase_ = Phase::connecting;
  phase_since_ = now;
  wants_view_ = false;
  elapsed_before_ = elapsed;
  running_since_.reset();
  if (view.epoch > Epoch{1}) running_since_ = now;
  note_change(out);
  let_go_.clear();
  said_absent_ = {};
  std::erase_if(wish_to_leave_, [&](const auto& at) { return !view.rank_of(at.first); });
  ready_.clear();
  blocks_again_ = 0;
  rows_recovered_ = {};
  left_in_hand_ = std::max<uint64_t>(left_in_hand_, in_hand_.size());
  in_hand_.clear();
  if (!paused_since_) paused_since_ = now;
  unlinked_.clear();
  agenda_ = {};
  begun_with_.reset();
  dealers_.clear();
  plan_.reset();
  early_.clear();
  finished_.clear();
  cut_ = false;
  reducer_.emplace(view.workers());
  change_view(now, out);
}

void Coordinator::succeed(const View& view, const std::map<NodeId, std::string>& gone,
                          Duration elapsed, Instant now, Outbox& out) {
  view_ = view;
  elapsed_before_ = elapsed;
  running_since_ = now;
  phase_ = Phase::connecting;
  phase_since_ = now;
  for (const auto& [node, why] : gone) remove(node, why, now, out);
}

void Coordinator::on_ready(NodeId from, const Ready& ready, Instant now, Outbox& out) {
  if (phase_ != Phase::connecting) return;
  if (!ready_.insert(from).second) return;
  agenda_.merge(ready.agenda);
  blocks_again_ += ready.blocks_again;
  rows_recovered_ += ready.rows;
  if (ready_.size() < view_.parties()) return;
  if (view_.begun && agenda_.history().empty()) {
    return end(false, std::string(kNobodyKnows) + "; go on from the last checkpoint with --resume",
               now, out);
  }
  phase_ = Phase::running;
  phase_since_ = now;
  at_work_ = view_.nodes();
  // Who has not heard for how long it has run knows when the last pass ended.
  const Duration done =
      agenda_.totals().empty() ? Duration{} : seconds(agenda_.totals().back().ended);
  if (!running_since_ || elapsed(now) < done) {
    running_since_ = now;
    elapsed_before_ = done;
  }
  begun_with_ = options_.sabotage == ClusterSabotage::deals_again ? Agenda{} : agenda_;
  // It dealt them out itself, if it led before, and knows of those that the lost ones had.
  agenda_.history().begun(view_, (now - *paused_since_).seconds(),
                          std::max(blocks_again_, left_in_hand_), rows_recovered_);
  paused_since_.reset();
  left_in_hand_ = 0;
  const Bytes start = Start{agenda_}.encode();
  for (size_t seat = 0; seat < view_.parties(); ++seat) {
    out.send(view_.party(seat).node, Kind::start, start);
  }
  for (const Member& m : view_.leaving) out.say(Level::warning, name_of(m.node) + " has left");
  view_.leaving.clear();
  change_view(now, out);
}

// Without this silent node too few are left to tell who is cut off from whom. Where the leader
// keeps the view the others have ended, and so should it rather than train on what few have.
bool Coordinator::cuts_off(NodeId node) const {
  if (options_.keeper != ViewKeeper::leader || !view_.has(node)) return false;
  const size_t left = view_.nodes() - gone_.size() - 1;
  return 2 * left < at_work_;
}

void Coordinator::on_finished(NodeId from, WorkerId worker, Instant now, Outbox& out) {
  if (worker == kNoWorker) return acknowledged(from, out);
  if (phase_ != Phase::running || gone_.contains(from)) return;
  if (!owns(from, worker)) {
    on_failed(nonsense(from, "the end of another node's worker"), options_.self, now, out);
    return;
  }
  if (finished_.empty()) finishing_since_ = now;
  finished_.insert(worker);
  if (finished_.size() < view_.workers()) return;
  end(true, winds_up_.empty() ? "all workers are done" : winds_up_, now, out);
}

void Coordinator::on_want_block(const WantBlock& want, Instant now, Outbox& out) {
  if (!winds_up_.empty()) {
    const bool cut =
        !plan_ || plan_->first < want.pass || dealers_.at(plan_->second).any_left(want.pass);
    out.send(node_of(want.worker, view_), Kind::give_block,
             GiveBlock{want.worker, want.pass, std::nullopt, cut}.encode());
    return;
  }
  if (!plan_ || plan_->first < want.pass) {
    early_.push_back(want);
    return;
  }
  Dealer& dealer = dealers_.at(plan_->second);
  const auto blocks = static_cast<uint32_t>(dealer.plan().blocks.size());
  if (want.pass == plan_->first &&
      (want.blocks != blocks || want.plan_hash != dealer.plan_hash())) {
    const NodeId node = node_of(want.worker, view_);
    end(false,
        name_of(node) + " cuts the training data into " + std::to_string(want.blocks) +
            " blocks and " + name_of(options_.self) + " into " + std::to_string(blocks) +
            (want.blocks == blocks ? " others" : "") + ": are the data files the same?",
        now, out);
    return;
  }
  const Dealer::Given given = dealer.next(want.worker, want.pass, want.seed);
  if (given.block) in_hand_.insert(*given.block);
  out.send(node_of(want.worker, view_), Kind::give_block,
           GiveBlock{want.worker, want.pass, given.block}.encode());
}

void Coordinator::on_plan(uint32_t pass, std::shared_ptr<const BlockPlan> plan, Instant now,
                          Outbox& out) {
  if (phase_ != Phase::running || (plan_ && plan_->first >= pass)) return;
  const uint64_t hash = hash_of(*plan);
  dealers_.try_emplace(hash, std::move(plan), view_.workers(), *begun_with_);
  plan_ = {pass, hash};
  for (const WantBlock& want : std::exchange(early_, {})) {
    if (phase_ == Phase::running) on_want_block(want, now, out);
  }
}

void Coordinator::on_blocks_done(const BlocksDone& done) {
  for (const BlockDone& block : done.blocks) {
    agenda_.add(done.pass, block);
    in_hand_.erase(block.block);
  }
}

void Coordinator::on_reduce_part(NodeId from, ReducePart part, Instant now, Outbox& out) {
  const WorkerId worker = part.worker;
  const uint32_t round = part.round;
  const auto closes = part.closes;
  cut_ = cut_ || part.cut;
  Reducer::Result result = reducer_->add(worker, round, std::move(part.values), now);
  if (!result.error.empty()) {
    on_failed({Failed::What::worker, worker.value, result.error}, from, now, out);
  } else if (result.sum) {
    ReduceSum sum{round, closes, {}, !winds_up_.empty()};
    if (std::exchange(cut_, false)) sum.closes.reset();
    if (sum.closes && *sum.closes == agenda_.pass()) {
      sum.totals = agenda_.close(std::move(*result.sum), elapsed(now).seconds());
    } else {
      sum.totals.reduced = std::move(*result.sum);
    }
    send_all(Kind::reduce_sum, sum.encode(), out);
  }
}

void Coordinator::on_failed(const Failed& failed, NodeId from, Instant now, Outbox& out) {
  if (phase_ == Phase::ending || phase_ == Phase::over) return;
  if (phase_ != Phase::gathering && from != options_.self && !view_.has(from)) {
    joined_.erase(from);
    out.say(Level::warning, name_of(from) + " wanted to join and failed: " + failed.text);
    return;
  }
  const Verdict verdict = judge_failure(failed, from, options_.self, view_);
  // Who misses one that is known to be gone is not to blame.
  if (verdict.gone && !failed.of_worker() && known_to_be_gone(NodeId{failed.subject})) return;
  if (verdict.gone && failed.what == Failed::What::silent && cuts_off(*verdict.gone)) {
    return end(false,
               "this side is cut off: " + verdict.reason + ", and with it gone less " +
                   "than half of the " + std::to_string(at_work_) +
                   " nodes that were at work are here",
               now, out);
  }
  if (verdict.gone && phase_ != Phase::gathering)
    return remove(*verdict.gone, verdict.reason, now, out);
  end(false, verdict.reason, now, out);
}

void Coordinator::on_lost(NodeId node, const std::string& why, Instant now, Outbox& out) {
  const bool asked = joined_.erase(node) > 0;
  if (phase_ == Phase::gathering) {
    if (!asked) return;
    out.say(Level::warning,
            name_of(node) + " went away before the start (" + why + "): waiting for it again");
  } else if (phase_ == Phase::ending) {
    acknowledged(node, out);
  } else if (view_.has(node)) {
    unlinked_.insert(node);
    on_failed({Failed::What::lost, node.value, why}, options_.self, now, out);
  }
}

void Coordinator::on_tick(Instant now, Outbox& out) {
  const Duration passed = now - phase_since_;
  if (phase_ == Phase::gathering && !wants_view_) {
    if (passed < options_.join_timeout) return say_absent(now, out);
    end(false, judge_absence(absent(), options_).reason, now, out);
  } else if (phase_ == Phase::connecting && passed >= options_.join_timeout) {
    const auto late = unready();
    const std::string reason = judge_unready(late, options_).reason;
    if (!options_.goes_on) return end(false, reason, now, out);
    // Which of them keeps the others from it cannot be told from here: the newest is to come again.
    phase_since_ = now;
    if (late.back() != options_.self) remove(late.back(), reason, now, out);
  } else if (phase_ == Phase::connecting) {
    say_unready(now, out);
  } else if (phase_ == Phase::ending && passed >= options_.end_wait) {
    return end_host(out);
  }
  let_leave(now, out);
  if (wants_view_ && options_.keeper == ViewKeeper::store && now - asked_for_view_ >= seconds(1)) {
    wants_view_ = false;  // the keeper may not have heard
    change_view(now, out);
  }
}

void Coordinator::end(bool ok, const std::string& reason, Instant now, Outbox& out) {
  phase_ = Phase::ending;
  phase_since_ = now;
  end_ = End{ok, 0, reason, ok && !winds_up_.empty()}.encode();
  std::set<NodeId> all;
  for (const auto& [node, join] : joined_) all.insert(node);
  for (size_t seat = 0; seat < view_.parties(); ++seat) all.insert(view_.party(seat).node);
  for (const NodeId node : all) {
    if (node == options_.self || unlinked_.contains(node)) continue;
    out.send(node, Kind::end, end_);
    unaware_.insert(node);
  }
  if (unaware_.empty()) end_host(out);
}

void Coordinator::acknowledged(NodeId node, Outbox& out) {
  if (phase_ != Phase::ending) return;
  unaware_.erase(node);
  if (unaware_.empty()) end_host(out);
}

void Coordinator::end_host(Outbox& out) {
  phase_ = Phase::over;
  out.send(options_.self, Kind::end, end_);
}

Heartbeat Coordinator::waits(Instant now) const {
  Heartbeat waits;
  waits.elapsed = elapsed(now);
  waits.winds_up = !winds_up_.empty();
  if (phase_ != Phase::running) return waits;
  if (!early_.empty()) {
    waits.blocks_wait_for =
        name_of(options_.self) + ", which has not yet cut the training data into blocks";
  }
  const auto reduce = reducer_->waiting();
  if (reduce && now - reduce->since >= kWorthTelling) {
    waits.reduce_waits_for =
        "reduce " + std::to_string(reduce->round) + " of " + names_of(reduce->missing, view_);
  }
  if (!finished_.empty() && now - finishing_since_ >= kWorthTelling) {
    std::vector<WorkerId> missing;
    for (uint32_t w = 0; w < view_.workers(); ++w) {
      if (!finished_.contains(WorkerId{w})) missing.push_back(WorkerId{w});
    }
    waits.finish_waits_for = names_of(missing, view_) + " to finish";
  }
  return waits;
}

void Coordinator::send_all(Kind kind, const Bytes& body, Outbox& out) const {
  for (const Member& m : view_.members) out.send(m.node, kind, body);
}

Duration Coordinator::elapsed(Instant now) const {
  return running_since_ ? elapsed_before_ + (now - *running_since_) : elapsed_before_;
}

bool Coordinator::owns(NodeId node, WorkerId worker) const {
  const auto rank = view_.rank_of(node);
  if (!rank) return false;
  const Member& m = view_.members[*rank];
  return worker.value >= m.first_worker.value && worker.value - m.first_worker.value < m.workers;
}

bool Coordinator::known_to_be_gone(NodeId node) const {
  if (!options_.goes_on || phase_ == Phase::gathering) return false;
  return gone_.contains(node) || !view_.has(node);
}

}  // namespace hemiola
