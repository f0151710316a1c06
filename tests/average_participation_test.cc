// What all converge to when some take part more often than others, and how much n workers help.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "hemiola/average/neighbour_rounds.h"
#include "tests/average_world.h"

namespace hemiola::averaging {
namespace {

constexpr uint32_t kWorkers = 10;
constexpr uint32_t kSteps = 700;  // of worker 0

// Worker w pulls towards an optimum of its own; worker 0's is far from the others', and it always
// takes `slow` times as long.
struct Pull {
  std::string rule;
  double slow = 6;
  bool correct = false;
  double correction_most = 32;
};

struct Outcome {
  double error = 0;  // of the mean of all, averaged over the latter part of the run
  double share = 0;  // of the rounds, in which worker 0 took part
};

double optimum(uint32_t worker, uint64_t seed) {
  Random random(mix(seed, worker));
  return worker == 0 ? 3 : random.normal();
}

Outcome pulled(const Pull& pull, uint64_t seed) {
  Trial trial;
  trial.seed = seed;
  trial.nodes = kWorkers;
  trial.floats = 1;
  trial.options.rule = parse_average(pull.rule);
  trial.options.correct_participation = pull.correct;
  trial.options.correction_most = pull.correction_most;
  // Others have work left when worker 0 has none.
  const double others = pull.rule == "consensus" ? 1 : std::min(pull.slow, 8.0);
  trial.steps_of = [&](WorkerId w) {
    return static_cast<uint32_t>(w.value == 0 ? kSteps : others * kSteps);
  };
  trial.time = [&](WorkerId w, uint32_t step) {
    Random random(mix(seed, w.value, step));
    const double ms = 1 - 0.2 * std::log(1 - random.uniform());
    return microseconds(static_cast<int64_t>(1000 * ms * (w.value == 0 ? pull.slow : 1)));
  };
  trial.change = [&](WorkerId w, uint32_t, std::span<float> x) {
    x[0] -= 0.01f * (x[0] - static_cast<float>(optimum(w.value, seed)));
  };
  double sum = 0, count = 0;
  Outcome outcome;
  uint64_t seen = 0;
  trial.after_event = [&](const std::vector<const Strategy*>& nodes) {
    const auto at = [&](uint32_t w) { return static_cast<const NeighbourRounds*>(nodes[w]); };
    const auto& slow = at(0)->participation(WorkerId{0});
    const uint64_t one = at(1)->participation(WorkerId{1}).taken;
    if (one == seen || slow.taken < kSteps * 2 / 5 || slow.taken > kSteps * 9 / 10) return;
    seen = one;
    for (uint32_t w = 0; w < kWorkers; ++w) sum += at(w)->values(WorkerId{w})[0] / kWorkers;
    ++count;
    outcome.share = static_cast<double>(slow.taken) / static_cast<double>(slow.taken + slow.missed);
  };
  EXPECT_TRUE(run(trial).outcome.finished);
  double wanted = 0;
  for (uint32_t w = 0; w < kWorkers; ++w) wanted += optimum(w, seed) / kWorkers;
  outcome.error = (sum / count - wanted) / (3 - wanted);
  return outcome;
}

Outcome mean_outcome(const Pull& pull) {
  Outcome mean;
  double worst = 0;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Outcome one = pulled(pull, seed);
    mean.share += one.share / 3;
    if (std::abs(one.error) > worst) worst = std::abs(one.error), mean.error = one.error;
  }
  printf(
      "%s, worker 0 %.0f times as slow, %s: takes part in %.0f %% of the rounds, error %.2f %%\n",
      pull.rule.c_str(), pull.slow, pull.correct ? "corrected" : "not corrected", 100 * mean.share,
      100 * mean.error);
  return mean;
}

TEST(AverageParticipation, All_come_to_the_optimum_of_all_where_all_wait) {
  EXPECT_LT(std::abs(mean_outcome({"consensus", 6}).error), 0.01);
}

TEST(AverageParticipation, Who_is_slow_counts_less_unless_its_steps_are_made_up_for) {
  for (const char* rule : {"backup", "backup(search)"}) {
    const Outcome equal = mean_outcome({rule, 1});
    const Outcome plain = mean_outcome({rule, 6});
    const Outcome corrected = mean_outcome({rule, 6, true});
    EXPECT_LT(std::abs(equal.error), 0.02) << rule;
    EXPECT_LT(plain.error, -0.03) << rule;
    EXPECT_LT(plain.share, 0.5) << rule;
    EXPECT_LT(std::abs(corrected.error), 0.01) << rule;
  }
}

// A factor that may not become large leaves a part of the error.
TEST(AverageParticipation, A_bound_on_the_correction_bounds_what_it_corrects) {
  const Outcome plain = mean_outcome({"backup", 12});
  const Outcome bounded = mean_outcome({"backup", 12, true, 2});
  EXPECT_LT(std::abs(bounded.error), 0.8 * std::abs(plain.error));
  EXPECT_GT(std::abs(bounded.error), 0.01);
}

// Noise alone: the mean of n replicas has an nth of the variance of one.
double variance_of_mean(const std::string& rule, uint32_t n) {
  Trial trial;
  trial.seed = n;
  trial.nodes = n;
  trial.floats = 4000;
  trial.steps = 150;
  trial.options.rule = parse_average(rule);
  trial.time = [n](WorkerId w, uint32_t step) {
    return microseconds(1000 + static_cast<int64_t>(mix(n, w.value, step) % 1000));
  };
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    Random random(mix(w.value, step, 77));
    for (float& v : x) v -= 0.05f * (v + static_cast<float>(random.normal()));
  };
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished);
  double sum = 0;
  for (const float v : result.means.back()) sum += double{v} * v;
  return sum / trial.floats;
}

TEST(AverageParticipation, The_variance_of_the_mean_falls_with_the_number_of_workers) {
  for (const char* rule : {"consensus", "backup", "backup(search)"}) {
    const double alone = variance_of_mean(rule, 1);
    for (const uint32_t n : {2u, 4u, 8u, 16u}) {
      const double times = alone / (n * variance_of_mean(rule, n));
      printf("%s, %u workers: 1 / %.2f of the variance\n", rule, n, n * times);
      EXPECT_NEAR(times, 1, 0.15) << rule << " " << n;
    }
  }
}

}  // namespace
}  // namespace hemiola::averaging
