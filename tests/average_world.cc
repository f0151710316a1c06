#include "tests/average_world.h"

#include <algorithm>
#include <cmath>

#include "hemiola/average/calls.h"

namespace hemiola::averaging {
namespace {

struct Job {
  const Trial& trial;
  Result& result;
  std::vector<std::unique_ptr<ReplicaSet>> sets;
};

// Gives what a machine sends to the trial's function.
class Meddled : public Machine {
 public:
  Meddled(std::unique_ptr<Machine> inner, const Trial& trial)
      : inner_(std::move(inner)), trial_(trial) {}

  void on(Event& event, Instant now, Outbox& out) override {
    const size_t first = out.sends.size();
    inner_->on(event, now, out);
    if (trial_.meddle) trial_.meddle(out.sends, first);
  }

 private:
  std::unique_ptr<Machine> inner_;
  const Trial& trial_;
};

void work(WorkerPort& port, Job& job, uint32_t node) {
  const Trial& trial = job.trial;
  const WorkerId worker = port.worker();
  ReplicaSet& set = *job.sets[node];
  Replica& replica = set.of(worker);
  const std::span<float> rows(replica.rows(), trial.floats);
  const uint32_t steps = trial.steps_of ? trial.steps_of(worker) : trial.steps;
  StepCall step;
  RestCall rest;
  MeanCall mean;
  const auto call = [&](auto& c) {
    c.done.store(0);
    port.call(c);
  };
  uint32_t count = 0;
  for (uint32_t pass = 0; pass < trial.passes; ++pass) {
    for (uint32_t s = 0; s < steps; ++s, ++count) {
      port.spend(trial.time ? trial.time(worker, count) : milliseconds(1));
      if (trial.change) trial.change(worker, count, rows);
      call(step);
      job.result.delays[worker.value].add(step.delay);
      job.result.gaps[worker.value].held += step.held ? 1 : 0;
      job.result.gaps[worker.value].passed_over += step.passed_over;
      job.result.step_ends[worker.value].push_back(port.now());
    }
    call(rest);
    call(mean);
    job.result.distances[pass] += mean.distance2 / trial.workers();
    if (worker.value == 0) {
      job.result.codec_note = mean.codec_note;
      job.result.means.emplace_back(set.mean(), set.mean() + trial.floats);
    }
  }
}

}  // namespace

double Result::mean(size_t at) const {
  double sum = 0;
  for (const auto& v : values) sum += v[at];
  return sum / static_cast<double>(values.size());
}

double Result::furthest_from(std::span<const double> wanted) const {
  double most = 0;
  for (const auto& v : values) {
    for (size_t i = 0; i < v.size(); ++i) most = std::max(most, std::abs(v[i] - wanted[i]));
  }
  return most;
}

Result run(const Trial& trial) {
  Result result;
  result.step_ends.resize(trial.workers());
  result.delays.resize(trial.workers());
  result.gaps.resize(trial.workers());
  result.distances.resize(trial.passes);
  Job job{trial, result, {}};
  sim::WorldOptions options;
  options.seed = trial.seed;
  options.network = trial.network;
  options.start_spread = trial.start_spread;
  options.faults = trial.faults;
  options.deadline = trial.deadline;
  std::vector<const Strategy*> strategies;
  if (trial.after_event) options.after_event = [&] { trial.after_event(strategies); };
  sim::World world(options);
  // One row: its numbers stand one after the other.
  const TableSpec spec{.name = "x", .rows = 1, .row_length = trial.floats};
  View view{Epoch{1}, {}};
  for (uint32_t n = 0; n < trial.nodes; ++n) {
    const Place place{NodeId{n}, trial.nodes, trial.workers_per_node};
    AverageOptions average = trial.options;
    average.seed = trial.seed;
    job.sets.push_back(std::make_unique<ReplicaSet>(std::vector{spec}, place, average));
    auto machine = std::make_unique<AverageMachine>(*job.sets.back());
    strategies.push_back(&machine->strategy());
    auto core = std::make_unique<NodeCore>(NodeId{n});
    core->add(MachineId::average, std::make_unique<Meddled>(std::move(machine), trial));
    world.add_node(std::move(core), [&job, n](WorkerPort& port) { work(port, job, n); });
    view.members.push_back({NodeId{n}, "sim", trial.workers_per_node, place.first_worker()});
  }
  world.start_without_cluster(view);
  result.outcome = world.run();
  for (uint32_t n = 0; n < trial.nodes; ++n) {
    const auto id = NodeId{n};
    for (const auto& [reason, times] : strategies[n]->reasons()) result.reasons[reason] += times;
    result.bytes_sent += world.counters(id).bytes_sent;
    result.messages += world.counters(id).messages_sent;
    for (uint32_t w = 0; w < trial.workers_per_node; ++w) {
      const WorkerId worker{n * trial.workers_per_node + w};
      const auto values = job.sets[n]->of(worker).values();
      const double scale = 1 / strategies[n]->mass(worker);
      auto& kept = result.values.emplace_back();
      for (const float v : values) kept.push_back(static_cast<float>(v * scale));
    }
  }
  return result;
}

std::vector<std::vector<float>> scattered_starts(Trial& trial) {
  Random random(mix(trial.seed, 0x5ca77e7));
  std::vector<std::vector<float>> starts(trial.workers());
  for (auto& start : starts) {
    for (uint32_t i = 0; i < trial.floats; ++i) {
      start.push_back(static_cast<float>(random.below(201)) - 100);
    }
  }
  trial.change = [starts](WorkerId worker, uint32_t step, std::span<float> values) {
    for (size_t i = 0; i < values.size() && step == 0; ++i) values[i] += starts[worker.value][i];
  };
  return starts;
}

std::vector<double> mean_of(const std::vector<std::vector<float>>& vectors) {
  std::vector<double> mean(vectors[0].size());
  for (const auto& v : vectors) {
    for (size_t i = 0; i < v.size(); ++i) mean[i] += v[i] / static_cast<double>(vectors.size());
  }
  return mean;
}

}  // namespace hemiola::averaging
