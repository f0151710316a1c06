#include "hemiola/train/simulate.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "hemiola/cluster/machine.h"
#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/sim/world.h"
#include "hemiola/train/codec_speeds.h"
#include "hemiola/train/node_life.h"
#include "hemiola/train/report.h"
#include "hemiola/train/run_node.h"
#include "hemiola/train/run_settings.h"
#include "hemiola/train/runner.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {
namespace {

sim::WorldOptions world_options(const Job& job, const Flags& flags, Progress& progress) {
  sim::WorldOptions options;
  options.seed = job.job.seed;
  options.network.latency = flags.latency;
  options.network.jitter = flags.jitter;
  options.network.nic_bytes_per_second = flags.bandwidth_bytes_per_second;
  options.computer.spread = flags.spread;
  for (const auto& [node, times] : flags.slow_nodes) {
    if (node >= job.cluster.nodes) {
      throw UserError("--slow-node names node " + std::to_string(node) +
                      ", but the nodes are 0 to " + std::to_string(job.cluster.nodes - 1));
    }
    auto& speeds = options.computer.speeds;
    speeds.resize(std::max<size_t>(speeds.size(), node + 1), 1.0);
    speeds[node] = 1 / times;
  }
  options.log = [&progress](Instant, NodeId, Level level, std::string_view line) {
    progress.log(level, line);
  };
  return options;
}

ClusterOptions cluster_options(const Job& job, uint32_t self) {
  ClusterOptions options;
  options.self = NodeId{self};
  options.nodes = job.cluster.nodes;
  options.workers = job.cluster.workers;
  options.address = "sim:" + std::to_string(self);
  options.goes_on = goes_on(job);
  if (options.goes_on) options.on_silence = OnSilence::remove;
  options.keeper = options.goes_on ? ViewKeeper::store : ViewKeeper::leader;
  options.min_nodes = job.cluster.min_nodes;
  options.most_nodes = most_nodes(job);
  options.rendezvous = "sim:0";
  options.instance = self + 1;
  options.say_wait = seconds(job.cluster.say_wait_s);
  return options;
}

// What the run was short of: the share of its time that loops and cards were busy, on average and
// where most.
std::string busy_text(const sim::World& world, Duration span) {
  const auto nodes = static_cast<uint32_t>(world.nodes());
  std::string text;
  const auto add = [&](const char* what, const auto& busy) {
    double sum = 0;
    uint32_t most = 0;
    for (uint32_t n = 0; n < nodes; ++n) {
      sum += busy(NodeId{n}).seconds();
      if (busy(NodeId{n}) > busy(NodeId{most})) most = n;
    }
    char line[128];
    std::snprintf(line, sizeof line, "%s%s %.0f %% of the time, node %u %.0f %%",
                  text.empty() ? "" : "; ", what, 100 * sum / nodes / span.seconds(), most,
                  100 * busy(NodeId{most}).seconds() / span.seconds());
    text += line;
  };
  add("loops were busy", [&](NodeId n) { return world.counters(n).loop_busy; });
  add("cards sent", [&](NodeId n) { return world.network().sending(n); });
  add("received", [&](NodeId n) { return world.network().receiving(n); });
  return text + "\n";
}

}  // namespace

JobOver simulate(const Job& job, const Flags& flags, Progress& progress) {
  HEMIOLA_CHECK(flags.ns_per_example > 0);
  const auto begun = std::chrono::steady_clock::now();
  const LoadedTask loaded(job, in_order);
  const std::chrono::duration<double> load = std::chrono::steady_clock::now() - begun;
  progress.text(loaded.description() + "\n");

  RunSettings settings = run_settings(job, flags);
  settings.cost.ns_per_example = flags.ns_per_example;
  Report report(job, loaded.task(), flags, "sim", load.count(), progress);
  const Sampling sampling = sampling_of(job, loaded.task());
  std::vector<std::unique_ptr<NodeLife>> lives;
  sim::WorldOptions in_world = world_options(job, flags, progress);
  in_world.view_store = goes_on(job);
  sim::World world(std::move(in_world));
  for (uint32_t n = 0; n < job.cluster.nodes; ++n) {
    lives.push_back(std::make_unique<NodeLife>(job, flags.out, loaded, settings, sampling,
                                               NodeId{n}, modelled_codec_speeds()));
    NodeLife& life = *lives.back();
    life.listener = [&report] { return &report; };
    life.counters = [&world, n] {
      const sim::NodeCounters& c = world.counters(NodeId{n});
      return NodeCounters{c.bytes_sent, c.messages_sent, 0};
    };
    auto core = std::make_unique<NodeCore>(NodeId{n});
    ClusterOptions cluster = cluster_options(job, n);
    cluster.state_machines = life.state_machines();
    core->add(MachineId::cluster, std::make_unique<ClusterMachine>(cluster));
    life.live_in(*core);
    world.add_node(std::move(core), [&life](WorkerPort& port) { life.run(port); });
  }
  const sim::Outcome outcome = world.run();
  if (!outcome.finished) return {false, "the simulation came to a halt: " + outcome.stuck_reason};
  if (job.cluster.nodes > 1) progress.text(busy_text(world, outcome.end - Instant{}));
  if (outcome.over.ok || report.has_result()) report.publish();
  return outcome.over;
}

}  // namespace hemiola
