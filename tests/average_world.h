// A simulated job of workers that own replicas and average them, without a model: what a worker
// does in a step is a function of the test's. What came of it is kept for the checks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/gap.h"
#include "hemiola/average/machine.h"
#include "hemiola/core/random.h"
#include "hemiola/sim/world.h"

namespace hemiola::averaging {

struct Trial {
  uint64_t seed = 1;
  uint32_t nodes = 4;
  uint32_t workers_per_node = 1;
  AverageOptions options;
  uint32_t floats = 33;
  uint32_t passes = 1;
  uint32_t steps = 20;  // of each worker in a pass

  // What a worker does in step `step` of the run: changes its replica's numbers. Empty: nothing.
  std::function<void(WorkerId, uint32_t step, std::span<float>)> change;
  // How long it takes it. Empty: a millisecond.
  std::function<Duration(WorkerId, uint32_t step)> time;
  // How many steps a worker does in a pass, if they differ.
  std::function<uint32_t(WorkerId)> steps_of;

  sim::NetworkModel network;
  Duration start_spread = milliseconds(1);  // workers start within so much
  std::vector<sim::Fault> faults;
  Instant deadline{seconds(1000).ns};
  // May change what a node's machine sends: after each of its events, with its list of sends and
  // the first that is new.
  std::function<void(std::vector<Outbox::Send>&, size_t first)> meddle;
  // After every event, with the strategies of all nodes.
  std::function<void(const std::vector<const Strategy*>&)> after_event;

  uint32_t workers() const { return nodes * workers_per_node; }
};

struct Result {
  sim::Outcome outcome;
  std::vector<std::vector<float>> values;       // by worker, at the end: divided by their mass
  std::vector<std::vector<float>> means;        // by pass: what MeanCall gave on node 0
  std::vector<double> distances;                // by pass: mean of |replica - mean|^2
  std::vector<std::vector<Instant>> step_ends;  // by worker
  std::vector<DelayHistogram> delays;           // by worker
  std::vector<GapCounts> gaps;                  // by worker
  std::map<std::string, uint64_t> reasons;      // of all nodes
  std::string codec_note;                       // of node 0
  uint64_t bytes_sent = 0, messages = 0;

  // Mean over workers of one number, in double.
  double mean(size_t at) const;
  // The largest difference of any worker's numbers to `wanted`.
  double furthest_from(std::span<const double> wanted) const;
};

// Throws what a worker or a check threw.
Result run(const Trial& trial);

// Adds to each worker's replica, in its first step, whole numbers of its own, and nothing later.
// `start`: by worker.
std::vector<std::vector<float>> scattered_starts(Trial& trial);
std::vector<double> mean_of(const std::vector<std::vector<float>>& vectors);

}  // namespace hemiola::averaging
