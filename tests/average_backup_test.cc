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
  for (uint64_t seed = 1; seed <= 50; ++seed) {
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

// The search keeps the same promises where labels travel faster than steps end.
TEST(AverageBackupSearch, Epochs_are_short_and_leave_nobody_out) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Trial trial = trial_of(seed, true);
    const uint32_t n = trial.workers();
    if (n < 2) continue;
    RoundsWatch watch(trial);
    ASSERT_TRUE(run(trial).outcome.finished) << seed;
    const auto epochs = watch.epochs();
    EXPECT_GT(epochs.size(), 3u);
    for (size_t e = 0; e + 1 < epochs.size(); ++e) {
      if (trial.network.latency < microseconds(100) && trial.network.jitter.ns == 0) {
        EXPECT_LE(epochs[e + 1] - epochs[e], n - 1) << seed << " epoch " << e;
      }
      std::vector<Edge> joined;
      for (uint32_t round = epochs[e]; round < epochs[e + 1]; ++round) {
        for (const Edge edge : watch.used(round)) joined.push_back(edge);
      }
      EXPECT_TRUE(connected(graph_of_edges(n, joined))) << seed << " epoch " << e;
    }
  }
}

// A job in which a message takes next to no time, and workers start together.
Trial quick_trial(const std::string& rule, uint64_t seed, uint32_t n, const char* topology) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average(rule);
  trial.options.topology = topology;
  trial.nodes = n;
  trial.floats = 3;
  trial.network.latency = microseconds(1);
  trial.network.jitter = Duration{};
  trial.start_spread = Duration{};
  return trial;
}

// What somebody who sees all would decide: the first moment at which an edge of the tree that the
// epoch has not used has both ends done closes the round, for all who are done by then.
class Oracle {
 public:
  explicit Oracle(const Graph& tree) : n_(tree.size()), tree_(edges_of(tree)), used_(n_ - 1) {}

  int64_t closes_at(const std::vector<int64_t>& done) const {
    int64_t first = INT64_MAX;
    for (size_t e = 0; e < tree_.size(); ++e) {
      if (!used_[e]) first = std::min(first, std::max(done[tree_[e].a], done[tree_[e].b]));
    }
    return first;
  }
  void end(const std::vector<bool>& active) {
    for (size_t e = 0; e < tree_.size(); ++e) {
      used_[e] = used_[e] || (active[tree_[e].a] && active[tree_[e].b]);
    }
    if (std::count(used_.begin(), used_.end(), true) + 1 == n_) used_.assign(n_ - 1, false);
  }

 private:
  long n_;
  std::vector<Edge> tree_;
  std::vector<bool> used_;
};

// Workers decide among themselves what the oracle decides. Who ends a step while the news of a
// close is under way may be in or out, which is rare here.
TEST(AverageBackupTree, The_distributed_close_takes_whom_the_oracle_takes) {
  constexpr int64_t kNews = 200'000;  // ns: longer than a note takes to all, and back
  uint64_t compared = 0, close_calls = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const auto n = static_cast<uint32_t>(3 + seed % 8);
    Trial trial = quick_trial("backup", seed, n, kTopologies[seed % std::size(kTopologies)]);
    trial.steps = 40;
    trial.time = [seed, n](WorkerId w, uint32_t step) {
      return Duration{100 * transient(seed, n, w, step).ns};
    };
    RoundsWatch watch(trial);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << seed;
    Oracle oracle(watch.tree());
    std::vector<uint32_t> step(n);
    int64_t last_close = 0;
    for (const auto& [round, records] : watch.rounds()) {
      if (std::find(step.begin(), step.end(), trial.steps) != step.end()) break;
      std::vector<int64_t> done;
      for (uint32_t w = 0; w < n; ++w) {
        const int64_t began = step[w] == 0 ? 0 : result.step_ends[w][step[w] - 1].ns;
        done.push_back(began + trial.time(WorkerId{w}, step[w]).ns);
      }
      const int64_t closed = oracle.closes_at(done);
      const int64_t heard = std::max(closed, last_close + kNews) + kNews;
      std::vector<bool> active(n);
      for (uint32_t w = 0; w < n; ++w) {
        active[w] = records.contains(w);
        const bool close_call = done[w] > closed - kNews && done[w] <= heard && done[w] != closed;
        close_calls += close_call;
        EXPECT_TRUE(close_call || active[w] == (done[w] <= closed)) << seed << " round " << round;
        ++compared;
        step[w] += active[w];
      }
      oracle.end(active);
      last_close = closed;
    }
  }
  EXPECT_GT(compared, 30'000u);
  EXPECT_LT(close_calls, compared / 50);
}

// Where all take the same time all are ready whenever a round is closed.
TEST_P(AverageBackup, Equal_speeds_give_what_consensus_gives_bit_by_bit) {
  for (const char* topology : {"ring", "random(3)", "complete", "star"}) {
    std::vector<std::vector<float>> values[2];
    for (const bool backup : {false, true}) {
      const std::string rule = GetParam() ? "backup(search)" : "backup";
      Trial trial = quick_trial(backup ? rule : "consensus", 7, 8, topology);
      trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
        for (float& v : x) v += 0.1f * (static_cast<float>(w.value + step % 3) - v);
      };
      const Result result = run(trial);
      ASSERT_TRUE(result.outcome.finished);
      values[backup] = result.values;
    }
    EXPECT_EQ(values[0], values[1]) << topology;
  }
}

TEST_P(AverageBackup, Two_workers_wait_for_each_other) {
  Trial trial = quick_trial(GetParam() ? "backup(search)" : "backup", 3, 2, "complete");
  trial.time = [](WorkerId w, uint32_t step) { return transient(3, 2, w, step); };
  RoundsWatch watch(trial);
  ASSERT_TRUE(run(trial).outcome.finished);
  EXPECT_EQ(watch.rounds().size(), trial.steps);
  EXPECT_EQ(watch.part(0).missed + watch.part(1).missed, 0u);
}

// The bar: ten workers on a random graph, some steps six times as long. An iteration is a round.
TEST_P(AverageBackup, An_iteration_is_shorter_by_more_than_half_than_when_all_wait) {
  double length[2] = {}, speed[2] = {};
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    for (const bool backup : {false, true}) {
      const std::string rule = GetParam() ? "backup(search)" : "backup";
      Trial trial = quick_trial(backup ? rule : "consensus", seed, 10, "random(4)");
      trial.steps = 200;
      trial.network.latency = microseconds(20);
      trial.time = [seed](WorkerId w, uint32_t step) { return transient(seed, 10, w, step); };
      RoundsWatch watch(trial);
      uint32_t rounds = 0;
      Instant end;
      const Result result = run(trial);
      ASSERT_TRUE(result.outcome.finished);
      // Until the first worker has no work left.
      for (const auto& ends : result.step_ends) {
        end = end.ns == 0 ? ends.back() : std::min(end, ends.back());
      }
      for (const auto& [round, records] : watch.rounds()) {
        for (const auto& [w, record] : records) {
          uint64_t before = 0;
          for (const auto& [r, list] : watch.rounds()) before += r < round && list.contains(w);
          if (before < trial.steps && result.step_ends[w][before] <= end) {
            rounds = std::max(rounds, round + 1);
          }
          break;
        }
      }
      length[backup] += (end - Instant{}).seconds() / rounds / 5;
      for (const auto& ends : result.step_ends) {
        const auto done =
            std::count_if(ends.begin(), ends.end(), [&](Instant t) { return t <= end; });
        speed[backup] += static_cast<double>(done) / (end - Instant{}).seconds() / 5;
      }
    }
  }
  const double cut = 1 - length[1] / length[0];
  RecordProperty("cut", std::to_string(cut));
  printf("an iteration takes %.2f ms instead of %.2f ms: %.0f %% less; %.2f times the steps/s\n",
         1e3 * length[1], 1e3 * length[0], 100 * cut, speed[1] / speed[0]);
  EXPECT_GE(cut, 0.55);
}

// Notes are small; replicas are sent only to those who take part too.
TEST_P(AverageBackup, It_sends_replicas_along_used_edges_and_a_few_notes) {
  Trial trial = trial_of(12, GetParam());
  trial.nodes = 8;
  trial.workers_per_node = 1;
  trial.floats = 1000;
  RoundsWatch watch(trial);
  size_t most = 0;
  uint64_t models = 0;
  trial.meddle = [&](std::vector<Outbox::Send>& sends, size_t first) {
    for (size_t i = first; i < sends.size(); ++i) {
      if (sends[i].kind == Kind::mix) {
        ++models;
      } else if (sends[i].kind < Kind::propose && sends[i].kind > Kind::mix) {
        most = std::max(most, sends[i].body.size());
      }
    }
  };
  ASSERT_TRUE(run(trial).outcome.finished);
  uint64_t used = 0;
  for (const auto& [round, records] : watch.rounds()) used += watch.used(round).size();
  EXPECT_EQ(models, 2 * used);
  EXPECT_GT(most, 0u);
  EXPECT_LE(most + 24, 100u);
}

TEST_P(AverageBackup, The_same_seed_gives_the_same_bits) {
  Trial trial = trial_of(9, GetParam());
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    for (float& v : x) v += 0.1f * static_cast<float>(mix(w.value, step) % 100);
  };
  const Result one = run(trial), two = run(trial);
  EXPECT_EQ(one.outcome.trace_hash, two.outcome.trace_hash);
  EXPECT_EQ(one.values, two.values);
}

}  // namespace
}  // namespace hemiola::averaging
