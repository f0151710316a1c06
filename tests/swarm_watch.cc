#include "tests/swarm_watch.h"

#include <cmath>

namespace hemiola::swarm {
namespace {

class Ear : public Machine {
 public:
  Ear(Watch& watch, Life& life) : watch_(watch), life_(life) {}
  void on(Event& event, Instant, Outbox&) override {
    if (const auto* notice = std::get_if<Notice>(&event)) watch_.heard(life_, *notice);
  }

 private:
  Watch& watch_;
  Life& life_;
};

class Port : public WorkerPort {
 public:
  Port(Watch& watch, const Life& life, WorkerPort& real)
      : watch_(watch), life_(life), real_(real) {}

  WorkerId worker() const override { return real_.worker(); }
  void post(Call& call) override {
    if (call.target == MachineId::cluster) note(static_cast<ClusterCall&>(call));
    real_.post(call);
  }
  void wait(Call& call) override {
    real_.wait(call);
    if (call.target != MachineId::cluster) return;
    for (const BlockDone& done : told_) watch_.block_told(life_, pass_, done);
    told_.clear();
    auto& posted = static_cast<ClusterCall&>(call);
    if (posted.op != ClusterOp::next_block) return;
    const auto block = static_cast<NextBlock&>(posted).block;
    if (block) watch_.block_given(life_, pass_, *block);
  }
  Instant now() override { return real_.now(); }
  void spend(Duration cost) override { real_.spend(cost); }
  void sleep(Duration time) override { real_.sleep(time); }

 private:
  void note(const ClusterCall& call) {
    if (call.op == ClusterOp::next_block) {
      const auto& next = static_cast<const NextBlock&>(call);
      pass_ = next.pass;
      told_ = next.done;
    } else if (call.op == ClusterOp::reduce) {
      told_ = static_cast<const Reduce&>(call).done;
    }
  }

  Watch& watch_;
  const Life& life_;
  WorkerPort& real_;
  uint32_t pass_ = 0;
  std::vector<BlockDone> told_;
};

std::string name(const Life& life) {
  return "node " + std::to_string(life.node.value) + " (process " + std::to_string(life.instance) +
         ")";
}

}  // namespace

Life& Watch::born(NodeId node) {
  lives_.push_back(std::make_unique<Life>());
  Life& life = *lives_.back();
  life.node = node;
  life.instance = lives_.size();
  now_[node.value] = &life;
  return life;
}

void Watch::begin_anew() {
  views_.clear();
  done_.clear();
  ended_.clear();
}

std::unique_ptr<Machine> Watch::ear(Life& life) { return std::make_unique<Ear>(*this, life); }

void Watch::run(WorkerPort& port, Life& life, const std::function<void(WorkerPort&)>& main) {
  Port heard(*this, life, port);
  main(heard);
}

void Watch::say_wrong(const std::string& text) {
  if (wrong_.empty()) wrong_ = text;
}

void Watch::heard(Life& life, const Notice& notice) {
  const bool ends = std::holds_alternative<JobOver>(notice);
  if (!ends && life.view.epoch > Epoch{0} && on_motion) on_motion();
  if (const auto* changed = std::get_if<ViewChanged>(&notice)) {
    if (on_view) on_view();
    const uint32_t epoch = changed->view.epoch.value;
    const Bytes body = encode_view(changed->view);
    const std::vector<std::byte> bytes(body.span().begin(), body.span().end());
    const auto [at, first] = views_.try_emplace(epoch, bytes);
    if (!first && at->second != bytes) {
      say_wrong(name(life) + " has another view " + std::to_string(epoch) + " than others had");
    }
    if (epoch <= life.view.epoch.value) say_wrong(name(life) + " went back to an older view");
    life.view = changed->view;
  } else if (std::holds_alternative<JobStarted>(notice)) {
    life.started = true;
    life.started_under = life.view.epoch;
  } else if (const auto* over = std::get_if<JobOver>(&notice)) {
    life.over = true;
    life.fenced = over->fenced;
    const bool given_up =
        over->reason.find("all nodes that had worked are gone") != std::string::npos;
    const bool threw = over->reason.find("throws, as --throw asks") != std::string::npos;
    if ((given_up && !anyone_has_worked(life.view)) || (threw && !over->alone && !anyone_works())) {
      given_up_ = true;
    } else if (!over->ok && !over->fenced && !over->alone && !finished_) {
      say_wrong(name(life) + " ended the job: " + over->reason);
    }
    life.left = over->left;
    if (over->left && !life.asked_to_leave) say_wrong(name(life) + " left without being asked to");
    if (over->ok && !over->left && !finished_)
      say_wrong(name(life) + " was done before the job was");
    if (on_over) on_over(life);
  }
}

bool Watch::anyone_has_worked(const View& view) const {
  return std::any_of(lives_.begin(), lives_.end(),
                     [&](const auto& who) { return who->started && present(*who, view); });
}

bool Watch::anyone_works() const {
  return std::any_of(lives_.begin(), lives_.end(), [this](const auto& who) {
    return who->started && !who->over && !who->died && who->node != throwing_;
  });
}

bool Watch::present(const Life& who, const View& view) {
  return view.rank_of(who.node) && view.has(who.node, who.instance);
}

void Watch::block_told(const Life& life, uint32_t pass, const BlockDone& done) {
  done_[{pass, done.block}] = {&life, life.view.epoch};
}

void Watch::block_given(const Life& life, uint32_t pass, uint32_t block) {
  const auto at = done_.find({pass, block});
  if (at == done_.end()) return;
  const auto& [by, epoch] = at->second;
  // Who is still under an older view cannot know of it, and is taken out.
  if (epoch > life.view.epoch || !present(*by, life.view)) return;
  say_wrong("block " + std::to_string(block) + " of pass " + std::to_string(pass) +
            " was given to " + name(life) + " though " + name(*by) + " had done it");
}

void Watch::epoch(const EpochRecord& record) {
  const std::string which = "epoch " + std::to_string(record.epoch);
  if (record.samples != examples_) {
    say_wrong(which + " counted " + std::to_string(record.samples) + " examples of " +
              std::to_string(examples_));
  }
  if (!std::isfinite(record.loss)) say_wrong(which + " has a loss that is no number");
  if (record.elapsed < ended_[record.epoch - 1])
    say_wrong(which + " ended before the one before it");
  ended_[record.epoch] = record.elapsed;
  if (record.epoch == 1) first_loss_ = record.loss;
  if (record.epoch == epochs_) loss_ = record.loss;
}

void Watch::done_before(const std::vector<EpochRecord>& records) {
  for (const EpochRecord& record : records) epoch(record);
}

void Watch::finished(const RunTotals& totals, double) {
  finished_ = true;
  early_ = totals.ended_early;
  if (early_) {
    for (const auto& [node, life] : now_) {
      if (life->asked_to_leave && !life->left) return;
    }
  }
  if (totals.samples != epochs_ * examples_) {
    say_wrong("the job counted " + std::to_string(totals.samples) + " examples of " +
              std::to_string(epochs_ * examples_));
  }
}

}  // namespace hemiola::swarm
