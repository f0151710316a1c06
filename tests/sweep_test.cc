// Seeds x schemes: the visibility oracle over simulated runs with delays, lost connections,
// one-way cuts, freezes and slow nodes, and the negative controls that it must catch.
//
//   sweep_test --seeds=N --first=S    more seeds, or one: --seeds=1 --first=S
#include "tests/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace hemiola::oracle {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 1000;  // of each scheme
};
Seeds& seeds() {
  static Seeds chosen;
  return chosen;
}

namespace {

class Sweep : public testing::TestWithParam<const char*> {};

TEST_P(Sweep, Every_read_sees_what_the_scheme_promises) {
  uint64_t reads = 0, events = 0;
  for (uint64_t i = 0; i < seeds().count; ++i) {
    const uint64_t seed = seeds().first + i;
    const Plan plan = random_plan(seed, GetParam());
    const Outcome result = run(plan, random_world(seed, plan.nodes));
    ASSERT_EQ(result.violation, "")
        << "replay: build/sweep_test --gtest_filter='*Every_read*' --seeds=1 --first=" << seed;
    const StalenessRule rule = plan.tables[0].staleness;
    if (rule.bounded() && rule.bound >= 1) {
      ASSERT_LE(result.ledger.missing_and_extra,
                2u * static_cast<uint64_t>(rule.bound) * (plan.workers() - 1))
          << "the lemma's bound, seed " << seed;
    }
    reads += result.ledger.reads;
    events += result.world.events;
  }
  std::cout << GetParam() << ": " << seeds().count << " seeds, " << reads << " reads checked, "
            << events << " events\n";
}

INSTANTIATE_TEST_SUITE_P(Schemes, Sweep,
                         testing::Values("bsp strict", "bsp", "ssp(1)", "ssp(3)", "essp(0)",
                                         "essp(2)", "async"),
                         [](const auto& scheme) {
                           std::string name = scheme.param;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

TEST(SweepSeeds, One_seed_gives_the_same_run_bit_by_bit) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Plan plan = random_plan(seed, "essp(2)");
    const Outcome once = run(plan, random_world(seed, plan.nodes));
    const Outcome again = run(plan, random_world(seed, plan.nodes));
    EXPECT_EQ(once.world.trace_hash, again.world.trace_hash) << seed;
    EXPECT_EQ(once.ledger.hashes, again.ledger.hashes) << seed;
  }
}

TEST(SweepStrict, Strict_bsp_reads_the_same_bits_whatever_the_delays) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Plan plan = random_plan(seed, "bsp strict");
    plan.nodes = 3;
    const Outcome one = run(plan, random_world(seed, plan.nodes));
    const Outcome other = run(plan, random_world(seed + 1000, plan.nodes));
    ASSERT_EQ(one.violation + other.violation, "") << seed;
    EXPECT_EQ(one.ledger.hashes, other.ledger.hashes) << seed;
  }
}

TEST(SweepEager, Eager_refresh_is_fresher_than_refresh_on_demand) {
  double lazy = 0, eager = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const bool push : {false, true}) {
      Plan plan = random_plan(seed, push ? "essp(4)" : "ssp(4)");
      plan.nodes = 3;
      plan.ticks = 12;
      for (auto& table : plan.tables) table.copies_max = UINT32_MAX;
      sim::WorldOptions calm;
      calm.seed = seed;
      const Outcome result = run(plan, calm);
      ASSERT_EQ(result.violation, "") << seed;
      const double mean = static_cast<double>(result.ledger.staleness_sum) /
                          static_cast<double>(result.ledger.staleness_count);
      (push ? eager : lazy) += mean / 40;
    }
  }
  std::cout << "mean staleness: ssp(4) " << lazy << ", essp(4) " << eager << "\n";
  EXPECT_LT(eager, 0.9 * lazy);
}

// Each deliberate defect must be caught by the oracle within a few seeds.
struct Control {
  Sabotage sabotage;
  const char* scheme;
  const char* name;
};

class NegativeControl : public testing::TestWithParam<Control> {};

TEST_P(NegativeControl, Is_caught_by_the_oracle) {
  int caught = 0;
  const int tried = 40;
  std::string example;
  for (uint64_t seed = 1; seed <= tried; ++seed) {
    Plan plan = random_plan(seed, GetParam().scheme);
    plan.nodes = 3;
    plan.ticks = 5;
    for (auto& table : plan.tables) {
      table.copies_max = UINT32_MAX;
      table.sabotage = GetParam().sabotage;
    }
    const Outcome result = run(plan, random_world(seed, plan.nodes));
    if (result.violation.empty()) continue;
    ++caught;
    example = result.violation;
  }
  std::cout << caught << " of " << tried << " seeds caught it, e.g. " << example << "\n";
  EXPECT_GE(caught, tried / 4);
}

INSTANTIATE_TEST_SUITE_P(
    Controls, NegativeControl,
    testing::Values(Control{Sabotage::refresh_overwrites, "ssp(2)", "overwriting_refresh_ssp"},
                    Control{Sabotage::refresh_overwrites, "essp(2)", "overwriting_refresh_essp"},
                    Control{Sabotage::bound_off_by_one, "bsp", "bound_off_by_one_bsp"},
                    Control{Sabotage::bound_off_by_one, "ssp(2)", "bound_off_by_one_ssp"},
                    Control{Sabotage::bound_off_by_one, "essp(1)", "bound_off_by_one_essp"},
                    Control{Sabotage::applied_twice, "async", "batch_applied_twice"},
                    Control{Sabotage::acked_but_lost, "bsp", "batch_acked_but_lost"}),
    [](const auto& scheme) { return scheme.param.name; });

}  // namespace
}  // namespace hemiola::oracle

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    auto& seeds = hemiola::oracle::seeds();
    if (flag.starts_with("--seeds=")) seeds.count = std::strtoull(argv[i] + 8, nullptr, 10);
    if (flag.starts_with("--first=")) seeds.first = std::strtoull(argv[i] + 8, nullptr, 10);
  }
  return RUN_ALL_TESTS();
}
