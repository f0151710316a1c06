// Bounded gaps over simulated jobs: under every scheme that has them no worker is further ahead of
// a neighbour than it may be, whatever is slow, lost or doubled; nobody waits for ever; the mean
// stays; and a worker that is always slow no longer sets the pace once it may pass steps over.
#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/average/topology.h"
#include "hemiola/core/check.h"
#include "tests/average_troubles.h"

namespace hemiola::averaging {
namespace {

class AverageGap : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Rules, AverageGap,
                         testing::Values("gossip", "gossip(3)", "groups(2, 2)", "groups(3, 2)",
                                         "groups(4, 2)", "backup", "backup(search)"),
                         [](const auto& at) {
                           std::string name = at.param;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

// Steps ended in this pass, by worker, as they come.
struct Gaps {
  Graph graph;
  std::vector<uint32_t> ended, of;
  uint32_t most = 0;
};

// Worker 1 is so many times as slow.
Trial gap_trial(const char* rule, uint64_t seed, const char* topology, GapRule gap, int64_t slow) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average(rule);
  trial.options.topology = topology;
  trial.options.gap = gap;
  trial.options.steps_by_mass = false;
  trial.nodes = 6;
  trial.floats = 8;
  trial.network.jitter = microseconds(200);
  trial.time = [seed, slow](WorkerId w, uint32_t step) {
    const auto usual = 500 + static_cast<int64_t>(mix(seed, w.value, step) % 1000);
    return microseconds(w.value == 1 ? slow * usual : usual);
  };
  return trial;
}

// One pass. A worker that has ended its last step holds nobody up any more.
void watch(Trial& trial, Gaps& gaps) {
  gaps.graph = base_graph(parse_topology(trial.options.topology), trial.workers(), trial.seed);
  gaps.ended.assign(trial.workers(), 0);
  for (uint32_t w = 0; w < trial.workers(); ++w) {
    gaps.of.push_back(trial.steps_of ? trial.steps_of(WorkerId{w}) : trial.steps);
  }
  trial.change = [&gaps](WorkerId w, uint32_t, std::span<float>) {
    const uint32_t own = ++gaps.ended[w.value];
    for (const uint32_t near : gaps.graph.near[w.value]) {
      const uint32_t theirs = gaps.ended[near];
      if (theirs < gaps.of[near] && own > theirs) gaps.most = std::max(gaps.most, own - theirs);
    }
  };
}

Trial troubled_trial(const char* rule, uint64_t seed) {
  const char* const topologies[] = {"ring", "complete", "star", "tree"};
  Random random(seed);
  const GapRule gap{.most = 1 + static_cast<uint32_t>(random.below(6))};
  Trial trial = gap_trial(rule, seed, topologies[random.below(4)], gap,
                          random.chance(0.7) ? 1 + static_cast<int64_t>(random.below(20)) : 1);
  trial.nodes = 2 + static_cast<uint32_t>(random.below(5));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(2));
  trial.network.latency = microseconds(20 + static_cast<int64_t>(random.below(2000)));
  trial.steps_of = [seed](WorkerId w) {
    return 30 + static_cast<uint32_t>(mix(seed, w.value) % 30);
  };
  if (random.chance(0.4)) trial.meddle = doubling(seed);
  if (random.chance(0.5)) drop_links(trial, random);
  return trial;
}

TEST_P(AverageGap, No_worker_is_further_ahead_of_a_neighbour_than_it_may_be) {
  uint64_t held = 0;
  for (uint64_t seed = 1; seed <= 80; ++seed) {
    Trial trial = troubled_trial(GetParam(), seed);
    Gaps gaps;
    watch(trial, gaps);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    ASSERT_LE(gaps.most, trial.options.gap.most) << seed;
    for (const GapCounts& g : result.gaps) held += g.held;
  }
  EXPECT_GT(held, 100u);
}

TEST_P(AverageGap, Without_the_gate_a_slow_worker_is_left_behind) {
  int caught = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Trial trial = gap_trial(GetParam(), seed, "ring", {.most = 2}, 20);
    trial.options.sabotage = AverageSabotage::gap_ignored;
    trial.steps = 60;
    Gaps gaps;
    watch(trial, gaps);
    ASSERT_TRUE(run(trial).outcome.finished) << seed;
    caught += gaps.most > 2;
  }
  EXPECT_GE(caught, 8);
}

TEST_P(AverageGap, The_mean_stays_and_passes_end_with_steps_passed_over_too) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Trial trial = troubled_trial(GetParam(), seed);
    trial.options.gap.skip = static_cast<uint32_t>(seed % 3 * 5);
    if (trial.faults.empty()) {
      trial.passes = 3;
      trial.steps_of = [seed](WorkerId w) {
        return static_cast<uint32_t>(mix(seed, w.value) % 25);
      };
    }
    Result result;
    ASSERT_LT(drift_of_the_mean(trial, &result), 1e-5)
        << seed << " " << result.outcome.stuck_reason;
  }
}

// When the others have ended 40 steps, seconds.
double others_done(const Trial& trial) {
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished) << result.outcome.stuck_reason;
  double last = 0;
  for (uint32_t w = 0; w < trial.workers(); ++w) {
    if (w == 1) continue;
    last = std::max(last, (result.step_ends[w][39] - Instant{}).seconds());
  }
  return last;
}

TEST_P(AverageGap, One_that_is_always_slow_sets_the_pace_unless_it_passes_steps_over) {
  // Its group waits for it.
  if (GetParam() == std::string("groups(2, 2)")) return;
  Trial trial = gap_trial(GetParam(), 3, "ring", {.most = 4}, 20);
  trial.steps = 60;
  const double bounded = others_done(trial);
  trial.options.gap.skip = 20;
  const double skipping = others_done(trial);
  std::printf("%-14s 40 steps of the others: %.0f ms with a bound of 4, %.0f ms with skipping\n",
              GetParam(), 1e3 * bounded, 1e3 * skipping);
  EXPECT_GT(bounded, 0.6);  // 36 steps of 20 ms
  // An epoch of backup needs the slow worker once.
  EXPECT_LT(skipping, bounded / (GetParam()[0] == 'b' ? 1.8 : 2.5));
}

TEST(AverageGaps, Rules_that_bound_gaps_themselves_refuse_another_bound) {
  for (const char* rule : {"allreduce", "local(4)", "outer(2)", "consensus", "pushsum"}) {
    EXPECT_THROW(run(gap_trial(rule, 1, "ring", {.most = 3}, 1)), UserError) << rule;
  }
}

}  // namespace
}  // namespace hemiola::averaging
