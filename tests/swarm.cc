#include "tests/swarm.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "hemiola/cluster/machine.h"
#include "hemiola/core/random.h"
#include "hemiola/sim/world.h"
#include "hemiola/train/node_life.h"
#include "hemiola/train/run_settings.h"
#include "hemiola/train/settings.h"
#include "tests/swarm_count.h"
#include "tests/swarm_watch.h"

namespace hemiola::swarm {
namespace {

constexpr uint64_t kMeasureEvery = 16;
constexpr double kNsPerCounted = 2e6;
constexpr double kNsPerExample = 1e7;  // so that a job lasts seconds, as its faults do
constexpr Duration kJoinTimeout = seconds(30);
// A node that dies may take with it what its own workers did so short before.
constexpr Duration kMayBeLost = seconds(1);

constexpr Duration kUntilForgotten = seconds(8);  // at most: the view of the dead

// No node is left that could go on: what is under way then is nobody's fault.
struct AllGone {};

// One job, from its begin to its end.
class Run {
 public:
  Run(const Trial& trial, const Job& job, const LoadedTask& task)
      : trial_(trial),
        job_(job),
        task_(task),
        settings_(run_settings(job, flags())),
        sampling_(sampling_of(job, task.task())),
        watch_(trial.epochs, examples(job, task)),
        chance_(mix(trial.seed, 0x737761726d)) {
    if (trial.counts()) ledger_ = std::make_unique<Ledger>();
  }

  Outcome run();

 private:
  static Flags flags() {
    Flags flags;
    flags.quiet = true;
    return flags;
  }
  static uint64_t examples(const Job& job, const LoadedTask& task) {
    uint64_t sum = 0;
    for (const auto& b : task.task().plan(planned_workers(job, Flags())).blocks) sum += b.examples;
    return sum;
  }

  using Body = std::pair<std::unique_ptr<NodeCore>, std::function<void(WorkerPort&)>>;
  Body born(NodeId node);
  const LoadedTask& task_of(Life& life);
  void look(const Life& me, Key row, const float* values);
  Ledger::Presence presence(const Life& who, const Life& me) const;
  bool is_calm() const;
  ClusterOptions cluster_options(const Life& life) const;
  void after_event();
  bool may_kill(NodeId victim) const;
  bool may_leave(NodeId node) const;
  bool somebody_holds_on() const;
  std::vector<sim::Fault> draw_up();
  void ambush();
  void wipe_out();
  void look_at_keeper();
  void come_back(NodeId node);
  void measure();

  const Trial& trial_;
  const Job& job_;
  const LoadedTask& task_;
  RunSettings settings_;
  const Sampling sampling_;
  Watch watch_;
  Random chance_;
  std::unique_ptr<Ledger> ledger_;  // when it counts; then each process has a task of its own
  std::vector<std::unique_ptr<LoadedTask>> counting_;
  std::vector<std::unique_ptr<NodeLife>> lives_;  // of the dead too, until the world ends
  std::unique_ptr<sim::World> world_;
  std::vector<sim::Fault> kills_;  // and leavings, yet to come, the next one last
  Instant last_fault_;             // is over by then
  uint32_t ambushes_left_ = 0;
  enum class Wipe : uint8_t { none, to_come, last_dies, all_dead };
  Wipe wipe_ = Wipe::none;
  Epoch kept_;    // of the view in the keeper
  NodeId last_;   // of the dead,
  NodeId first_;  // of those that come again
  uint64_t events_ = 0;
  Outcome outcome_;
};

ClusterOptions Run::cluster_options(const Life& life) const {
  ClusterOptions o;
  o.self = life.node;
  o.nodes = trial_.nodes;
  o.most_nodes = trial_.nodes + trial_.newcomers;
  o.workers = trial_.workers;
  o.address = "sim:" + std::to_string(life.node.value);
  o.rendezvous = "sim:0";
  o.instance = life.instance;
  o.goes_on = true;
  o.on_silence = OnSilence::remove;
  o.keeper = ViewKeeper::store;
  o.join_timeout = kJoinTimeout;
  o.sabotage = trial_.sabotage;
  return o;
}

Run::Body Run::born(NodeId node) {
  Life& life = watch_.born(node);
  lives_.push_back(std::make_unique<NodeLife>(job_, "", task_of(life), settings_, sampling_, node,
                                              std::vector<CodecSpeed>()));
  NodeLife& body = *lives_.back();
  body.listener = [this] { return &watch_; };
  auto core = std::make_unique<NodeCore>(node);
  ClusterOptions cluster = cluster_options(life);
  cluster.state_machines = body.state_machines();
  core->add(MachineId::cluster, std::make_unique<ClusterMachine>(cluster));
  core->add(MachineId::link, watch_.ear(life));
  body.live_in(*core);
  return {std::move(core), [this, &body, &life](WorkerPort& port) {
            watch_.run(port, life, [&body](WorkerPort& p) { body.run(p); });
          }};
}

const LoadedTask& Run::task_of(Life& life) {
  if (!ledger_) return task_;
  CountHooks hooks{static_cast<uint32_t>(life.instance - 1), [this] { return world_->now(); },
                   [this, &life](Key row, const float* values) { look(life, row, values); }};
  counting_.push_back(std::make_unique<LoadedTask>(count_task(ledger_.get(), std::move(hooks))));
  return *counting_.back();
}

Ledger::Presence Run::presence(const Life& who, const Life& me) const {
  if (who.died) return Ledger::Presence::gone;
  const bool here = !who.over && Watch::present(who, me.view);
  return here ? Ledger::Presence::here : Ledger::Presence::unheard_of;
}

void Run::look(const Life& me, Key row, const float* values) {
  if (outcome_.rows_lost > 0 || me.died || me.over) return;  // the world unwinds the dead too
  for (const auto& who : watch_.lives()) {
    const auto cell = static_cast<uint32_t>(who->instance - 1);
    if (cell >= kCountedLives) break;
    const Instant safe{who->died ? (*who->died).ns - kMayBeLost.ns : 0};
    const std::string wrong = ledger_->check(cell, row, values[cell], presence(*who, me), safe);
    if (!wrong.empty()) watch_.say_wrong(wrong);
  }
  ++outcome_.rows_counted;
}

// All whom the latest view names are at work under it.
bool Run::is_calm() const {
  const View& view = world_->stored_view();
  return std::all_of(view.members.begin(), view.members.end(), [&](const Member& m) {
    const Life& life = watch_.life(m.node);
    return life.instance == m.instance && world_->alive(m.node) && !life.over &&
           life.started_under == view.epoch;
  });
}

// Another process has the job's state, and is in the latest view.
bool Run::may_kill(NodeId victim) const {
  const View& view = world_->stored_view();
  for (const Member& m : view.members) {
    const Life& life = watch_.life(m.node);
    if (m.node == victim || life.instance != m.instance) continue;
    if (world_->alive(m.node) && !life.over && life.started) return true;
  }
  return false;
}

// Somebody stays then.
bool Run::may_leave(NodeId node) const {
  for (const Member& m : world_->stored_view().members) {
    const Life& life = const_cast<Watch&>(watch_).life(m.node);
    if (m.node == node || life.instance != m.instance || life.asked_to_leave) continue;
    if (world_->alive(m.node) && !life.over && life.started) return true;
  }
  return false;
}

bool Run::somebody_holds_on() const {
  const View& view = world_->stored_view();
  if (view.members.empty() || watch_.finished() || wipe_ == Wipe::all_dead) return true;
  for (const Member& m : view.members) {
    const Life& life = watch_.life(m.node);
    if (life.instance == m.instance && world_->alive(m.node) && !life.over) return true;
  }
  return false;
}

void Run::come_back(NodeId node) {
  if (trial_.back_after == Duration{}) return;
  const auto more = chance_.below(static_cast<uint64_t>(trial_.back_after.ns));
  const Duration pause = trial_.back_after + Duration{static_cast<int64_t>(more)};
  ++outcome_.faults[sim::Fault::Kind::restart];
  world_->inject(sim::restart(world_->now() + pause, node));
}

// The last one dies when another process has begun, which knows nothing: a world in which nobody
// lives is over.
void Run::wipe_out() {
  const Instant now = world_->now();
  const auto die = [&](NodeId node) {
    ++outcome_.faults[sim::Fault::Kind::kill];
    watch_.life(node).died = now;
    world_->inject(sim::kill(now, node));
  };
  const auto within = [&](Duration most) {
    return now + Duration{static_cast<int64_t>(chance_.below(static_cast<uint64_t>(most.ns)))};
  };
  if (watch_.finished()) {
    wipe_ = Wipe::none;
  } else if (wipe_ == Wipe::to_come && now >= *trial_.all_die) {
    wipe_ = Wipe::last_dies;
    for (NodeId n{0}; n.value < world_->nodes(); ++n.value) {
      if (world_->alive(n)) last_ = n;
    }
    for (NodeId n{0}; n < last_; ++n.value) {
      if (world_->alive(n)) die(n);
    }
    first_ = NodeId{last_ == NodeId{0} ? 1u : 0u};
    world_->inject(sim::restart(now + Duration{1}, first_));
  } else if (wipe_ == Wipe::last_dies && world_->alive(first_) && !watch_.life(first_).died) {
    wipe_ = Wipe::all_dead;
    die(last_);
    watch_.begin_anew();
    for (NodeId n{0}; n.value < trial_.nodes; ++n.value) {
      if (n != first_) world_->inject(sim::restart(within(seconds(5)), n));
    }
    ++outcome_.faults[sim::Fault::Kind::store_forgets];
    world_->inject(sim::store_forgets(within(kUntilForgotten)));
  } else if (wipe_ == Wipe::all_dead && world_->stored_view().epoch == Epoch{0}) {
    wipe_ = Wipe::none;
  }
}

// A first view behind others: all who could have told the keeper again what it forgot were gone.
void Run::look_at_keeper() {
  const Epoch kept = world_->stored_view().epoch;
  if (kept_ == Epoch{0} && kept == Epoch{1}) watch_.begin_anew();
  kept_ = kept;
}

// A view changes: what is worst now?
void Run::ambush() {
  if (ambushes_left_ == 0 || !chance_.chance(0.3)) return;
  --ambushes_left_;
  const auto draw = [&](int64_t most) {
    return Duration{static_cast<int64_t>(chance_.below(static_cast<uint64_t>(most)))};
  };
  const NodeId victim{static_cast<uint32_t>(chance_.below(world_->nodes()))};
  const NodeId other{static_cast<uint32_t>(chance_.below(world_->nodes()))};
  const Instant at = world_->now() + draw(chance_.chance(0.7) ? 500'000 : 50'000'000);
  const auto kind = chance_.below(4);
  if (kind >= 2) {
    kills_.push_back(sim::kill(at, victim));
    std::stable_sort(kills_.begin(), kills_.end(),
                     [](const auto& x, const auto& y) { return x.at > y.at; });
    return;
  }
  const sim::Fault fault = kind == 0 || victim == other
                               ? sim::freeze(at, victim, draw(4'000'000'000))
                               : sim::drop_link(at, victim, other, draw(4'000'000'000));
  ++outcome_.faults[fault.kind];
  world_->inject(fault);
}

// What the nodes remember for the case that somebody dies.
void Run::measure() {
  TableMachine::Remembered& most = outcome_.remembered;
  for (NodeId n{0}; n.value < world_->nodes(); ++n.value) {
    if (!world_->alive(n)) continue;
    const auto* table = dynamic_cast<TableMachine*>(world_->core(n).machine(MachineId::table));
    if (table == nullptr) continue;
    const TableMachine::Remembered now = table->remembered();
    most.units = std::max(most.units, now.units);
    most.journal_bytes = std::max(most.journal_bytes, now.journal_bytes);
    most.gifts = std::max(most.gifts, now.gifts);
  }
}

void Run::after_event() {
  if (ledger_ && ++events_ % kMeasureEvery == 0) measure();
  if (!watch_.wrong().empty()) throw std::runtime_error(watch_.wrong());
  while (!kills_.empty() && kills_.back().at <= world_->now()) {
    if (ledger_ && !is_calm()) break;
    const sim::Fault kill = kills_.back();
    kills_.pop_back();
    if (!world_->alive(kill.a) || watch_.life(kill.a).over) continue;
    if (kill.kind == sim::Fault::Kind::leave) {
      if (!may_leave(kill.a)) continue;
      ++outcome_.faults[kill.kind];
      watch_.life(kill.a).asked_to_leave = true;
      world_->inject(sim::leave(world_->now(), kill.a));
      continue;
    }
    if (!may_kill(kill.a)) continue;
    ++outcome_.faults[kill.kind];
    watch_.life(kill.a).died = world_->now();
    world_->inject(sim::kill(world_->now(), kill.a));
    come_back(kill.a);
    break;  // it dies before the next is judged
  }
  if (wipe_ != Wipe::none) wipe_out();
  look_at_keeper();
  if (!somebody_holds_on()) throw AllGone{};
}

// What the world carries out by itself; for the rest, who may die is judged here.
std::vector<sim::Fault> Run::draw_up() {
  std::vector<sim::Fault> faults;
  for (const sim::Fault& fault : trial_.faults) {
    last_fault_ = std::max(last_fault_, fault.at + fault.span);
    if (fault.kind == sim::Fault::Kind::kill || fault.kind == sim::Fault::Kind::leave) {
      kills_.push_back(fault);
    } else {
      ++outcome_.faults[fault.kind];
      faults.push_back(fault);
    }
  }
  std::stable_sort(kills_.begin(), kills_.end(),
                   [](const auto& x, const auto& y) { return x.at > y.at; });
  ambushes_left_ = trial_.ambushes;
  if (trial_.all_die) {
    wipe_ = Wipe::to_come;
    last_fault_ = std::max(last_fault_, *trial_.all_die + kUntilForgotten);
  }
  return faults;
}

Outcome Run::run() {
  settings_.throwing_node = trial_.throwing_node;
  settings_.cost.throws_at = trial_.throwing_step;
  if (trial_.throwing_step > 0) watch_.expect_throws_of(NodeId{trial_.throwing_node});
  settings_.cost.ns_per_example = ledger_ ? kNsPerCounted : kNsPerExample;
  sim::WorldOptions in_world;
  in_world.seed = trial_.seed;
  in_world.view_store = true;
  in_world.store_takes_all = trial_.keeper_takes_all;
  in_world.reborn = [this](NodeId node) { return born(node); };
  in_world.after_event = [this] { after_event(); };
  in_world.computer.spread = 0.2;
  in_world.faults = draw_up();
  in_world.deadline = last_fault_ + trial_.patience;
  in_world.record_trace = trial_.traced;
  in_world.log = [this](Instant now, NodeId node, Level, std::string_view line) {
    // What table machines say of rows that died with all their holders.
    const size_t lost = line.find(" rows of table");
    if (lost != line.npos) outcome_.rows_lost += std::strtoull(line.data(), nullptr, 10);
    if (!trial_.aloud) return;
    std::printf("%10.4f node %u: %.*s\n", static_cast<double>(now.ns) * 1e-9, node.value,
                static_cast<int>(line.size()), line.data());
  };
  watch_.on_over = [this](Life& life) {
    outcome_.fenced += life.fenced;
    outcome_.left += life.left;
    if (life.fenced || life.left) come_back(life.node);
  };
  watch_.on_view = [this] { look_at_keeper(); };
  watch_.on_motion = [this] { ambush(); };
  world_ = std::make_unique<sim::World>(std::move(in_world));
  for (uint32_t n = 0; n < trial_.nodes; ++n) {
    auto [core, main] = born(NodeId{n});
    world_->add_node(std::move(core), std::move(main));
  }
  for (uint32_t n = 0; n < trial_.newcomers; ++n) world_->add_absent();
  try {
    const sim::Outcome over = world_->run();
    outcome_.events = over.events;
    if (!over.finished) outcome_.wrong = over.stuck_reason;
    outcome_.lost = !somebody_holds_on() || watch_.early() || watch_.given_up();
    if (outcome_.lost) {
      outcome_.wrong.clear();
    } else if (over.finished && !watch_.finished())
      outcome_.wrong = "it ended early: " + over.over.reason;
  } catch (const AllGone&) {
    outcome_.lost = true;
  } catch (const std::exception& e) {
    outcome_.wrong = e.what();
  }
  if (!watch_.wrong().empty()) outcome_.wrong = watch_.wrong();
  outcome_.hours = static_cast<double>(world_->now().ns) * 1e-9 / 3600;
  outcome_.first_loss = watch_.first_loss();
  outcome_.loss = watch_.loss();
  outcome_.views = watch_.views();
  if (trial_.traced) std::fputs(world_->trace().text().c_str(), stderr);
  world_.reset();
  return outcome_;
}

}  // namespace

Yard::Entry& Yard::entry(const Trial& t) {
  std::string key =
      t.model + "|" + t.scheme + "|" + t.placement + "|" + t.compress + "|" + t.topology;
  for (const uint32_t n : {t.copies, t.nodes, t.workers, t.epochs, t.gap})
    key += "|" + std::to_string(n);
  Entry& entry = entries_[key];
  if (!entry.task) {
    entry.job = job_of(t);
    entry.task = t.counts() ? std::make_unique<LoadedTask>(count_task(nullptr, {}))
                            : std::make_unique<LoadedTask>(entry.job, in_order);
  }
  return entry;
}

Outcome Yard::run(const Trial& trial) {
  Entry& e = entry(trial);
  return Run(trial, e.job, *e.task).run();
}

double Yard::calm_loss(const Trial& t) {
  std::string key = t.model + "|" + t.scheme + "|" + std::to_string(t.nodes * t.workers);
  const auto at = calm_.find(key);
  if (at != calm_.end()) return at->second;
  Trial calm = t;
  calm.be_calm();
  return calm_[key] = run(calm).loss;
}

}  // namespace hemiola::swarm
