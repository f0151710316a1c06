// Delay-aware steps: with one worker of eight ten times as slow, at a rate at which steps that
// count in full never come to rest, steps that count by their delay do.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "tests/average_world.h"

namespace hemiola::averaging {
namespace {

constexpr uint32_t kWorkers = 8, kSlow = 3;

Trial slow_trial(const std::string& rule, const std::string& delay, uint64_t seed) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average(rule);
  trial.options.delay = parse_delay(delay);
  trial.nodes = kWorkers;
  trial.time = [seed](WorkerId w, uint32_t step) {
    const auto even = 900 + static_cast<int64_t>(mix(seed, w.value, step) % 200);
    return microseconds(w.value == kSlow ? 10 * even : even);
  };
  trial.steps_of = [](WorkerId w) { return w.value == kSlow ? 60u : 600u; };
  return trial;
}

// Worker w's loss is curve(w) / 2 * |x - 1|^2: all have the same optimum, so a worker's steps alone
// are what can keep it from there.
double curve_of(WorkerId w) { return w.value == kSlow ? 1.5 : 0.1; }

double error_on_a_quadratic(Trial trial) {
  trial.floats = 4;
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    for (size_t i = 0; i < x.size(); ++i) {
      if (step == 0) x[i] += static_cast<float>(i) + 3;
      x[i] -= static_cast<float>(curve_of(w)) * (x[i] - 1);
    }
  };
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished) << result.outcome.stuck_reason;
  double worst = 0;
  for (const float v : result.means.back()) {
    if (!std::isfinite(v)) return INFINITY;
    worst = std::max(worst, std::abs(v - 1.0));
  }
  return worst;
}

// Points and how likely each is to be of the first class, by a model that is the same for all: the
// optimum of every worker's mean logistic loss, and what error is measured from.
class Points {
 public:
  static constexpr size_t kCount = 100, kSize = 6;

  Points(uint64_t seed, double size) {
    Random random(seed);
    for (size_t p = 0; p < kCount; ++p) {
      for (double& v : x_.emplace_back()) v = random.uniform(-size, size);
    }
  }
  static double optimum(size_t i) { return i % 2 ? 0.3 : -0.2; }

  void step(double rate, std::span<float> w) const {
    std::array<double, kSize> slope{};
    for (const auto& x : x_) {
      double margin = 0, wanted = 0;
      for (size_t i = 0; i < kSize; ++i) {
        margin += x[i] * w[i];
        wanted += x[i] * optimum(i);
      }
      const double wrong = 1 / (1 + std::exp(-margin)) - 1 / (1 + std::exp(-wanted));
      for (size_t i = 0; i < kSize; ++i) slope[i] += wrong * x[i] / kCount;
    }
    for (size_t i = 0; i < kSize; ++i) w[i] -= static_cast<float>(rate * slope[i]);
  }

 private:
  std::vector<std::array<double, kSize>> x_;
};

double error_of_logistic_regression(Trial trial, double rate) {
  std::vector<Points> points;
  for (uint32_t w = 0; w < kWorkers; ++w) {
    points.emplace_back(mix(trial.seed, w), w == kSlow ? 6.0 : 1.0);
  }
  trial.floats = Points::kSize;
  trial.change = [&](WorkerId w, uint32_t, std::span<float> x) { points[w.value].step(rate, x); };
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished) << result.outcome.stuck_reason;
  double error = 0;
  for (size_t i = 0; i < Points::kSize; ++i) {
    error = std::max(error, std::abs(result.means.back()[i] - Points::optimum(i)));
  }
  return error;
}

TEST(AverageDelay, On_a_quadratic_full_steps_diverge_where_steps_by_their_delay_converge) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_GT(error_on_a_quadratic(slow_trial("gossip", "fixed", seed)), 1e3) << seed;
    EXPECT_LT(error_on_a_quadratic(slow_trial("gossip", "adaptive", seed)), 1e-5) << seed;
    EXPECT_LT(error_on_a_quadratic(slow_trial("gossip", "drop(6)", seed)), 1e-5) << seed;
  }
}

TEST(AverageDelay, On_logistic_regression_full_steps_stall_where_steps_by_their_delay_converge) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const auto error = [&](const char* delay, double rate) {
      return error_of_logistic_regression(slow_trial("gossip", delay, seed), rate);
    };
    EXPECT_LT(error("fixed", 0.25), 1e-4) << seed;
    EXPECT_GT(error("fixed", 1), 1e-2) << seed;
    EXPECT_LT(error("adaptive", 1), 1e-4) << seed;
    EXPECT_LT(error("drop(6)", 1), 1e-4) << seed;
  }
}

// A slow worker's share of x and of the mass grows, so that its steps count less without more ado.
TEST(AverageDelay, Push_sum_weighs_a_slow_worker_by_its_mass) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_LT(error_on_a_quadratic(slow_trial("pushsum(1000)", "fixed", seed)), 1e-5) << seed;
  }
}

TEST(AverageDelay, A_step_says_how_many_changes_it_has_missed) {
  for (const char* rule : {"gossip", "pushsum(1000)", "groups(2)"}) {
    Trial trial = slow_trial(rule, "fixed", 1);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << result.outcome.stuck_reason;
    const double fast = result.delays[0].quantile(0.5), slow = result.delays[kSlow].quantile(0.5);
    EXPECT_LE(fast, 3) << rule;
    if (std::string(rule) != "groups(2)") {
      EXPECT_GE(slow, 7) << rule;
      EXPECT_EQ(result.delays[kSlow].count(), 60u);
    }
  }
  const Result result = run(slow_trial("consensus", "fixed", 1));
  for (const auto& delays : result.delays) EXPECT_EQ(delays.max(), 0u);
}

}  // namespace
}  // namespace hemiola::averaging
