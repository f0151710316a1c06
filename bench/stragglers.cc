// Does staleness help when machines stall, and does the simulator know how much? Two processes
// with one worker each, 200 clocks; in a clock 50 of 500 rows are read and added to, some
// milliseconds of work are done, and one time in ten the worker stalls for 50 ms. The same worker
// code then runs in the simulator with the same draws. The ideal is the same job with
// messages that cost nothing: no implementation of the scheme can be faster.
#include <algorithm>
#include <memory>

#include "bench/processes.h"
#include "bench/report.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"
#include "hemiola/sim/world.h"
#include "hemiola/table/client.h"
#include "hemiola/table/machine.h"

namespace hemiola::bench {
namespace {

constexpr uint32_t kRows = 500;
constexpr uint32_t kLength = 32;
constexpr size_t kReads = 50;
constexpr uint64_t kSeed = 100;
constexpr int kClocks = 200;

struct Case {
  const char* scheme;
  int work_ms;
};

// What the job takes when messages and computing cost nothing: a worker starts a clock when it has
// ended its last one and the other is near enough. No implementation of the bound can be faster.
double ideal_seconds(int32_t bound, int work_ms) {
  Random random[2] = {Random(mix(kSeed, 0)), Random(mix(kSeed, 1))};
  std::vector<double> ends[2] = {{0.0}, {0.0}};
  for (int32_t c = 0; c < kClocks; ++c) {
    for (int w = 0; w < 2; ++w) {
      const int32_t seen = std::max(0, c - bound);
      const double start = std::max(ends[w][c], ends[1 - w][seen]);
      ends[w].push_back(start + (work_ms + (random[w].chance(0.1) ? 50 : 0)) * 1e-3);
    }
  }
  return std::max(ends[0].back(), ends[1].back());
}

// Returns the seconds that the clocks took.
double work(WorkerPort& port, TableSet& tables, int work_ms) {
  Client client(tables, port);
  const TableId table{0};
  Random random(mix(kSeed, port.worker().value));
  Random keys_random(port.worker().value);
  std::vector<Key> keys(kReads);
  std::vector<float*> rows(kReads);
  const std::vector<float> delta(kLength, 1.0f);
  client.barrier();
  const Instant start = port.now();
  for (int c = 0; c < kClocks; ++c) {
    for (Key& key : keys) key = Key{static_cast<uint32_t>(keys_random.below(kRows))};
    client.rows(table, keys, Access::write, rows);
    for (float* row : rows) {
      LatchGuard guard(client.latches(table), row);
      vec().add(row, delta.data(), kLength);
    }
    port.sleep(milliseconds(work_ms + (random.chance(0.1) ? 50 : 0)));
    client.tick();
  }
  client.barrier();
  return (port.now() - start).seconds();
}

TableOptions table_for(const char* scheme) {
  TableOptions table;
  table.spec = {"rows", kRows, kLength, 0, {}};
  table.staleness = parse_staleness(scheme);
  return table;
}

double real_seconds(const Case& c) {
  Processes job;
  job.tables = {table_for(c.scheme)};
  job.work = [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    figures[0] = work(port, tables, c.work_ms);
  };
  return run(job)[0][0];
}

double simulated_seconds(const Case& c) {
  sim::WorldOptions options;
  options.network.latency = microseconds(20);
  sim::World world(options);
  std::vector<std::unique_ptr<TableSet>> sets;
  View view{Epoch{1}, {}};
  double seconds = 0;
  for (uint32_t n = 0; n < 2; ++n) {
    const Place place{NodeId{n}, 2, 1};
    sets.push_back(std::make_unique<TableSet>(std::vector{table_for(c.scheme)}, place));
    TableSet& tables = *sets.back();
    auto core = std::make_unique<NodeCore>(NodeId{n});
    core->add(MachineId::table, std::make_unique<TableMachine>(tables));
    world.add_node(std::move(core),
                   [&](WorkerPort& port) { seconds = work(port, tables, c.work_ms); });
    view.members.push_back({NodeId{n}, "", 1, WorkerId{n}});
  }
  world.start_without_cluster(view);
  world.run();
  return seconds;
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola::bench;
  for (const int work_ms : {2, 5}) {
    double bsp = 0;
    for (const char* scheme : {"bsp", "ssp(8)", "essp(8)"}) {
      const double real = real_seconds({scheme, work_ms});
      const double ideal = ideal_seconds(hemiola::parse_staleness(scheme).bound, work_ms);
      const double simulated = simulated_seconds({scheme, work_ms});
      if (bsp == 0) bsp = real;
      std::string name = scheme;
      std::erase_if(name, [](char c) { return c == '(' || c == ')'; });
      name += "_work" + std::to_string(work_ms) + "ms";
      std::printf("%s: %.3f s, the simulator says %.3f s, ideal %.3f s\n", name.c_str(), real,
                  simulated, ideal);
      if (real != bsp) {
        result("stragglers_" + name + "_of_bsp", real / bsp, "ratio", work_ms == 2 ? "<=0.7" : "-");
      }
      result("stragglers_" + name + "_of_ideal", real / ideal, "ratio", "<=1.1");
      result("stragglers_" + name + "_simulated_of_real", simulated / real, "ratio", "0.85..1.15");
    }
  }
}
