#include "hemiola/cluster/coordinator.h"

#include "hemiola/cluster/admission.h"
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
  if (message.kind == Kind::failed) {
    const auto failed = Failed::decode(body);
    // A node may fail before it has joined, when it reads its data for example.
    const bool early = failed && failed->what == Failed::What::worker;
    if (failed && (early || joined_.contains(from))) return on_failed(*failed, from, now, out);
  }
  if (!joined_.contains(from)) return;  // lost before, or never let in
  if (message.kind == Kind::failed) {
    decoded = false;
  } else if (message.kind == Kind::finished) {
    const auto finished = Finished::decode(body);
    if (finished) return on_finished(from, finished->worker, now, out);
    decoded = false;
  }
  if (phase_ != Phase::connecting && phase_ != Phase::running) return;
  if (message.kind == Kind::ready) {
    if (Ready::decode(body)) return on_ready(from, now, out);
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

void Coordinator::on_join(NodeId from, const Join& join, Instant now, Outbox& out) {
  std::optional<std::string> why = refusal(options_, from, join, joined_);
  if (!why && phase_ != Phase::gathering) {
    why = name_of(from) + " came too late: the job has started without that process";
  }
  if (why) {
    out.say(Level::warning, "refused: " + *why);
    out.send(from, Kind::end, End{false, join.instance, *why}.encode());
    return;
  }
  joined_[from] = join;
  if (from != options_.self) {
    out.say(Level::info, name_of(from) + " is here with " + std::to_string(join.workers) +
                             (join.workers == 1 ? " worker (" : " workers (") +
                             std::to_string(joined_.size()) + " of " +
                             std::to_string(options_.nodes) + " nodes)");
  }
  if (joined_.size() == options_.nodes) make_view(now, out);
}

void Coordinator::make_view(Instant now, Outbox& out) {
  view_.epoch = Epoch{view_.epoch.value + 1};
  view_.members.clear();
  uint32_t workers = 0;
  for (const auto& [node, join] : joined_) {
    view_.members.push_back({node, join.address, join.workers, WorkerId{workers}});
    workers += join.workers;
  }
  phase_ = Phase::connecting;
  phase_since_ = now;
  reducer_.emplace(workers);
  send_all(Kind::view, encode_view(view_), out);
}

void Coordinator::on_ready(NodeId from, Instant now, Outbox& out) {
  ready_.insert(from);
  if (phase_ != Phase::connecting || ready_.size() < view_.nodes()) return;
  phase_ = Phase::running;
  phase_since_ = now;
  send_all(Kind::start, Start{}.encode(), out);
}

void Coordinator::on_finished(NodeId from, WorkerId worker, Instant now, Outbox& out) {
  if (worker == kNoWorker) return acknowledged(from, out);
  if (phase_ != Phase::running) return;
  if (!owns(from, worker)) {
    on_failed(nonsense(from, "the end of another node's worker"), options_.self, now, out);
    return;
  }
  if (finished_.empty()) finishing_since_ = now;
  finished_.insert(worker);
  if (finished_.size() == view_.workers()) end(true, "all workers are done", now, out);
}

void Coordinator::on_want_block(const WantBlock& want, Instant now, Outbox& out) {
  if (!dealer_) {
    early_.push_back(want);
    return;
  }
  const auto blocks = static_cast<uint32_t>(dealer_->plan().blocks.size());
  if (want.blocks != blocks || want.plan_hash != dealer_->plan_hash()) {
    const NodeId node = node_of(want.worker, view_);
    end(false,
        name_of(node) + " cuts the training data into " + std::to_string(want.blocks) +
            " blocks and " + name_of(options_.self) + " into " + std::to_string(blocks) +
            (want.blocks == blocks ? " others" : "") + ": are the data files the same?",
        now, out);
    return;
  }
  const Dealer::Given given = dealer_->next(want.worker, want.pass, want.seed);
  out.send(node_of(want.worker, view_), Kind::give_block,
           GiveBlock{want.worker, want.pass, given.block}.encode());
}

void Coordinator::on_plan(std::shared_ptr<const BlockPlan> plan, Instant now, Outbox& out) {
  if (dealer_ || phase_ != Phase::running) return;
  dealer_.emplace(std::move(plan), view_.workers());
  for (const WantBlock& want : std::exchange(early_, {})) {
    if (phase_ == Phase::running) on_want_block(want, now, out);
  }
}

void Coordinator::on_reduce_part(NodeId from, ReducePart part, Instant now, Outbox& out) {
  const WorkerId worker = part.worker;
  const uint32_t round = part.round;
  Reducer::Result result = reducer_->add(worker, round, std::move(part.values), now);
  if (!result.error.empty()) {
    on_failed({Failed::What::worker, worker.value, result.error}, from, now, out);
  } else if (result.sum) {
    send_all(Kind::reduce_sum, ReduceSum{round, std::move(*result.sum)}.encode(), out);
  }
}

void Coordinator::on_failed(const Failed& failed, NodeId from, Instant now, Outbox& out) {
  if (phase_ == Phase::ending || phase_ == Phase::over) return;
  const Verdict verdict = judge_failure(failed, from, options_.self);
  if (verdict.end) end(false, verdict.reason, now, out);
}

void Coordinator::on_lost(NodeId node, const std::string& why, Instant now, Outbox& out) {
  if (joined_.erase(node) == 0) return;
  if (phase_ == Phase::gathering) {
    out.say(Level::warning,
            name_of(node) + " went away before the start (" + why + "): waiting for it again");
  } else if (phase_ == Phase::ending) {
    acknowledged(node, out);
  } else {
    on_failed({Failed::What::lost, node.value, why}, options_.self, now, out);
  }
}

void Coordinator::on_tick(Instant now, Outbox& out) {
  const Duration passed = now - phase_since_;
  if (phase_ == Phase::gathering) {
    if (passed < options_.join_timeout) return say_absent(now, out);
    end(false, judge_absence(absent(), options_).reason, now, out);
  } else if (phase_ == Phase::connecting && passed >= options_.join_timeout) {
    end(false, judge_unready(unready(), options_).reason, now, out);
  } else if (phase_ == Phase::ending && passed >= options_.end_wait) {
    end_host(out);
  }
}

void Coordinator::say_absent(Instant now, Outbox& out) {
  const Duration passed = now - phase_since_;
  if (passed < said_absent_ + options_.say_wait) return;
  said_absent_ = passed;
  out.say(Level::warning, "waiting " + text_of(passed) + " for " + names_of(absent()) + "; " +
                              std::to_string(joined_.size()) + " of " +
                              std::to_string(options_.nodes) + " nodes are here");
}

void Coordinator::end(bool ok, const std::string& reason, Instant now, Outbox& out) {
  phase_ = Phase::ending;
  phase_since_ = now;
  end_ = End{ok, 0, reason}.encode();
  for (const auto& [node, join] : joined_) {
    if (node == options_.self) continue;
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

bool Coordinator::owns(NodeId node, WorkerId worker) const {
  if (node.value >= view_.nodes()) return false;
  const Member& m = view_.members[node.value];
  return worker.value >= m.first_worker.value && worker.value - m.first_worker.value < m.workers;
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
  for (uint32_t n = 0; n < options_.nodes; ++n) {
    if (!ready_.contains(NodeId{n})) nodes.push_back(NodeId{n});
  }
  return nodes;
}

}  // namespace hemiola
