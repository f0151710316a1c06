// Real node processes for benches and tests: forks, joins them over Unix sockets, and hands their
// figures back through shared memory.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/replica.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/table/client.h"

namespace hemiola::bench {

struct Processes {
  uint32_t nodes = 2;
  uint32_t workers = 1;  // on each
  std::vector<TableOptions> tables;
  // For jobs of averages: what each worker has a replica of, and the rule.
  std::vector<TableSpec> replica;
  AverageOptions average;
  std::function<void(WorkerPort&, ReplicaSet&, std::span<double> figures)> work_on_replicas;
  // Runs in each worker, unless it is one of the others. `figures` (64 of them) belong to the
  // worker's node and are returned.
  std::function<void(WorkerPort&, TableSet&, std::span<double> figures)> work;
};

// The figures of each node; empty when a node failed (it said why on stderr).
std::vector<std::vector<double>> try_run(const Processes& processes);

// The same, but ends the bench when a node failed.
std::vector<std::vector<double>> run(const Processes& processes);

}  // namespace hemiola::bench
