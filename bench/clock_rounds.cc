// How many clocks a second, and what does a row cost in them? Two processes with one worker each;
// in each clock a worker reads 1000 random rows of 32 floats out of 2000 and adds to each. The
// reference figures are those of a known peer on a like machine: 47 clocks/s and 4.9 us of CPU a
// row for its eager scheme at staleness 0 (docs/results.md says where they come from).
#include "bench/processes.h"
#include "bench/report.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola::bench {
namespace {

constexpr uint32_t kRows = 2000;
constexpr uint32_t kLength = 32;
constexpr size_t kReads = 1000;

void work(WorkerPort& port, TableSet& tables, int clocks, std::span<double> figures) {
  Client client(tables, port);
  const TableId table{0};
  Random random(port.worker().value);
  std::vector<Key> keys(kReads);
  std::vector<float*> rows(kReads);
  const std::vector<float> delta(kLength, 1e-3f);
  float sum = 0;
  const auto one_clock = [&] {
    for (Key& key : keys) key = Key{uint32_t(random.below(kRows))};
    client.rows(table, keys, Access::write, rows);
    for (float* row : rows) {
      sum += row[0];
      LatchGuard guard(client.latches(table), row);
      vec().add(row, delta.data(), kLength);
    }
    client.tick();
  };
  for (int c = 0; c < 20; ++c) one_clock();
  client.barrier();
  const double start = wall_seconds();
  const double cpu = cpu_seconds();
  for (int c = 0; c < clocks; ++c) one_clock();
  client.barrier();
  figures[0] = wall_seconds() - start;
  figures[1] = cpu_seconds() - cpu;
  figures[2] = client.stats()[0].staleness.mean();
  use(sum);
}

void measure(const char* scheme, const char* name, const char* rate, const char* cpu_budget) {
  constexpr int kClocks = 2000;
  Processes job;
  TableOptions table;
  table.spec = {"rows", kRows, kLength, 0, {}};
  table.staleness = parse_staleness(scheme);
  job.tables = {table};
  job.work = [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    work(port, tables, kClocks, figures);
  };
  const auto figures = run(job);
  const double per_second = kClocks / figures[0][0];
  const double rows = 2.0 * kClocks * kReads;
  const double us = (figures[0][1] + figures[1][1]) * 1e6 / rows;
  std::printf("%s: %.0f clocks/s, %.3f us of CPU per row read and added, mean staleness %.2f\n",
              scheme, per_second, us, figures[0][2]);
  result(std::string("clocks_") + name, per_second, "clocks/s", rate);
  result(std::string("row_cpu_") + name, us, "us", cpu_budget);
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using hemiola::bench::measure;
  measure("bsp", "bsp", ">=141", "-");
  measure("bsp strict", "bsp_strict", "-", "-");
  measure("ssp(3)", "ssp3", "-", "-");
  measure("essp(0)", "essp0", "-", "<=1");
  measure("essp(3)", "essp3", ">=1000", "<=1");
  measure("async", "async", "-", "-");
}
