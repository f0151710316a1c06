// consensus, backup and backup(search): nothing that a worker did is lost or counts twice, whatever
// the amounts of work are and whatever happens to messages.
#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/average/neighbour_rounds.h"
#include "hemiola/sim/faults.h"
#include "tests/average_world.h"

namespace hemiola::averaging {
namespace {

class AverageRoundsLoss : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Rules, AverageRoundsLoss,
                         testing::Values("consensus", "backup", "backup(search)"),
                         [](const auto& at) {
                           const std::string name = at.param;
                           return name == "backup(search)" ? std::string("search") : name;
                         });

// Every worker adds whole numbers in each step, unequally many in three passes.
Trial trial_of(const char* rule, uint64_t seed) {
  const char* const topologies[] = {"", "ring", "random(3)", "complete", "star", "torus", "tree"};
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average(rule);
  trial.options.topology = topologies[seed % std::size(topologies)];
  Random random(seed);
  trial.nodes = 1 + static_cast<uint32_t>(random.below(6));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  trial.floats = 1 + static_cast<uint32_t>(random.below(40));
  trial.passes = 3;
  trial.network.jitter = microseconds(static_cast<int64_t>(random.below(3) * 400));
  trial.network.latency = microseconds(static_cast<int64_t>(5 + random.below(2) * 600));
  trial.steps_of = [seed](WorkerId w) { return static_cast<uint32_t>(mix(seed, w.value) % 12); };
  trial.time = [seed](WorkerId w, uint32_t step) {
    return microseconds(100 + static_cast<int64_t>(mix(seed, w.value, step) % 5000));
  };
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    for (float& v : x) v += static_cast<float>(1 + (w.value + step) % 7);
  };
  return trial;
}

void expect_nothing_lost(const Trial& trial) {
  double sum = 0;
  for (uint32_t w = 0; w < trial.workers(); ++w) {
    for (uint32_t s = 0; s < trial.passes * trial.steps_of(WorkerId{w}); ++s)
      sum += 1 + (w + s) % 7;
  }
  const Result result = run(trial);
  ASSERT_TRUE(result.outcome.finished) << trial.seed << " " << result.outcome.stuck_reason;
  const double wanted = sum / trial.workers();
  for (size_t i = 0; i < trial.floats; ++i) {
    EXPECT_NEAR(result.mean(i), wanted, 1e-5 * wanted + 1e-6) << trial.seed;
    EXPECT_NEAR(result.means.back()[i], wanted, 1e-5 * wanted + 1e-6) << trial.seed;
  }
}

TEST_P(AverageRoundsLoss, Workers_with_unequal_work_come_to_the_end_of_each_pass) {
  for (uint64_t seed = 1; seed <= 200; ++seed) expect_nothing_lost(trial_of(GetParam(), seed));
}

TEST_P(AverageRoundsLoss, Messages_that_come_twice_or_cut_off_change_nothing) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Trial trial = trial_of(GetParam(), seed);
    Random random(seed);
    trial.meddle = [&](std::vector<Outbox::Send>& sends, size_t first) {
      for (size_t i = first, n = sends.size(); i < n; ++i) {
        if (sends[i].kind < Kind::mix) continue;
        if (random.chance(0.2)) sends.push_back(Outbox::Send(sends[i]));
        if (random.chance(0.1)) {
          Outbox::Send half = sends[i];
          half.body = half.body.slice(0, half.body.size() / 2);
          sends.push_back(std::move(half));
        }
      }
    };
    expect_nothing_lost(trial);
  }
}

TEST_P(AverageRoundsLoss, Lost_links_frozen_nodes_and_cuts_delay_and_lose_nothing) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Trial trial = trial_of(GetParam(), seed);
    sim::SwizzleOptions options;
    options.nodes = trial.nodes;
    options.horizon = milliseconds(60);
    options.longest = milliseconds(8);
    options.faults_per_node = 6;
    // Faults are over before the exact mean is taken at the end of the pass.
    trial.passes = 1;
    trial.steps_of = [seed](WorkerId w) {
      return static_cast<uint32_t>(w.value == 0 ? 45 : mix(seed, w.value) % 30);
    };
    if (trial.nodes > 1) trial.faults = sim::swizzle(seed, options);
    expect_nothing_lost(trial);
  }
}

}  // namespace
}  // namespace hemiola::averaging
