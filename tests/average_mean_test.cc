// allreduce, local(H), outer(H) over simulated jobs.
#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/sim/faults.h"
#include "tests/average_world.h"

namespace hemiola::averaging {
namespace {

Trial trial_of(const std::string& rule, uint64_t seed) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average(rule);
  Random random(seed);
  trial.nodes = 1 + static_cast<uint32_t>(random.below(5));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  trial.floats = 1 + static_cast<uint32_t>(random.below(2) ? random.below(64) : 9000);
  trial.network.jitter = microseconds(200);
  trial.time = [seed](WorkerId w, uint32_t step) {
    return microseconds(100 + static_cast<int64_t>(mix(seed, w.value, step) % 5000));
  };
  return trial;
}

TEST(AverageMean, All_replicas_are_the_mean_of_the_starts) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Trial trial = trial_of(seed % 2 ? "allreduce" : "local(3)", seed);
    trial.steps = 7;
    const auto wanted = mean_of(scattered_starts(trial));
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    EXPECT_LT(result.furthest_from(wanted), 1e-4) << seed;
    for (const auto& v : result.values) EXPECT_EQ(v, result.values[0]) << seed;
  }
}

// A worker with less work rests and holds nobody up; what it did last is not lost.
TEST(AverageMean, Workers_with_unequal_work_come_to_the_end_of_each_pass) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Trial trial = trial_of(seed % 3 == 0   ? "allreduce"
                           : seed % 3 == 1 ? "local(4)"
                                           : "outer(2)",
                           seed);
    trial.options.outer_rate = 1;
    trial.options.outer_momentum = 0;
    trial.passes = 3;
    trial.steps_of = [seed](WorkerId w) { return static_cast<uint32_t>(mix(seed, w.value) % 9); };
    const auto starts = scattered_starts(trial);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    ASSERT_EQ(result.means.size(), 3u);
    for (const auto& v : result.values) {
      for (const float x : v) EXPECT_TRUE(std::isfinite(x));
    }
  }
}

// Who has no work left is told of the last round by several nodes, in any order.
TEST(AverageMean, What_a_run_comes_to_does_not_depend_on_how_messages_overtake_each_other) {
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    Trial trial = trial_of(seed % 2 ? "allreduce" : "local(2)", seed);
    trial.nodes = 3 + static_cast<uint32_t>(seed % 3);
    trial.passes = 4;
    trial.network.jitter = milliseconds(8);
    trial.steps_of = [](WorkerId w) { return 3 + w.value % 3; };
    trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
      for (float& v : x) v += static_cast<float>(1 + (w.value + step) % 7) / 8 - v / 16;
    };
    Trial other = trial;
    other.time = [](WorkerId w, uint32_t) { return microseconds(5000 - 100 * w.value); };
    const Result result = run(trial), in_other_order = run(other);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    EXPECT_EQ(result.means, in_other_order.means) << seed;
    EXPECT_EQ(result.values, in_other_order.values) << seed;
  }
}

// Links are lost at any time, also while the exact mean is taken at the end of a pass.
TEST(AverageMean, Lost_links_frozen_nodes_and_cuts_delay_and_lose_nothing) {
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    const char* const rules[] = {"allreduce", "local(3)", "gossip"};
    const std::string rule = rules[seed % 3];
    Trial trial = trial_of(rule, seed);
    if (trial.nodes == 1) continue;
    trial.options.codec = rule != "gossip" && seed % 2 ? "quantise(8)" : "none";
    trial.passes = 3;
    trial.steps = 6;
    trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
      for (float& v : x) v += static_cast<float>(1 + (w.value + step) % 7);
    };
    Trial calm = trial;
    sim::SwizzleOptions options;
    options.nodes = trial.nodes;
    options.horizon = milliseconds(80);
    options.longest = milliseconds(6);
    options.faults_per_node = 12;
    trial.faults = sim::swizzle(seed, options);
    const Result result = run(trial), undisturbed = run(calm);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    ASSERT_EQ(result.means.size(), 3u);
    if (rule == "gossip") {
      double sum = 0;
      for (uint32_t w = 0; w < trial.workers(); ++w) {
        for (uint32_t step = 0; step < 18; ++step) sum += 1 + (w + step) % 7;
      }
      for (const float v : result.means[2]) EXPECT_NEAR(v, sum / trial.workers(), 1e-2) << seed;
    } else {
      EXPECT_EQ(result.means, undisturbed.means) << seed;
    }
  }
}

// All nodes change to the codec in the same round, and nothing is lost by it.
TEST(AverageMean, With_codec_auto_a_slow_link_gets_a_codec_and_a_fast_one_none) {
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    Trial trial = trial_of(seed % 2 ? "allreduce" : "local(2)", seed);
    if (trial.nodes == 1) continue;
    const bool slow = seed % 3 != 0;
    trial.floats = 30'000;
    trial.network.nic_bytes_per_second = slow ? 5e6 : 5e9;
    trial.network.latency = microseconds(5);
    trial.network.jitter = microseconds(2);
    trial.passes = 2;
    trial.steps = 40;
    trial.options.codec = "auto";
    trial.options.codec_speeds = {{"bf16", 1e9, 1e9}, {"quantise(8)", 1e9, 1e9}};
    trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] += static_cast<float>(1 + (w.value + step + i) % 7) / 8;
      }
    };
    Trial dense = trial;
    dense.options.codec = "none";
    if (seed % 4 == 0)
      trial.faults = {
          sim::drop_link(Instant{} + milliseconds(40), NodeId{0}, NodeId{1}, milliseconds(3))};
    const Result result = run(trial), floats = run(dense);
    ASSERT_TRUE(result.outcome.finished) << seed << " " << result.outcome.stuck_reason;
    const std::string wanted = slow ? "quantise(8, 512) takes" : "no codec";
    EXPECT_TRUE(result.codec_note.starts_with(wanted)) << seed << ": " << result.codec_note;
    for (const auto& v : result.values) ASSERT_EQ(v, result.values[0]) << seed;
    for (size_t i = 0; i < 100; ++i) {
      const float exact = floats.means[1][i];
      EXPECT_NEAR(result.means[1][i], exact, 0.02 * exact) << seed;
    }
    if (slow) {
      EXPECT_LT(result.bytes_sent, 0.7 * static_cast<double>(floats.bytes_sent)) << seed;
    } else if (seed % 4 != 0) {
      EXPECT_EQ(result.means, floats.means) << seed;
    }
  }
}

// Every step adds -rate * gradient of a quadratic; with one step of each between two means it is
// plain gradient descent with the mean gradient, to the last bits of the order of sums.
TEST(AverageMean, Allreduce_is_descent_along_the_mean_gradient) {
  Trial trial = trial_of("allreduce", 5);
  trial.nodes = 3;
  trial.workers_per_node = 2;
  trial.floats = 4;
  trial.steps = 50;
  const auto target = [](uint32_t w, size_t i) { return static_cast<float>(w * 2.0 + i); };
  trial.change = [&](WorkerId w, uint32_t, std::span<float> x) {
    for (size_t i = 0; i < x.size(); ++i) x[i] -= 0.1f * (x[i] - target(w.value, i));
  };
  const Result result = run(trial);
  std::vector<double> x(4);
  for (int step = 0; step < 50; ++step) {
    for (size_t i = 0; i < 4; ++i) {
      double gradient = 0;
      for (uint32_t w = 0; w < 6; ++w) gradient += (x[i] - target(w, i)) / 6;
      x[i] -= 0.1 * gradient;
    }
  }
  EXPECT_LT(result.furthest_from(x), 1e-5);
}

TEST(AverageMean, Outer_with_rate_one_and_no_momentum_is_local) {
  for (const char* rule : {"local(5)", "outer(5)"}) {
    Trial trial = trial_of(rule, 11);
    trial.options.outer_rate = 1;
    trial.options.outer_momentum = 0;
    trial.floats = 3;
    trial.change = [](WorkerId w, uint32_t, std::span<float> x) {
      for (float& v : x) v -= 0.2f * (v - static_cast<float>(w.value));
    };
    static std::vector<float> first;
    const Result result = run(trial);
    if (first.empty()) first = result.values[0];
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(result.values[0][i], first[i], 1e-5);
  }
}

TEST(AverageMean, The_same_seed_gives_the_same_bits) {
  Trial trial = trial_of("local(2)", 3);
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    for (float& v : x) v += 0.1f * static_cast<float>(mix(w.value, step) % 100);
  };
  const Result one = run(trial), two = run(trial);
  EXPECT_EQ(one.outcome.trace_hash, two.outcome.trace_hash);
  EXPECT_EQ(one.values, two.values);
}

// Whatever the codec, every replica is the same bits behind each round; what an unbiased or fed
// back codec gets wrong does not add up, so that the mean is near that of exact rounds.
TEST(AverageMean, Replicas_that_were_averaged_through_a_codec_are_equal_bit_by_bit) {
  for (const char* codec :
       {"bf16", "quantise(4)", "quantise(8)", "topk(0.1)", "sign", "lowrank(16)"}) {
    for (const char* rule : {"allreduce", "local(3)"}) {
      Trial trial = trial_of(rule, 17);
      trial.options.codec = codec;
      trial.nodes = 3;
      trial.floats = 5000;
      trial.steps = 240;
      const auto target = [](uint32_t w, size_t i) {
        return static_cast<float>(mix(w, i) % 1000) * 1e-3f;
      };
      trial.change = [&](WorkerId w, uint32_t, std::span<float> x) {
        for (size_t i = 0; i < x.size(); ++i) x[i] -= 0.05f * (x[i] - target(w.value, i));
      };
      const Result result = run(trial);
      ASSERT_TRUE(result.outcome.finished) << result.outcome.stuck_reason;
      double off = 0, norm = 0;
      for (const auto& v : result.values) ASSERT_EQ(v, result.values[0]) << codec;
      for (size_t i = 0; i < trial.floats; ++i) {
        double wanted = 0;
        for (uint32_t w = 0; w < trial.workers(); ++w) wanted += target(w, i) / trial.workers();
        off += std::pow(result.values[0][i] - wanted, 2);
        norm += wanted * wanted;
      }
      EXPECT_LT(std::sqrt(off / norm), 0.1) << codec << " " << rule;
    }
  }
}

// Each node sends 2 (n - 1) / n of the vector in a round.
TEST(AverageMean, It_sends_what_the_pattern_says) {
  Trial trial = trial_of("allreduce", 1);
  trial.nodes = 4;
  trial.workers_per_node = 1;
  trial.floats = 64'000;
  trial.steps = 10;
  const Result result = run(trial);
  const double wanted = 4 * (10 + 1) * 2 * 0.75 * 64'000 * sizeof(float);
  EXPECT_NEAR(static_cast<double>(result.bytes_sent), wanted, 0.01 * wanted);
}

}  // namespace
}  // namespace hemiola::averaging
