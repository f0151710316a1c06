// gossip over simulated jobs: the mean stays, all come to it, nobody gets stuck on any graph.
#include <gtest/gtest.h>

#include "hemiola/average/gossip.h"
#include "tests/average_troubles.h"

namespace hemiola::averaging {
namespace {

using Sabotage = AverageSabotage;

Trial gossip_trial(uint64_t seed, uint32_t nodes, const std::string& topology) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average("gossip");
  trial.options.topology = topology;
  trial.nodes = nodes;
  trial.floats = 5;
  trial.network.jitter = microseconds(200);
  trial.time = [seed](WorkerId w, uint32_t step) {
    return microseconds(200 + static_cast<int64_t>(mix(seed, w.value, step) % 2000));
  };
  return trial;
}

void set_bridge(Trial& trial) {
  trial.options.topology = "file(cliques)";
  trial.options.edges = cliques_with_a_bridge(trial.workers() / 2);
}

Trial troubled_trial(uint64_t seed) {
  Random random(seed);
  const char* topologies[] = {"", "ring", "star", "tree", "torus", "one-peer", "expander(3)"};
  Trial trial = gossip_trial(seed, 1 + static_cast<uint32_t>(random.below(7)),
                             topologies[random.below(std::size(topologies))]);
  trial.options.rule.every = 1 + static_cast<uint32_t>(random.below(3));
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

TEST(AverageGossip, The_mean_stays_whatever_is_busy_lost_doubled_or_at_rest) {
  std::map<std::string, uint64_t> reasons;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Trial trial = troubled_trial(seed);
    Result result;
    ASSERT_LT(drift_of_the_mean(trial, &result), 1e-5)
        << "seed " << seed << " " << result.outcome.stuck_reason;
    for (const auto& [reason, times] : result.reasons) reasons[reason] += times;
  }
  EXPECT_EQ(reasons.size(), 3u);
  for (const auto& [reason, times] : reasons) EXPECT_GT(times, 300u) << reason;
}

TEST(AverageGossip, The_mean_stays_over_ten_thousand_exchanges) {
  Trial trial = gossip_trial(7, 16, "");
  trial.steps = 1500;
  Result result;
  EXPECT_LT(drift_of_the_mean(trial, &result), 1e-5);
  EXPECT_GT(result.reasons["the partner was free"], 10'000u);
}

TEST(AverageGossip, An_answer_that_is_added_twice_moves_the_mean) {
  int caught = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Trial trial = gossip_trial(seed, 5, "");
    trial.meddle = doubling(seed);
    EXPECT_LT(drift_of_the_mean(trial), 1e-5) << seed;
    trial.meddle = doubling(seed);
    trial.options.sabotage = Sabotage::answers_twice;
    caught += drift_of_the_mean(trial) > 1e-5;
  }
  EXPECT_GT(caught, 15);
}

TEST(AverageGossip, A_question_that_was_lost_after_it_had_crossed_another_counts_on_both_sides) {
  TwoByHand job("gossip");
  const auto lost = job.step(0, 8), asked = job.step(1, 4);
  ASSERT_EQ(lost[0].kind, Kind::propose);
  job.deliver(asked[0]);
  EXPECT_EQ(job.value(0), 6);
  EXPECT_EQ(job.value(1), 4);
  const auto again = job.up_again(0);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].kind, Kind::accept);
  job.deliver(again[0]);
  EXPECT_EQ(job.value(1), 6);
  // Wherever it was: it comes too late.
  for (const auto& send : job.deliver(lost[0])) job.deliver(send);
  EXPECT_EQ(job.value(0), 6);
  EXPECT_EQ(job.value(1), 6);
}

// Node 1 has answered, and asks by itself before it knows that its answer was lost.
TEST(AverageGossip, A_question_from_one_who_had_answered_is_not_taken_for_one_that_crossed) {
  TwoByHand job("gossip");
  const auto asked = job.step(0, 8);
  job.deliver(asked[0]);
  EXPECT_EQ(job.value(1), 4);
  const auto other = job.step(1, 2);
  const auto busy = job.deliver(other[0]);
  ASSERT_EQ(busy[0].kind, Kind::busy);
  EXPECT_EQ(job.value(0), 8);
  const auto answer = job.deliver(job.up_again(0)[0]);
  job.deliver(answer[0]);
  EXPECT_EQ(job.value(0), 4);
  EXPECT_EQ(job.value(1), 6);
}

TEST(AverageGossip, Without_gradients_all_come_to_the_mean_of_the_starts) {
  for (const std::string topology : {"", "ring", "star", "torus", "exponential", "cliques"}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      Trial trial = gossip_trial(seed, 8, topology);
      if (topology == "cliques") set_bridge(trial);
      trial.steps = 600;
      EXPECT_LT(consensus_of(trial).error, 1e-3) << topology << " " << seed;
    }
  }
}

TEST(AverageGossip, One_sided_averages_agree_with_each_other_on_something_else) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Trial trial = gossip_trial(seed, 8, "");
    trial.steps = 600;
    trial.options.sabotage = Sabotage::pull_only;
    const Consensus c = consensus_of(trial);
    EXPECT_LT(c.spread, 1e-3) << seed;
    EXPECT_GT(c.error, 0.1) << seed;
  }
}

// Messages take as long as steps, so that questions meet open questions all the time.
Trial crowded_trial(uint64_t seed, uint32_t nodes, const std::string& topology) {
  Trial trial = gossip_trial(seed, nodes, topology);
  trial.floats = 1;
  trial.network.latency = milliseconds(1);
  trial.time = [seed](WorkerId w, uint32_t step) {
    return microseconds(500 + static_cast<int64_t>(mix(seed, w.value, step) % 1000));
  };
  trial.steps = nodes > 16 ? 1000 : 3000;
  // Twice the time that the steps take.
  trial.deadline = Instant{milliseconds(2 * trial.steps).ns};
  if (topology == "cliques") set_bridge(trial);
  return trial;
}

constexpr std::pair<const char*, uint32_t> kCrowds[] = {
    {"ring", 5}, {"ring", 7}, {"star", 9}, {"complete", 8}, {"complete", 32}, {"cliques", 10}};

TEST(AverageGossip, Nobody_gets_stuck_on_any_graph) {
  uint64_t exchanges = 0;
  for (const auto& [topology, nodes] : kCrowds) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const Result result = run(crowded_trial(seed, nodes, topology));
      ASSERT_TRUE(result.outcome.finished)
          << topology << " " << nodes << " " << result.outcome.stuck_reason;
      uint64_t here = 0;
      for (const auto& [reason, times] : result.reasons) {
        if (reason != "the partner was busy: another is asked") here += times;
      }
      EXPECT_GT(here, nodes * 110u) << topology << " " << nodes;
      exchanges += here;
    }
  }
  EXPECT_GT(exchanges, 100'000u);
}

TEST(AverageGossip, Those_who_keep_others_waiting_get_stuck) {
  for (const auto& [topology, nodes] : {kCrowds[3], kCrowds[4], kCrowds[5]}) {
    int stuck = 0;
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      Trial trial = crowded_trial(seed, nodes, topology);
      trial.options.sabotage = Sabotage::hold_and_wait;
      stuck += !run(trial).outcome.finished;
    }
    EXPECT_GE(stuck, 4) << topology << " " << nodes;
  }
}

// Steps per second of workers [0, n) in a job of 16, of whom the last is `slow` times as slow.
double throughput(uint32_t n, int slow) {
  Trial trial = gossip_trial(3, 16, "");
  trial.floats = 10'000;
  trial.time = [slow](WorkerId w, uint32_t step) {
    const auto own = static_cast<int64_t>(900 + mix(w.value, step) % 200);
    return microseconds(w.value == 15 ? own * slow : own);
  };
  trial.steps_of = [slow](WorkerId w) {
    return static_cast<uint32_t>(w.value == 15 && slow > 1 ? 100 : 1000);
  };
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished);
  double rate = 0;
  for (uint32_t w = 0; w < n; ++w) {
    const auto& ends = result.step_ends[w];
    rate += static_cast<double>(ends.size() - 1) / (ends.back() - ends.front()).seconds();
  }
  return rate;
}

TEST(AverageGossip, One_slow_worker_of_sixteen_costs_the_others_nothing) {
  const double others = throughput(15, 10) / throughput(15, 1);
  const double all = throughput(16, 10) / throughput(16, 1);
  RecordProperty("others_permille", static_cast<int>(others * 1000));
  RecordProperty("all_permille", static_cast<int>(all * 1000));
  EXPECT_GT(others, 0.99);
  EXPECT_GT(all, 0.9);
}

TEST(AverageGossip, A_pair_sends_each_others_values_once_for_a_mix) {
  Trial trial = gossip_trial(2, 2, "");
  trial.floats = 20'000;
  trial.steps = 50;
  const Result result = run(trial);
  const auto& reasons = result.reasons;
  const auto times = [&](const char* reason) {
    return reasons.contains(reason) ? static_cast<double>(reasons.at(reason)) : 0.0;
  };
  const double mixes = times("the partner was free") + times("two asked each other") / 2;
  const double of_the_mean = 2;
  const double wanted = (2 * mixes + of_the_mean) * trial.floats * sizeof(float);
  EXPECT_GT(mixes, 30);
  EXPECT_NEAR(static_cast<double>(result.bytes_sent), wanted, 0.01 * wanted);
}

TEST(AverageGossip, One_worker_alone_does_plain_descent) {
  Trial trial = gossip_trial(1, 1, "");
  trial.floats = 1;
  trial.steps = 40;
  std::vector<float> seen;
  trial.change = [&](WorkerId, uint32_t, std::span<float> x) {
    x[0] -= 0.25f * (x[0] - 3);
    seen.push_back(x[0]);
  };
  const Result result = run(trial);
  float plain = 0;
  for (const float x : seen) EXPECT_FLOAT_EQ(x, plain -= 0.25f * (plain - 3));
  EXPECT_FLOAT_EQ(result.values[0][0], plain);
}

// Quadratics with optima of their own, at equal speeds: all come near to the mean of the optima.
TEST(AverageGossip, Workers_of_equal_speed_find_the_optimum_of_all_of_them) {
  Trial trial = gossip_trial(5, 8, "");
  trial.floats = 1;
  trial.steps = 2000;
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    x[0] -= 1 / (10 + 0.05f * static_cast<float>(step)) * (x[0] - static_cast<float>(w.value));
  };
  EXPECT_NEAR(run(trial).means[0][0], 3.5, 0.05);
}

TEST(AverageGossip, Staleness_is_counted_for_every_step) {
  Trial trial = gossip_trial(4, 6, "");
  trial.steps = 300;
  StalenessHistogram staleness;
  trial.after_event = [&](const std::vector<const Strategy*>& strategies) {
    staleness = {};
    for (const Strategy* s : strategies) staleness += dynamic_cast<const Gossip&>(*s).staleness();
  };
  run(trial);
  EXPECT_EQ(staleness.count(), 6u * 300);
  EXPECT_GT(staleness.mean(), 1);
  EXPECT_LT(staleness.mean(), 3);
  EXPECT_LT(staleness.max(), 30u);
}

TEST(AverageGossip, The_same_seed_gives_the_same_bits) {
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
