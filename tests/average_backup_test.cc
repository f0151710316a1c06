// backup and backup(search) over simulated jobs: the invariants of rounds that go on without those
// who are late.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/average_rounds.h"

namespace hemiola::averaging {
namespace {

const char* const kTopologies[] = {"", "ring", "random(3)", "complete", "star", "torus", "tree"};

// Times of 1 + Exp(0.2) ms; each step is six times as long with one chance in n.
Duration transient(uint64_t seed, uint32_t n, WorkerId w, uint32_t step) {
  Random random(mix(seed, w.value, step));
  double ms = 1 - 0.2 * std::log(1 - random.uniform());
  if (random.chance(1.0 / n)) ms *= 6;
  return microseconds(static_cast<int64_t>(1000 * ms));
}

Trial trial_of(uint64_t seed, bool search) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average(search ? "backup(search)" : "backup");
  trial.options.topology = kTopologies[seed % std::size(kTopologies)];
  Random random(seed);
  trial.nodes = 1 + static_cast<uint32_t>(random.below(6));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  trial.floats = 1 + static_cast<uint32_t>(random.below(40));
  trial.steps = 30;
  // From nothing to as long as a step.
  trial.network.jitter = microseconds(static_cast<int64_t>(random.below(3) * 400));
  trial.network.latency = microseconds(static_cast<int64_t>(5 + random.below(2) * 600));
  const uint32_t n = trial.workers();
  trial.time = [seed, n](WorkerId w, uint32_t step) { return transient(seed, n, w, step); };
  return trial;
}

void expect_rows(const RoundsWatch& watch, uint32_t round) {
  const auto& records = watch.rounds().at(round);
  watch.used(round);
  for (const auto& [w, record] : records) {
    double sum = record.row.own;
    for (const double of : record.row.of) sum += of;
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_GT(record.row.own, 0);
    for (size_t i = 0; i < record.used.size(); ++i) {
      const uint32_t peer = watch.graph().near[w][i];
      if (!record.used[i]) {
        EXPECT_EQ(record.row.of[i], 0);
        continue;
      }
      const auto& back = watch.graph().near[peer];
      const size_t at = std::find(back.begin(), back.end(), w) - back.begin();
      EXPECT_EQ(record.row.of[i], records.at(peer).row.of[at]);
    }
  }
}

class AverageBackup : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Rules, AverageBackup, testing::Bool(),
                         [](const auto& at) { return at.param ? "search" : "tree"; });

TEST_P(AverageBackup, Both_ends_agree_on_every_edge_and_the_mean_stays) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Trial trial = trial_of(seed, GetParam());
    RoundsWatch watch(trial);
    const auto starts = scattered_starts(trial);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    Vectors x = in_double(starts);
    for (const auto& [round, records] : watch.rounds()) {
      expect_rows(watch, round);
      x = watch.mixed(x, round);
    }
    const auto wanted = mean_of(starts);
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_NEAR(result.mean(i), wanted[i], 1e-3) << seed;
      for (uint32_t w = 0; w < trial.workers(); ++w) {
        EXPECT_NEAR(result.values[w][i], x[w][i], 1e-3) << seed;
      }
    }
  }
}

TEST_P(AverageBackup, All_come_to_the_mean_of_the_starts) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Trial trial = trial_of(seed, GetParam());
    trial.options.topology = seed % 2 ? "random(3)" : "complete";
    trial.steps = 400;
    const auto wanted = mean_of(scattered_starts(trial));
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << seed;
    EXPECT_LT(result.furthest_from(wanted), 2e-3) << seed;
  }
}

// The distance from the mean is less at the end of each epoch than at the end of the one before.
TEST_P(AverageBackup, Every_epoch_brings_the_replicas_nearer) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Trial trial = trial_of(seed, GetParam());
    RoundsWatch watch(trial);
    const auto starts = scattered_starts(trial);
    ASSERT_TRUE(run(trial).outcome.finished) << seed;
    Vectors x = in_double(starts);
    const auto epochs = watch.epochs();
    size_t epoch = 1;
    double before = spread_of(x);
    for (const auto& [round, records] : watch.rounds()) {
      if (epoch < epochs.size() && round == epochs[epoch]) {
        EXPECT_LT(spread_of(x), before * (1 - 1e-9) + 1e-20) << seed << " epoch " << epoch;
        before = spread_of(x);
        ++epoch;
      }
      x = watch.mixed(x, round);
    }
  }
}

// The tree's promises, whatever the times and the network: epochs of at most n - 1 rounds, each of
// which brings in an edge of the tree; everybody takes part in each; at most 2 n - 4 missed in a
// row.
TEST(AverageBackupTree, Epochs_are_short_and_leave_nobody_out) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Trial trial = trial_of(seed, false);
    const uint32_t n = trial.workers();
    if (n < 2) continue;
    const uint32_t slow = static_cast<uint32_t>(seed % 3 ? n : seed % n);
    trial.time = [seed, n, slow](WorkerId w, uint32_t step) {
      const Duration time = transient(seed, n, w, step);
      return w.value == slow ? Duration{6 * time.ns} : time;
    };
    RoundsWatch watch(trial);
    ASSERT_TRUE(run(trial).outcome.finished) << seed;
    const auto tree = edges_of(watch.tree());
    const auto epochs = watch.epochs();
    EXPECT_GT(epochs.size(), 5u);
    for (size_t e = 0; e + 1 < epochs.size(); ++e) {
      EXPECT_LE(epochs[e + 1] - epochs[e], n - 1) << seed << " epoch " << e;
      std::vector<Edge> established;
      std::vector<bool> active(n);
      for (uint32_t round = epochs[e]; round < epochs[e + 1]; ++round) {
        const size_t before = established.size();
        for (const Edge edge : watch.used(round)) {
          active[edge.a] = active[edge.b] = true;
          const bool in_tree = std::binary_search(tree.begin(), tree.end(), edge);
          const bool fresh =
              std::find(established.begin(), established.end(), edge) == established.end();
          if (in_tree && fresh) established.push_back(edge);
        }
        EXPECT_GT(established.size(), before) << seed << " round " << round;
      }
      EXPECT_EQ(established.size(), tree.size()) << seed << " epoch " << e;
      EXPECT_EQ(std::count(active.begin(), active.end(), true), n) << seed << " epoch " << e;
    }
    for (uint32_t w = 0; w < n; ++w) {
      EXPECT_LE(watch.part(w).longest_gap, n == 2 ? 0 : 2 * n - 4) << seed;
    }
  }
}

}  // namespace
}  // namespace hemiola::averaging
