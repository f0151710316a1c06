// Every scheme of averages over real processes and threads: workers scatter, average while they
// work for uneven times, and must all come to the mean of what they scattered.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/processes.h"
#include "hemiola/average/calls.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

constexpr uint32_t kNodes = 3, kWorkers = 2, kFloats = 3000, kSteps = 150, kPasses = 2;

float start_of(WorkerId worker, size_t i) {
  return static_cast<float>(mix(worker.value, i) % 201) - 100;
}

// Leaves the largest distances of this worker's replica, and of the mean, from the right mean.
void work(WorkerPort& port, ReplicaSet& replicas, std::span<double> figures) {
  const WorkerId worker = port.worker();
  Replica& replica = replicas.of(worker);
  Random random(worker.value);
  StepCall step;
  RestCall rest;
  MeanCall mean;
  const auto call = [&](Call& c) {
    c.done.store(0);
    c.worker = worker;
    port.call(c);
  };
  for (size_t i = 0; i < kFloats; ++i) replica.rows()[i] += start_of(worker, i);
  for (uint32_t pass = 0; pass < kPasses; ++pass) {
    const uint64_t steps = kSteps + random.below(30);
    for (uint64_t s = 0; s < steps; ++s) {
      if (random.chance(0.2)) port.sleep(microseconds(static_cast<int64_t>(random.below(800))));
      call(step);
    }
    call(rest);
    call(mean);
  }
  double off = 0, mean_off = 0;
  for (size_t i = 0; i < kFloats; ++i) {
    double right = 0;
    for (uint32_t w = 0; w < kNodes * kWorkers; ++w) {
      right += start_of(WorkerId{w}, i) / (kNodes * kWorkers);
    }
    off = std::max(off, std::abs(replica.rows()[i] - right));
    mean_off = std::max(mean_off, std::abs(replicas.mean()[i] - right));
  }
  const size_t at = 2 * (worker.value % kWorkers);
  figures[at] = 1 + off;  // more than 0: it was here
  figures[at + 1] = mean_off;
}

class AverageReal : public testing::TestWithParam<const char*> {};

TEST_P(AverageReal, Workers_come_to_the_mean_of_what_they_began_with) {
  bench::Processes job;
  job.nodes = kNodes;
  job.workers = kWorkers;
  job.replica = {{.name = "x", .rows = 1, .row_length = kFloats}};
  job.average.rule = parse_average(GetParam());
  job.average.outer_rate = 1;
  job.average.outer_momentum = 0;
  job.work_on_replicas = work;
  const auto figures = bench::try_run(job);
  ASSERT_EQ(figures.size(), kNodes) << "a node failed: its reason stands above";
  for (const auto& node : figures) {
    for (uint32_t w = 0; w < kWorkers; ++w) {
      EXPECT_GE(node[2 * w], 1);
      EXPECT_LT(node[2 * w], 1.02);
      EXPECT_LT(node[2 * w + 1], 0.01);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, AverageReal,
                         testing::Values("allreduce", "local(3)", "outer(3)", "groups(3, 2)",
                                         "gossip", "pushsum", "consensus", "backup",
                                         "backup(search)"),
                         [](const auto& scheme) {
                           std::string name = scheme.param;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

}  // namespace
}  // namespace hemiola
