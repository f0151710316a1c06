// Seeds x everything: whole jobs whose nodes die and come again (tests/swarm.h).
//
//   swarm_test --seeds=N --first=S    others, or more; one alone is told aloud: --seeds=1 --first=S
//   swarm_test --for=SECONDS          as many seeds as there is time for; 0: without end
//   swarm_test --trace                with --seeds=1, every event on standard error
#include "tests/swarm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "hemiola/core/random.h"
#include "tests/swarm_count.h"

namespace hemiola::swarm {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 2000;
  std::optional<double> seconds;  // instead of the count
  bool traced = false;

  bool alone() const { return count == 1 && !seconds; }
};
Seeds& seeds() {
  static Seeds chosen;
  return chosen;
}

namespace {

constexpr uint64_t kTellEvery = 5000;
constexpr int kMostFailures = 10;

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

struct Sum {
  uint64_t seeds = 0, lost = 0, fenced = 0, views = 0, events = 0, rows_lost = 0, counted = 0;
  double hours = 0;
  std::map<sim::Fault::Kind, uint64_t> faults;
  Clock clock;

  void add(const Outcome& o) {
    ++seeds;
    lost += o.lost;
    fenced += o.fenced;
    views += o.views;
    events += o.events;
    rows_lost += o.rows_lost;
    counted += o.rows_counted;
    hours += o.hours;
    for (const auto& [kind, count] : o.faults) faults[kind] += count;
  }
  static void line(const char* what, uint64_t n) {
    std::printf("  %-22s %12llu\n", what, static_cast<unsigned long long>(n));
  }
  void print() const {
    std::printf("  %-22s %12.1f\n", "simulated hours", hours);
    std::printf("  %-22s %12.1f\n", "seconds", clock.seconds());
    line("seeds", seeds), line("events", events), line("views", views);
    for (const auto& [kind, count] : faults) line(sim::plural_of(kind), count);
    line("nodes taken out", fenced), line("rows lost", rows_lost);
    line("rows counted out", counted);
    line("jobs without a node left", lost);
    std::fflush(stdout);
  }
};

// Empty: it has lost no rows where it must not.
std::string rows_missed(const Trial& trial, const Outcome& outcome) {
  if (!trial.counts() || outcome.rows_lost == 0) return "";
  return std::to_string(outcome.rows_lost) + " rows were lost, though never two nodes at once";
}

// Empty: a job has learnt about as much as one to which nothing happens, unless it lost rows, or
// could, having one copy of them.
std::string unlearnt(const Trial& trial, const Outcome& outcome, Yard& yard) {
  if (outcome.lost || outcome.rows_lost > 0 || trial.counts()) return "";
  if (!trial.averages() && trial.copies == 1) return "";
  const double calm = yard.calm_loss(trial);
  if (outcome.loss <= 1.75 * calm) return "";
  return "the loss was " + std::to_string(outcome.loss) + ", and in a calm run " +
         std::to_string(calm);
}

TEST(Swarm, A_job_is_done_right_whatever_happens_to_its_nodes) {
  Yard yard;
  Sum sum;
  int failed = 0;
  const Seeds& todo = seeds();
  const auto over = [&] {
    if (!todo.seconds) return sum.seeds >= todo.count;
    return *todo.seconds > 0 && sum.clock.seconds() >= *todo.seconds;
  };
  while (!over()) {
    Trial trial = random_trial(todo.first + sum.seeds);
    trial.aloud = todo.alone();
    trial.traced = todo.traced;
    if (trial.aloud) std::printf("%s\n", to_string(trial).c_str());
    Outcome outcome = yard.run(trial);
    sum.add(outcome);
    if (outcome.wrong.empty()) outcome.wrong = rows_missed(trial, outcome);
    if (outcome.wrong.empty()) outcome.wrong = unlearnt(trial, outcome, yard);
    EXPECT_EQ(outcome.wrong, "") << to_string(trial)
                                 << "\nreplay: build/swarm_test --gtest_filter='*whatever*' "
                                    "--seeds=1 --first="
                                 << trial.seed;
    failed += !outcome.wrong.empty();
    if (failed == kMostFailures) break;
    if (sum.seeds % kTellEvery == 0) sum.print();
  }
  sum.print();
  if (todo.count < 1000 || todo.seconds) return;
  EXPECT_GT(sum.views, 2 * sum.seeds);  // else the faults would not be what they are meant to be
  EXPECT_GT(sum.faults[sim::Fault::Kind::store_forgets], sum.seeds / 10);
  EXPECT_LT(sum.lost, sum.seeds / 20);
}

// Many deaths and a long run take no more memory than few and a short one.
TEST(Swarm, What_is_remembered_is_bounded_however_many_die) {
  Yard yard;
  for (const auto& [scheme, placement] : std::vector<std::pair<const char*, const char*>>{
           {"bsp", "static"}, {"ssp(2)", "relocate"}, {"essp(2)", "nups"}, {"async", "intent"}}) {
    TableMachine::Remembered most[2];
    for (const bool longer : {false, true}) {
      Trial trial = counting_trial(1);
      trial.scheme = scheme, trial.placement = placement;
      trial.nodes = 4, trial.workers = 2;
      trial.epochs = longer ? 60 : 6;
      trial.faults.clear();
      for (uint32_t i = 0; i < (longer ? 20u : 2u); ++i) {
        trial.faults.push_back(sim::kill(Instant{milliseconds(500 + 900 * i).ns}, NodeId{i % 4}));
      }
      trial.back_after = milliseconds(100);
      const Outcome outcome = yard.run(trial);
      ASSERT_EQ(outcome.wrong, "");
      most[longer] = outcome.remembered;
      EXPECT_EQ(outcome.faults.at(sim::Fault::Kind::kill), trial.faults.size());
    }
    // Not more than the table itself, however long.
    EXPECT_LE(most[1].journal_bytes, kCountedRows * kCountedLives * sizeof(float));
    EXPECT_LE(most[1].journal_bytes, 2 * most[0].journal_bytes);
    EXPECT_LE(most[1].units, 2 * most[0].units);
    EXPECT_LE(most[1].gifts, 2 * most[0].gifts + 4);
  }
}

// Nodes are asked to leave and come again, and nothing else happens to them. Even with one copy of
// each row nothing is lost.
Trial leaving_trial(uint64_t seed) {
  Trial trial = random_trial(seed);
  trial.copies = 1;
  trial.be_calm();
  Random random(mix(seed, 0x6c65617665));
  for (int i = 0; i < 6; ++i) {
    const Instant at{static_cast<int64_t>(random.uniform(0.2e9, 6e9))};
    trial.faults.push_back(
        sim::leave(at, NodeId{static_cast<uint32_t>(random.below(trial.nodes))}));
  }
  std::sort(trial.faults.begin(), trial.faults.end(),
            [](const auto& x, const auto& y) { return x.at < y.at; });
  return trial;
}

TEST(Swarm, Nothing_is_lost_when_nodes_leave_and_come) {
  Yard yard;
  Sum sum;
  uint64_t left = 0;
  const bool alone = seeds().alone();
  const uint64_t first = alone ? seeds().first : 1;
  for (uint64_t seed = first; seed < first + (alone ? 1 : 200); ++seed) {
    Trial trial = leaving_trial(seed);
    trial.aloud = alone;
    const Outcome outcome = yard.run(trial);
    sum.add(outcome);
    left += outcome.left;
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + to_string(trial));
    EXPECT_EQ(outcome.wrong, "");
    EXPECT_EQ(outcome.rows_lost, 0u);
    EXPECT_EQ(outcome.fenced, 0u);
    if (!outcome.lost) {
      EXPECT_EQ(unlearnt(trial, outcome, yard), "");
    }
  }
  sum.print();
  if (alone) return;
  EXPECT_GT(left, 200u);
  EXPECT_LT(sum.lost, 20u);
}

TEST(Swarm, A_node_that_leaves_and_hands_nothing_over_is_caught) {
  Yard yard;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Trial trial = leaving_trial(seed);
    trial.sabotage = ClusterSabotage::leaves_at_once;
    const Outcome outcome = yard.run(trial);
    if (outcome.rows_lost > 0 || !outcome.wrong.empty()) return;
  }
  FAIL() << "nobody missed what it had";
}

// A defect that is put in on purpose must not go unseen for long.
uint64_t seeds_until_caught(const std::function<void(Trial&)>& sabotage) {
  Yard yard;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Trial trial = random_trial(seed);
    sabotage(trial);
    const Outcome outcome = yard.run(trial);
    const std::string wrong = outcome.wrong + rows_missed(trial, outcome);
    if (wrong.empty()) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), wrong.c_str());
    return seed;
  }
  return 0;
}

TEST(Swarm, A_leader_that_deals_out_again_what_was_done_is_caught) {
  EXPECT_GT(seeds_until_caught([](Trial& t) { t.sabotage = ClusterSabotage::deals_again; }), 0u);
}

TEST(Swarm, A_deputy_that_forgets_what_it_is_told_is_caught) {
  EXPECT_GT(seeds_until_caught([](Trial& t) { t.sabotage = ClusterSabotage::deputy_forgets; }), 0u);
}

TEST(Swarm, A_leader_that_does_not_hear_before_it_knows_that_it_leads_is_caught) {
  EXPECT_GT(seeds_until_caught([](Trial& t) { t.sabotage = ClusterSabotage::deaf_until_it_leads; }),
            0u);
}

TEST(Swarm, A_keeper_of_views_that_takes_any_view_is_caught) {
  EXPECT_GT(seeds_until_caught([](Trial& t) { t.keeper_takes_all = true; }), 0u);
}

TEST(Swarm, A_job_with_one_copy_that_should_have_two_is_caught) {
  EXPECT_GT(seeds_until_caught([](Trial& t) {
              t = counting_trial(t.seed);
              t.copies = 1;
            }),
            0u);
}

TEST(Swarm, The_ledger_knows_what_must_be_in_a_row) {
  using enum Ledger::Presence;
  Ledger ledger;
  const Key row{3};
  for (const int ms : {10, 20, 30}) ledger.added(1, row, Instant{milliseconds(ms).ns});
  const Instant safe{milliseconds(25).ns};
  const auto wrong = [&](float value, Ledger::Presence p) {
    return !ledger.check(1, row, value, p, safe).empty();
  };
  EXPECT_FALSE(wrong(3, here));
  EXPECT_TRUE(wrong(2, here));
  EXPECT_TRUE(wrong(4, unheard_of));
  EXPECT_TRUE(wrong(2.5F, unheard_of));
  EXPECT_FALSE(wrong(0, unheard_of));
  EXPECT_TRUE(wrong(1, gone));
  EXPECT_FALSE(wrong(2, gone));
  EXPECT_FALSE(wrong(3, gone));
  EXPECT_TRUE(wrong(2, gone)) << "what was seen of the dead must stay";
}

}  // namespace
}  // namespace hemiola::swarm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&](std::string_view name) -> const char* {
      return flag.starts_with(name) ? argv[i] + name.size() : nullptr;
    };
    auto& seeds = hemiola::swarm::seeds();
    if (const char* v = value("--seeds=")) seeds.count = std::strtoull(v, nullptr, 10);
    if (const char* v = value("--first=")) seeds.first = std::strtoull(v, nullptr, 10);
    if (const char* v = value("--for=")) seeds.seconds = std::strtod(v, nullptr);
    seeds.traced |= flag == "--trace";
  }
  return RUN_ALL_TESTS();
}
