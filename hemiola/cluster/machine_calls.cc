// The worker's side of the cluster machine: calls, whom they wait for, and the end of the job.

#include <algorithm>

#include "hemiola/cluster/machine.h"
#include "hemiola/cluster/verdict.h"
#include "hemiola/cluster/why.h"
#include "hemiola/core/check.h"

namespace hemiola {
void ClusterMachine::on_call(ClusterCall& call, Instant now, Outbox& out) {
  if (call.op == ClusterOp::fail) {
    auto& fail = static_cast<Fail&>(call);
    const auto what = fail.alone ? Failed::What::alone : Failed::What::worker;
    report({what, call.worker.value, fail.text}, now, out);
    if (phase_ != Phase::over) out.complete(call);
    return;
  }
  if (phase_ != Phase::running) {
    out.complete(call, "the job has not started: workers call after JobStarted");
    return;
  }
  switch (call.op) {
    case ClusterOp::begin:
      static_cast<Begin&>(call).totals = agenda_.totals();
      static_cast<Begin&>(call).view_changes = agenda_.history().counts().changes;
      static_cast<Begin&>(call).history = agenda_.history().counts();
      return out.complete(call);
    case ClusterOp::next_block:
      return on_next_block(static_cast<NextBlock&>(call), now, out);
    case ClusterOp::reduce: {
      auto& reduce = static_cast<Reduce&>(call);
      if (reduce.closes) tell_done(*reduce.closes, reduce.done, out);
      waiting_.push_back({&call, now});
      out.send(
          leader(), Kind::reduce_part,
          ReducePart{call.worker, reduce.round, reduce.closes, reduce.values, reduce.cut}.encode());
      return;
    }
    case ClusterOp::finish:
      waiting_.push_back({&call, now});
      out.send(leader(), Kind::finished, Finished{call.worker}.encode());
      return;
    case ClusterOp::fail:
      return;
  }
}

// The one who would lead next hears of it too, so that no block is done again when the leader goes.
void ClusterMachine::tell_done(uint32_t pass, std::vector<BlockDone>& done, Outbox& out) {
  if (done.empty()) return;
  const BlocksDone told{pass, std::exchange(done, {})};
  const Bytes body = told.encode();
  for (size_t rank = 0; rank < view_.nodes() && rank < 2; ++rank) {
    out.send(view_.members[rank].node, Kind::blocks_done, body);
  }
  for (const BlockDone& block : told.blocks) {
    agenda_.add(pass, block);
    in_hand_.erase(block.block);
  }
}

void ClusterMachine::on_next_block(NextBlock& call, Instant now, Outbox& out) {
  HEMIOLA_CHECK(call.plan);
  call.block.reset();
  call.cut = false;
  tell_done(call.pass, call.done, out);
  if (call.fixed) return give_fixed(call, out);
  if (plan_ != call.plan) {
    plan_ = call.plan;
    plan_hash_ = hash_of(*plan_);
  }
  waiting_.push_back({&call, now});
  out.send(leader(), Kind::want_block,
           WantBlock{call.worker, call.pass, call.seed, static_cast<uint32_t>(plan_->blocks.size()),
                     plan_hash_}
               .encode());
  if (coordinates()) coordinator_->on_plan(call.pass, plan_, now, out);
}

void ClusterMachine::give_fixed(NextBlock& call, Outbox& out) {
  const auto blocks = static_cast<uint32_t>(call.plan->blocks.size());
  auto [at, first] = fixed_.try_emplace(call.worker);
  FixedShare& share = at->second;
  if (first || share.pass != call.pass) {
    share = {call.pass, 0,
             fixed_share(blocks, call.seed, call.pass, call.worker, view_.workers(),
                         call.plan->in_order, begun_with_)};
  }
  if (share.at < share.blocks.size()) {
    call.cut = told_.winds_up;
    if (!call.cut) call.block = share.blocks[share.at++];
    if (call.block) in_hand_.insert(*call.block);
  }
  out.complete(call);
}

void ClusterMachine::on_give_block(const GiveBlock& give, Outbox& out) {
  const auto asked = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return w.call->op == ClusterOp::next_block && w.call->worker == give.worker;
  });
  if (asked == waiting_.end()) return;
  auto& call = static_cast<NextBlock&>(*asked->call);
  call.block = give.block;
  call.cut = give.cut;
  if (give.block) in_hand_.insert(*give.block);
  waiting_.erase(asked);
  out.complete(call);
}

void ClusterMachine::on_reduce_sum(const ReduceSum& sum, Outbox& out) {
  if (sum.closes) agenda_.close(*sum.closes, sum.totals);
  std::erase_if(waiting_, [&](const Waiting& w) {
    if (w.call->op != ClusterOp::reduce) return false;
    auto& call = static_cast<Reduce&>(*w.call);
    if (call.round != sum.round) return false;
    call.values = sum.totals.reduced;
    call.totals = sum.totals;
    call.closes = sum.closes;
    call.winds_up = sum.winds_up;
    out.complete(call);
    return true;
  });
}

// One line for all workers of this node that wait for the same.
void ClusterMachine::say_waits(Instant now, Outbox& out) {
  std::set<std::string> told;
  for (const Waiting& w : waiting_) {
    if (w.told) told.insert(waits_for(*w.call, told_));
  }
  for (Waiting& w : waiting_) {
    if (w.told || now - w.since < options_.say_wait) continue;
    w.told = true;
    const std::string whom = waits_for(*w.call, told_);
    if (!told.insert(whom).second) continue;
    out.say(Level::warning, "waiting " + text_of(now - w.since) + " for " + whom);
  }
}

// The leader itself knows more, and says that.
void ClusterMachine::say_entry(Instant now, Outbox& out) {
  const bool enters = phase_ == Phase::joining || phase_ == Phase::connecting;
  const Duration waited = now - entry_since_;
  const bool stale = phase_ == Phase::joining && leader() == options_.self;
  if (!enters || coordinates() || (!stale && !links_.contains(leader()))) return;
  if (waited < entry_said_ + options_.say_wait) return;
  entry_said_ = waited;
  if (stale) {
    return out.say(Level::warning, "waiting " + text_of(waited) +
                                       " for the others to notice that the process that " + "was " +
                                       name_of(options_.self) +
                                       " is gone, or for its view to be forgotten");
  }
  out.say(Level::warning,
          "waiting " + text_of(waited) + " for " + name_of(leader()) +
              (phase_ == Phase::joining ? " to let this node in" : " to say that all are ready"));
}

std::string ClusterMachine::waits_for(const ClusterCall& call, const Heartbeat& waits) const {
  std::string whom;
  std::string what;
  switch (call.op) {
    case ClusterOp::next_block:
      whom = waits.blocks_wait_for;
      what = "a block";
      break;
    case ClusterOp::reduce:
      whom = waits.reduce_waits_for;
      what = "reduce " + std::to_string(static_cast<const Reduce&>(call).round);
      break;
    case ClusterOp::finish:
      whom = waits.finish_waits_for;
      what = "the others to finish";
      break;
    case ClusterOp::begin:
    case ClusterOp::fail:
      break;
  }
  return whom.empty() ? name_of(leader()) + " to answer about " + what : whom;
}

// Another machine of this node may end the job too; then the others are told why.
void ClusterMachine::on_notice(const Notice& notice, Instant now, Outbox& out) {
  const auto* ready = std::get_if<StateReady>(&notice);
  if (ready && phase_ == Phase::connecting) {
    ++state_ready_;
    rows_recovered_ += ready->rows;
    return become_ready(out);
  }
  const auto* told = std::get_if<JobOver>(&notice);
  if (!told) return;
  if (!told->ok) report({Failed::What::worker, kNoWorker.value, told->reason}, now, out);
  phase_ = Phase::over;
  waiting_.clear();
}

void ClusterMachine::report(Failed failed, Instant now, Outbox& out) {
  if (phase_ == Phase::over) return;
  if (coordinates() && failed.what == Failed::What::alone && others_go_on()) {
    return over(end_after(failed, true), out);
  }
  if (coordinates()) return coordinator_->on_failed(failed, options_.self, now, out);
  const bool about_coordinator = !failed.of_worker() && failed.subject == leader().value;
  if (options_.goes_on && !coordinates() && failed.what == Failed::What::silent) {
    return member_lost(NodeId{failed.subject}, failed.text, now, out);
  }
  const bool own_cause = report_ && report_->failed.of_worker();
  if (about_coordinator || !links_.contains(leader())) {
    // Should node 0 only have been stopped, it finds this when it wakes.
    if (links_.contains(leader())) out.send(leader(), Kind::failed, failed.encode());
    return over(end_after(own_cause ? report_->failed : failed, others_go_on()), out);
  }
  if (report_) return;
  out.send(leader(), Kind::failed, failed.encode());
  report_ = {std::move(failed), now + options_.end_wait};
  out.wake_at(MachineId::cluster, report_->until, static_cast<uint64_t>(Tag::end_wait));
}

// Whoever is next leads, and finds that this node is gone.
bool ClusterMachine::others_go_on() const {
  return options_.goes_on && options_.keeper == ViewKeeper::store &&
         view_.nodes() > std::max(options_.min_nodes, 1u);
}

JobOver ClusterMachine::end_after(const Failed& cause, bool others_go_on) const {
  JobOver how{false, judge_failure(cause, options_.self, options_.self).reason};
  how.alone = cause.what == Failed::What::alone && others_go_on;
  return how;
}

// The leader decides, whoever that is; of a later view it is asked again.
void ClusterMachine::on_leave_asked(const LeaveAsked& asked, Outbox& out) {
  if (leave_asked_ && (leave_asked_->whole_job || !asked.whole_job)) return;
  leave_asked_ = asked;
  if (view_.members.empty() && !(coordinates() && asked.whole_job)) return left(out);
  ask_leave(out);
}

void ClusterMachine::ask_leave(Outbox& out) {
  out.send(leader(), Kind::ask_leave, AskLeave{leave_asked_->whole_job}.encode());
}

// What this node had is with the others.
void ClusterMachine::left(Outbox& out) {
  JobOver how{true, name_of(options_.self) + " has left, as it was asked to"};
  how.left = true;
  how.early = view_.members.empty();
  over(std::move(how), out);
}

void ClusterMachine::on_end(const End& end, Outbox& out) {
  if (end.instance != 0 && end.instance != options_.instance) return;  // meant for a double
  if (end.instance != 0)
    return over({false, name_of(leader()) + " refused this node: " + end.reason}, out);
  if (!coordinates()) out.send(leader(), Kind::finished, Finished{kNoWorker}.encode());
  over({end.ok, end.reason, false, end.early}, out);
}

void ClusterMachine::over(JobOver how, Outbox& out) {
  phase_ = Phase::over;
  for (const Waiting& w : waiting_) {
    if (how.ok && w.call->op == ClusterOp::finish) out.complete(*w.call);
  }
  waiting_.clear();
  out.tell(std::move(how));
}

}  // namespace hemiola
