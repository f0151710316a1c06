#include "tests/swarm_trial.h"

#include <algorithm>
#include <iterator>

#include "hemiola/core/random.h"
#include "hemiola/train/settings.h"

namespace hemiola::swarm {
namespace {

constexpr const char* kTables[] = {"bsp", "bsp strict", "ssp(2)", "essp(2)", "async"};
constexpr const char* kPlacements[] = {"static", "relocate", "replicate",
                                       "nups",   "nups(4)",  "intent"};
constexpr const char* kAverages[] = {"allreduce", "local(4)", "outer(3)",  "groups(2, 2)",
                                     "gossip",    "pushsum",  "consensus", "backup"};
constexpr const char* kGraphs[] = {"ring", "torus", "complete", "star", "tree"};
constexpr const char* kRowCodecs[] = {"bf16", "quantise(8)", "quantise(4)"};
constexpr const char* kCodecs[] = {"bf16", "quantise(4)", "topk(0.2)"};

void draw_tables(Trial& trial, Random& random) {
  const auto pick = [&](const auto& list) { return list[random.below(std::size(list))]; };
  trial.scheme = pick(kTables);
  const bool strict = trial.scheme == "bsp strict";
  if (!strict) trial.placement = pick(kPlacements);
  if (!strict && random.chance(0.2)) trial.compress = pick(kRowCodecs);
}

void draw_scheme(Trial& trial, Random& random) {
  const auto pick = [&](const auto& list) { return list[random.below(std::size(list))]; };
  if (random.chance(0.5)) {
    draw_tables(trial, random);
    trial.copies = static_cast<uint32_t>(1 + random.below(2));
    return;
  }
  trial.scheme = pick(kAverages);
  const bool of_graph = trial.scheme == "gossip" || trial.scheme == "consensus";
  if (of_graph && random.chance(0.5)) trial.topology = pick(kGraphs);
  const bool groups = trial.scheme == "groups(2, 2)";
  const bool bounds_gaps = groups || trial.scheme == "gossip" || trial.scheme == "backup";
  if (bounds_gaps && random.chance(0.4)) trial.gap = static_cast<uint32_t>(2 + random.below(4));
  const bool packs = !groups && trial.scheme != "pushsum";
  if (packs && random.chance(0.2)) trial.compress = pick(kCodecs);
}

// By a chance of their own, so that all else of a seed is as it was.
void draw_leavings(Trial& trial) {
  Random random(mix(trial.seed, 0x6c65617665));
  const uint64_t leavings = random.chance(0.4) ? random.below(4) : 0;
  for (uint64_t i = 0; i < leavings; ++i) {
    const NodeId node{static_cast<uint32_t>(random.below(trial.nodes))};
    trial.faults.push_back(sim::leave(Instant{seconds(random.uniform(0, 12)).ns}, node));
  }
}

void draw_the_worst(Trial& trial) {
  Random random(mix(trial.seed, 0x776f727374));
  if (random.chance(0.1)) trial.all_die = Instant{seconds(random.uniform(0, 8)).ns};
  if (random.chance(0.1)) {
    trial.faults.push_back(sim::store_forgets(Instant{seconds(random.uniform(0, 12)).ns}));
  }
}

void draw_throws(Trial& trial) {
  Random random(mix(trial.seed, 0x7468726f77));
  if (!random.chance(0.1)) return;
  trial.throwing_node = static_cast<uint32_t>(random.below(trial.nodes));
  trial.throwing_step = 1 + random.below(40);
}

void draw_faults(Trial& trial, Random& random) {
  sim::SwizzleOptions o;
  o.nodes = trial.nodes;
  o.horizon = seconds(random.uniform(3, 15));
  o.longest = random.chance(0.5) ? milliseconds(300) : seconds(6);
  o.faults_per_node = random.uniform(0.5, 2);
  o.drops = random.chance(0.5);
  o.cuts = random.chance(0.5);
  o.clogs = random.chance(0.5);
  o.freezes = random.chance(0.5);
  o.slows = random.chance(0.5);
  o.half_opens = random.chance(0.5);
  o.kills = std::min(static_cast<uint32_t>(random.below(4)), trial.nodes);
  o.store_away = static_cast<uint32_t>(random.below(3) / 2);
  trial.faults = sim::swizzle(trial.seed, o);
  trial.newcomers = static_cast<uint32_t>(random.below(6) / 2);
  for (uint32_t n = 0; n < trial.newcomers; ++n) {
    const NodeId newcomer{trial.nodes + n};
    trial.faults.push_back(sim::restart(Instant{seconds(random.uniform(0, 12)).ns}, newcomer));
  }
  if (random.chance(0.5)) trial.ambushes = static_cast<uint32_t>(random.below(6));
  trial.back_after = milliseconds(static_cast<int64_t>(200 + random.below(2000)));
}

}  // namespace

void Trial::be_calm() {
  faults.clear();
  ambushes = 0;
  all_die.reset();
  throwing_step = 0;
}

bool Trial::averages() const {
  return std::find(std::begin(kTables), std::end(kTables), scheme) == std::end(kTables);
}

Trial counting_trial(uint64_t seed) {
  Random random(mix(seed, 0x636f756e74));
  Trial trial;
  trial.seed = seed;
  trial.model = "counts";
  trial.nodes = static_cast<uint32_t>(2 + random.below(4));
  trial.workers = static_cast<uint32_t>(1 + random.below(2));
  draw_tables(trial, random);
  trial.compress = "none";  // which leaves no whole numbers
  trial.copies = 2;
  sim::SwizzleOptions o;
  o.nodes = trial.nodes;
  o.horizon = seconds(6);
  o.longest = milliseconds(300);
  o.drops = o.cuts = o.freezes = o.slows = false;
  o.kills = std::min(static_cast<uint32_t>(1 + random.below(4)), trial.nodes);
  trial.faults = sim::swizzle(trial.seed, o);
  trial.back_after = milliseconds(static_cast<int64_t>(20 + random.below(2000)));
  draw_leavings(trial);
  return trial;
}

Trial random_trial(uint64_t seed) {
  if (seed % 5 == 0) return counting_trial(seed);
  Random random(mix(seed, 0x747269616c));
  Trial trial;
  trial.seed = seed;
  trial.model = random.chance(0.5) ? "mf" : "linear";
  trial.nodes = static_cast<uint32_t>(2 + random.below(4));
  trial.workers = static_cast<uint32_t>(1 + random.below(2));
  draw_scheme(trial, random);
  draw_faults(trial, random);
  draw_leavings(trial);
  draw_the_worst(trial);
  draw_throws(trial);
  return trial;
}

std::string to_string(const Trial& t) {
  std::string text = t.model + " under " + t.scheme;
  if (!t.averages()) text += ", " + t.placement + ", copies " + std::to_string(t.copies);
  if (!t.topology.empty()) text += ", " + t.topology;
  if (t.gap > 0) text += ", gaps of at most " + std::to_string(t.gap);
  if (t.compress != "none") text += ", " + t.compress;
  text += ", " + std::to_string(t.nodes) + "+" + std::to_string(t.newcomers) + " nodes x " +
          std::to_string(t.workers);
  for (const auto& fault : t.faults) text += "\n  " + sim::to_string(fault);
  if (t.throwing_step > 0) {
    text += "\n  workers of node " + std::to_string(t.throwing_node) + " throw at step " +
            std::to_string(t.throwing_step);
  }
  if (t.all_die) text += "\n  all die at " + std::to_string(t.all_die->ns) + " ns";
  if (t.ambushes > 0) text += "\n  and " + std::to_string(t.ambushes) + " while views change";
  return text;
}

Job job_of(const Trial& trial) {
  Job job;
  const auto set = [&](const std::string& s) { set_override(job, s); };
  if (trial.model == "mf") {
    for (const char* s :
         {"data.examples=800", "data.users=30", "data.items=20", "data.rank=2", "data.noise=0.1",
          "model.factors=2", "train.batch=16", "train.rate=0.15"}) {
      set(s);
    }
  } else if (trial.model == "linear") {
    for (const char* s :
         {"model.kind=linear", "data.generator=sparse", "data.examples=800", "data.features=60",
          "data.nonzeros=5", "data.noise=0", "data.signal=3", "train.batch=16", "train.rate=1"}) {
      set(s);
    }
  }
  set("train.epochs=" + std::to_string(trial.epochs));
  set("train.save=false");
  set("cluster.nodes=" + std::to_string(trial.nodes));
  set("cluster.workers=" + std::to_string(trial.workers));
  set("sync.scheme=" + trial.scheme);
  set("sync.compress=" + trial.compress);
  if (trial.averages()) {
    if (!trial.topology.empty()) set("sync.topology=" + trial.topology);
    set("sync.max_gap=" + std::to_string(trial.gap));
    // The usual momentum makes so short a training swing by itself.
    if (trial.scheme.starts_with("outer")) set("sync.outer_momentum=0.4");
  } else {
    set("sync.placement=" + trial.placement);
    set("sync.copies=" + std::to_string(trial.copies));
  }
  resolve(job);
  return job;
}

}  // namespace hemiola::swarm
