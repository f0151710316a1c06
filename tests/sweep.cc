#include "tests/sweep.h"

#include "hemiola/table/machine.h"

namespace hemiola::oracle {

Plan random_plan(uint64_t seed, const std::string& scheme) {
  Random random(mix(seed, 1));
  Plan plan;
  plan.seed = seed;
  plan.nodes = 1 + static_cast<uint32_t>(random.below(4));
  plan.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  plan.rows = 1 + static_cast<uint32_t>(random.below(12));
  plan.phases = 1 + static_cast<uint32_t>(random.below(2));
  plan.ticks = 1 + static_cast<uint32_t>(random.below(5));
  const uint64_t tables = 1 + random.below(2);
  for (uint64_t t = 0; t < tables; ++t) {
    TableOptions table;
    table.staleness = parse_staleness(scheme);
    const bool limited = random.chance(0.3) && !table.staleness.strict;
    if (limited) table.copies_max = static_cast<uint32_t>(random.below(4));
    plan.tables.push_back(table);
  }
  return plan;
}

sim::WorldOptions random_world(uint64_t seed, uint32_t nodes) {
  Random random(mix(seed, 2));
  sim::WorldOptions world;
  world.seed = seed;
  world.stack_bytes = 128 << 10;
  world.network.latency = microseconds(5 + static_cast<int64_t>(random.below(500)));
  world.network.jitter = microseconds(static_cast<int64_t>(random.below(1000)));
  world.network.tail_chance = random.chance(0.5) ? 0.05 : 0;
  world.network.tail = milliseconds(5);
  if (random.chance(0.3)) world.network.nic_bytes_per_second = 1e6;
  for (uint32_t n = 0; n < nodes; ++n) {
    world.computer.speeds.push_back(random.chance(0.3) ? random.uniform(0.1, 1) : 1);
  }
  world.computer.stall_chance = random.chance(0.5) ? 0.05 : 0;
  world.computer.stall = milliseconds(5);
  world.deadline = Instant{seconds(600).ns};
  if (nodes > 1 && random.chance(0.7)) {
    sim::SwizzleOptions swizzle;
    swizzle.nodes = nodes;
    swizzle.horizon = milliseconds(40);
    swizzle.longest = milliseconds(10);
    world.faults = sim::swizzle(seed, swizzle);
  }
  return world;
}

SimulatedOutcome simulate(const SimulatedJob& job, sim::WorldOptions options) {
  SimulatedOutcome result;
  std::vector<std::unique_ptr<TableSet>> sets;
  SimulatedJob::Nodes nodes;
  if (job.after_event) options.after_event = [&] { job.after_event(nodes); };
  sim::World world(std::move(options));
  View view{Epoch{1}, {}};
  for (uint32_t n = 0; n < job.nodes; ++n) {
    const Place place{NodeId{n}, job.nodes, job.workers_per_node};
    sets.push_back(std::make_unique<TableSet>(job.tables, place, job.sampling));
    TableSet& tables = *sets.back();
    nodes.push_back(&tables);
    auto core = std::make_unique<NodeCore>(NodeId{n});
    core->add(MachineId::table, std::make_unique<TableMachine>(tables));
    world.add_node(std::move(core), [&](WorkerPort& port) { job.work(port, tables); });
    view.members.push_back({NodeId{n}, "", job.workers_per_node, place.first_worker()});
  }
  world.start_without_cluster(view);
  try {
    result.world = world.run();
    if (!result.world.finished) {
      result.violation = "stuck: " + result.world.stuck_reason;
    } else if (job.at_end) {
      job.at_end(nodes);
    }
  } catch (const std::exception& thrown) {
    result.violation = thrown.what();
  }
  for (uint32_t n = 0; n < job.nodes; ++n)
    result.bytes_sent += world.counters(NodeId{n}).bytes_sent;
  return result;
}

Outcome run(const Plan& plan, sim::WorldOptions options) {
  Outcome result;
  result.ledger.clocks.resize(plan.workers());
  result.ledger.hashes.resize(plan.workers());
  const Expected expected(plan);
  SimulatedJob job;
  job.nodes = plan.nodes;
  job.workers_per_node = plan.workers_per_node;
  job.tables = plan.make_tables();
  job.work = [&](WorkerPort& port, TableSet& tables) {
    work(port, tables, plan, expected, result.ledger);
  };
  SimulatedOutcome outcome = simulate(job, std::move(options));
  result.world = outcome.world;
  result.violation = outcome.violation;
  return result;
}

}  // namespace hemiola::oracle
