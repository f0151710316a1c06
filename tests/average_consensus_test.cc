// consensus over simulated jobs: the invariants of mixing with all neighbours.
#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/core/check.h"
#include "tests/average_rounds.h"

namespace hemiola::averaging {
namespace {

const char* const kTopologies[] = {"", "ring", "random(3)", "complete", "star", "torus", "tree"};

Trial trial_of(uint64_t seed) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average("consensus");
  trial.options.topology = kTopologies[seed % std::size(kTopologies)];
  Random random(seed);
  trial.nodes = 1 + static_cast<uint32_t>(random.below(6));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  trial.floats = 1 + static_cast<uint32_t>(random.below(40));
  trial.network.jitter = microseconds(200);
  trial.time = [seed](WorkerId w, uint32_t step) {
    return microseconds(100 + static_cast<int64_t>(mix(seed, w.value, step) % 5000));
  };
  return trial;
}

// Rows sum to one, both ends give an edge the same weight, and a slow twin that only multiplies by
// these rows comes to the same replicas.
TEST(AverageConsensus, Every_round_is_one_multiplication_by_a_doubly_stochastic_matrix) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Trial trial = trial_of(seed);
    RoundsWatch watch(trial);
    const auto starts = scattered_starts(trial);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    Vectors x = in_double(starts);
    for (const auto& [round, records] : watch.rounds()) {
      ASSERT_EQ(records.size(), trial.workers()) << seed;
      watch.used(round);
      for (const auto& [w, record] : records) {
        double sum = record.row.own;
        for (const double of : record.row.of) sum += of;
        EXPECT_NEAR(sum, 1, 1e-12);
        for (size_t i = 0; i < record.used.size(); ++i) {
          const uint32_t peer = watch.graph().near[w][i];
          const auto& back = watch.graph().near[peer];
          const size_t at = std::find(back.begin(), back.end(), w) - back.begin();
          EXPECT_EQ(record.row.of[i], records.at(peer).row.of[at]);
        }
      }
      x = watch.mixed(x, round);
    }
    EXPECT_GE(watch.rounds().size(), trial.steps) << seed;
    for (uint32_t w = 0; w < trial.workers(); ++w) {
      for (size_t i = 0; i < x[w].size(); ++i) EXPECT_NEAR(result.values[w][i], x[w][i], 1e-3);
    }
  }
}

// V(k + 1) <= rho^2 V(k) in every round.
TEST(AverageConsensus, Replicas_come_together_as_fast_as_the_graph_promises) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Trial trial = trial_of(seed);
    RoundsWatch watch(trial);
    const auto starts = scattered_starts(trial);
    ASSERT_TRUE(run(trial).outcome.finished) << seed;
    const double rho = contraction_of(watch.graph());
    Vectors x = in_double(starts);
    for (const auto& [round, records] : watch.rounds()) {
      const double before = spread_of(x);
      x = watch.mixed(x, round);
      // rho is found from below, to about three digits.
      EXPECT_LE(spread_of(x), 1.01 * rho * rho * before + 1e-18) << seed << " round " << round;
    }
  }
}

// What a run comes to: how far the replicas are from each other, and from the mean of the starts.
struct End {
  double spread = 0, off = 0;
};

End end_of(uint64_t seed, AverageSabotage sabotage) {
  Trial trial = trial_of(seed);
  trial.nodes = 6;
  trial.workers_per_node = 1;
  trial.options.topology = "random(3)";
  trial.options.sabotage = sabotage;
  trial.steps = 150;
  const auto wanted = mean_of(scattered_starts(trial));
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
  const std::vector<double> first(result.values[0].begin(), result.values[0].end());
  return {result.furthest_from(first), result.furthest_from(wanted)};
}

TEST(AverageConsensus, All_come_to_the_mean_of_the_starts) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const End end = end_of(seed, AverageSabotage::none);
    EXPECT_LT(end.spread, 1e-3) << seed;
    EXPECT_LT(end.off, 1e-3) << seed;
  }
}

// Who mixes with the fastest neighbour only comes to agree just as well, on something else: a test
// of the spread alone would pass.
TEST(AverageConsensus, Mixing_with_the_fastest_only_is_caught_by_the_mean_and_not_by_the_spread) {
  int off = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const End end = end_of(seed, AverageSabotage::fastest_only);
    EXPECT_LT(end.spread, 1e-3) << seed;
    off += end.off > 1;
  }
  EXPECT_EQ(off, 100);
}

TEST(AverageConsensus, Ten_thousand_mixes_keep_the_mean) {
  Trial trial = trial_of(2);
  trial.nodes = 5;
  trial.workers_per_node = 2;
  trial.floats = 16;
  trial.steps = 1000;
  trial.network.jitter = microseconds(50);
  const auto starts = scattered_starts(trial);
  const auto wanted = mean_of(starts);
  const Result result = run(trial);
  ASSERT_TRUE(result.outcome.finished);
  for (size_t i = 0; i < wanted.size(); ++i) {
    double size = 0;
    for (const auto& s : starts) size += std::abs(s[i]) / 10;
    EXPECT_NEAR(result.mean(i), wanted[i], 1e-5 * size);
  }
}


// Neighbours are never more than one round apart.
TEST(AverageConsensus, A_slow_worker_holds_up_nobody_by_more_than_its_distance) {
  Trial trial = trial_of(1);
  trial.nodes = 8;
  trial.workers_per_node = 1;
  trial.options.topology = "ring";
  trial.time = [](WorkerId w, uint32_t) { return milliseconds(w.value == 0 ? 20 : 1); };
  RoundsWatch watch(trial);
  uint32_t most = 0;
  watch.on_event = [&](const auto& nodes) {
    for (uint32_t w = 0; w < 8; ++w) {
      const uint32_t round = nodes[w]->round(WorkerId{w}), next = (w + 1) % 8;
      const uint32_t other = nodes[next]->round(WorkerId{next});
      most = std::max(most, std::max(round, other) - std::min(round, other));
    }
  };
  ASSERT_TRUE(run(trial).outcome.finished);
  EXPECT_EQ(most, 1u);
}

TEST(AverageConsensus, One_worker_alone_is_plain_descent) {
  for (const char* rule : {"consensus", "backup", "backup(search)"}) {
    Trial trial = trial_of(4);
    trial.nodes = trial.workers_per_node = 1;
    trial.floats = 3;
    trial.options.rule = parse_average(rule);
    float x = 0;
    trial.change = [](WorkerId, uint32_t, std::span<float> v) {
      for (float& at : v) at -= 0.1f * (at - 5);
    };
    for (uint32_t s = 0; s < trial.steps; ++s) x += -0.1f * (x - 5);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << rule;
    EXPECT_NEAR(result.values[0][0], x, 1e-5) << rule;
  }
}

// On a complete graph Metropolis' weights are 1 / n.
TEST(AverageConsensus, A_complete_graph_gives_the_mean_in_one_round) {
  Trial trial = trial_of(5);
  trial.nodes = 5;
  trial.workers_per_node = 1;
  trial.options.topology = "complete";
  trial.steps = 1;
  const auto wanted = mean_of(scattered_starts(trial));
  EXPECT_LT(run(trial).furthest_from(wanted), 1e-4);
}

TEST(AverageConsensus, The_same_seed_gives_the_same_bits) {
  Trial trial = trial_of(3);
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    for (float& v : x) v += 0.1f * static_cast<float>(mix(w.value, step) % 100);
  };
  const Result one = run(trial), two = run(trial);
  EXPECT_EQ(one.outcome.trace_hash, two.outcome.trace_hash);
  EXPECT_EQ(one.values, two.values);
}

TEST(AverageConsensus, Edges_of_one_direction_are_refused_with_what_would_be_right) {
  Trial trial = trial_of(3);
  trial.options.topology = "exponential";
  EXPECT_THROW(run(trial), UserError);
}

}  // namespace
}  // namespace hemiola::averaging
