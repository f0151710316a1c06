// push-sum over simulated jobs: no mass is lost or made, all come to the mean, nobody runs dry.
#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/average/pushsum.h"
#include "hemiola/average/topology.h"
#include "tests/average_troubles.h"

namespace hemiola::averaging {
namespace {

using Sabotage = AverageSabotage;
using Strategies = std::vector<const Strategy*>;

const PushSum& at(const Strategies& strategies, uint32_t node) {
  return dynamic_cast<const PushSum&>(*strategies[node]);
}

// What is looked at after every event.
struct Watch {
  double least_mass = 1;
  double mass_drift = 0;  // of the sum over all workers and all that is under way, of a worker's 1
  StalenessHistogram lateness;
};

void watch(Trial& trial, Watch& watched) {
  trial.after_event = [&watched, nodes = trial.nodes,
                       per = trial.workers_per_node](const Strategies& strategies) {
    double sum = 0;
    watched.lateness = {};
    for (uint32_t n = 0; n < nodes; ++n) {
      const PushSum& push_sum = at(strategies, n);
      watched.lateness += push_sum.lateness();
      for (uint32_t w = n * per; w < (n + 1) * per; ++w) {
        const double mass = push_sum.mass(WorkerId{w});
        watched.least_mass = std::min(watched.least_mass, mass);
        sum += mass;
      }
      for (const PushSum::Pushed& p : push_sum.open()) {
        if (!at(strategies, p.to.value / per).has(p.to, p.from, p.step)) sum += p.mass;
      }
    }
    watched.mass_drift = std::max(watched.mass_drift, std::abs(sum - nodes * per));
  };
}

// One who gets nothing for as long as the rule lets it, and then from others like itself, keeps
// more.
double dry(const Trial& trial) {
  const Topology topology =
      parse_topology(trial.options.topology.empty() ? "one-peer" : trial.options.topology);
  size_t most = 0;
  for (const auto& out : graph_of(topology, trial.workers(), 0, trial.seed).out) {
    most = std::max(most, out.size());
  }
  return std::pow(1.0 + static_cast<double>(most), -2.0 * (trial.options.rule.late + 3.0));
}

Trial push_trial(uint64_t seed, uint32_t nodes, const std::string& topology) {
  Trial trial;
  trial.options.steps_by_mass = false;  // so that what was added is what there must be
  trial.seed = seed;
  trial.options.rule = parse_average("pushsum");
  trial.options.topology = topology;
  trial.nodes = nodes;
  trial.floats = 5;
  trial.network.jitter = microseconds(200);
  trial.time = [seed](WorkerId w, uint32_t step) {
    return microseconds(200 + static_cast<int64_t>(mix(seed, w.value, step) % 2000));
  };
  return trial;
}

Trial troubled_trial(uint64_t seed) {
  Random random(seed);
  const char* topologies[] = {"", "exponential", "ring", "star", "tree", "torus", "expander(3)"};
  Trial trial = push_trial(seed, 1 + static_cast<uint32_t>(random.below(7)),
                           topologies[random.below(std::size(topologies))]);
  trial.options.rule.late = static_cast<uint32_t>(random.below(5));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  trial.passes = 1 + static_cast<uint32_t>(random.below(3));
  trial.network.latency = microseconds(20 + static_cast<int64_t>(random.below(3000)));
  trial.steps_of = [seed](WorkerId w) { return static_cast<uint32_t>(mix(seed, w.value) % 40); };
  if (random.chance(0.5)) trial.meddle = doubling(seed);
  // The mean over all is not sent again, so links are lost only while all still work.
  if (random.chance(0.5) && trial.nodes > 1) {
    trial.passes = 1;
    trial.steps_of = [seed](WorkerId w) {
      return 60 + static_cast<uint32_t>(mix(seed, w.value) % 40);
    };
    drop_links(trial, random);
  }
  return trial;
}

TEST(AveragePushSum, No_mass_is_lost_or_made_whatever_is_late_lost_doubled_or_at_rest) {
  std::map<std::string, uint64_t> reasons;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Trial trial = troubled_trial(seed);
    Watch watched;
    watch(trial, watched);
    Result result;
    ASSERT_LT(drift_of_the_mean(trial, &result), 1e-5)
        << "seed " << seed << " " << result.outcome.stuck_reason;
    ASSERT_LT(watched.mass_drift, 1e-9) << seed;
    ASSERT_GE(watched.least_mass, dry(trial)) << seed << " " << trial.options.topology;
    ASSERT_LE(watched.lateness.max(), trial.options.rule.late) << seed;
    for (const auto& [reason, times] : result.reasons) reasons[reason] += times;
  }
  EXPECT_EQ(reasons.size(), 2u);
  for (const auto& [reason, times] : reasons) EXPECT_GT(times, 5000u) << reason;
}

TEST(AveragePushSum, A_share_behind_one_that_was_lost_is_taken_when_both_come_again) {
  TwoByHand job("pushsum");
  const auto lost = job.step(0, 8), second = job.step(0, 4);
  EXPECT_TRUE(job.deliver(second[0]).empty());
  EXPECT_EQ(job.value(1), 0);
  const auto again = job.up_again(0);
  ASSERT_EQ(again.size(), 2u);
  for (int twice = 0; twice < 2; ++twice) {
    for (const auto& send : again) {
      for (const auto& ack : job.deliver(send)) job.deliver(ack);
    }
  }
  EXPECT_EQ(job.value(0) + job.value(1), 12);
  EXPECT_EQ(job.value(1), 8);
  EXPECT_EQ(job.strategy(0).mass(WorkerId{0}), 0.25);
  EXPECT_EQ(job.strategy(1).mass(WorkerId{1}), 1.75);
  EXPECT_TRUE(job.up_again(0).empty());
}

// However much longer the others work, and whoever of them it is.
TEST(AveragePushSum, Workers_at_rest_let_nobody_run_dry_or_wait_for_ever) {
  for (const char* topology : {"", "exponential", "ring", "star", "complete"}) {
    for (const uint32_t nodes : {2u, 3u, 5u, 8u}) {
      for (const uint32_t long_ones : {1u, 2u, 7u}) {
        Trial trial = push_trial(nodes * 10 + long_ones, nodes, topology);
        trial.options.rule.late = long_ones % 3;
        trial.passes = 2;
        trial.steps_of = [=](WorkerId w) {
          return mix(w.value, nodes) % nodes < long_ones ? 300 : w.value % 3;
        };
        Watch watched;
        watch(trial, watched);
        Result result;
        ASSERT_LT(drift_of_the_mean(trial, &result), 1e-5)
            << topology << " " << nodes << " " << result.outcome.stuck_reason;
        EXPECT_GE(watched.least_mass, dry(trial)) << topology << " " << nodes;
        EXPECT_LT(watched.mass_drift, 1e-9);
      }
    }
  }
}

TEST(AveragePushSum, Without_gradients_all_come_to_the_mean_of_the_starts) {
  for (const char* topology : {"", "exponential", "ring", "star", "random(3)", "complete"}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      Trial trial = push_trial(seed, 4 + static_cast<uint32_t>(seed % 5), topology);
      trial.options.rule.late = static_cast<uint32_t>(seed % 5);
      trial.steps = 300;
      EXPECT_LT(consensus_of(trial).error, 1e-3) << topology << " " << seed;
    }
  }
}

// Both defects pass a test of the spread alone, however strict: all agree, on something wrong.
TEST(AveragePushSum, Mass_that_is_lost_or_forgotten_is_seen_by_the_mean_and_not_by_the_spread) {
  for (const auto sabotage : {Sabotage::restarted_mass, Sabotage::lost_shares}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      Trial trial = push_trial(seed, 8, "");
      trial.steps = sabotage == Sabotage::lost_shares ? 100 : 300;
      trial.options.sabotage = sabotage;
      const Consensus c = consensus_of(trial);
      EXPECT_LT(c.spread, 1e-3) << seed;
      EXPECT_GT(c.error, 0.1) << seed;
    }
  }
}

TEST(AveragePushSum, Powers_of_two_on_the_one_peer_graph_have_the_exact_mean_after_as_many_steps) {
  for (const uint32_t power : {1u, 2u, 3u, 4u}) {
    Trial trial = push_trial(power, 1u << power, "one-peer");
    trial.options.rule.late = 0;
    trial.steps = power;
    // In step: messages of a step come when all have sent theirs.
    trial.start_spread = {};
    trial.network.latency = milliseconds(1);
    trial.time = [](WorkerId, uint32_t) { return milliseconds(5); };
    const auto wanted = mean_of(scattered_starts(trial));
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished);
    EXPECT_EQ(result.furthest_from(wanted), 0) << power;
  }
}

// The bound is kept, and reached: faster workers do wait.
TEST(AveragePushSum, A_message_is_as_many_steps_behind_as_the_rule_says_and_no_more) {
  for (const uint32_t late : {0u, 1u, 4u, 9u}) {
    Trial trial = push_trial(late, 8, "");
    trial.options.rule.late = late;
    trial.steps = 200;
    trial.time = [](WorkerId w, uint32_t step) {
      return microseconds(static_cast<int64_t>(w.value == 3 && step % 50 < 10 ? 20'000 : 500));
    };
    Watch watched;
    watch(trial, watched);
    uint32_t widest = 0;
    const auto inner = trial.after_event;
    trial.after_event = [&](const Strategies& strategies) {
      inner(strategies);
      uint32_t most = 0, least = UINT32_MAX;
      for (uint32_t w = 0; w < 8; ++w) {
        most = std::max(most, at(strategies, w).steps(WorkerId{w}));
        least = std::min(least, at(strategies, w).steps(WorkerId{w}));
      }
      widest = std::max(widest, most - least);
    };
    const Result result = run(trial);
    EXPECT_EQ(watched.lateness.max(), late);
    EXPECT_GE(watched.least_mass, dry(trial));
    // Each of the three edges of a worker is used every third step.
    EXPECT_LE(widest, 3 * (late + 3));
    EXPECT_GE(widest, late);
    EXPECT_GT(result.reasons.at("a message that was too late came"), 4u);
  }
}

TEST(AveragePushSum, A_worker_sends_its_values_to_each_out_neighbour_once_in_a_step) {
  for (const auto& [topology, edges] : {std::pair{"one-peer", 8}, {"exponential", 24}}) {
    Trial trial = push_trial(2, 8, topology);
    trial.floats = 10'000;
    trial.steps = 40;
    // At equal speeds, or resting workers push a few times more.
    trial.time = [](WorkerId, uint32_t) { return milliseconds(5); };
    const Result result = run(trial);
    const double of_the_mean = 2 * 7;
    const double wanted = (40.0 * edges + of_the_mean) * trial.floats * sizeof(float);
    EXPECT_NEAR(static_cast<double>(result.bytes_sent), wanted, 0.01 * wanted) << topology;
  }
}

TEST(AveragePushSum, One_worker_alone_does_plain_descent) {
  Trial trial = push_trial(1, 1, "");
  trial.floats = 1;
  trial.steps = 40;
  trial.change = [&](WorkerId, uint32_t, std::span<float> x) { x[0] -= 0.25f * (x[0] - 3); };
  float plain = 0;
  for (int step = 0; step < 40; ++step) plain -= 0.25f * (plain - 3);
  EXPECT_FLOAT_EQ(run(trial).values[0][0], plain);
}

// Quadratics with optima of their own: all come near to the mean of the optima.
TEST(AveragePushSum, Workers_find_the_optimum_of_all_of_them) {
  Trial trial = push_trial(5, 8, "");
  trial.floats = 1;
  trial.steps = 2000;
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    x[0] -= 1 / (10 + 0.05f * static_cast<float>(step)) * (x[0] - static_cast<float>(w.value));
  };
  EXPECT_NEAR(run(trial).means[0][0], 3.5, 0.05);
}

TEST(AveragePushSum, The_same_seed_gives_the_same_bits) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Trial trial = troubled_trial(seed);
    scattered_starts(trial);
    trial.meddle = {};
    const Result one = run(trial), two = run(trial);
    EXPECT_EQ(one.outcome.trace_hash, two.outcome.trace_hash);
    EXPECT_EQ(one.values, two.values);
  }
}

}  // namespace
}  // namespace hemiola::averaging
