// Seeds x placements x schemes: simulated runs with delays, lost connections, one-way cuts, freezes
// and slow nodes, in which rows move, are stolen and are copied; and the negative controls that
// must be caught.
//
//   placement_sweep_test --seeds=N --first=S    more seeds of each, or one: --seeds=1 --first=S
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string_view>

#include "tests/placement_storm.h"
#include "tests/placement_watch.h"
#include "tests/sweep.h"

namespace hemiola::storm {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 200;  // of each placement and scheme
};
Seeds& seeds() {
  static Seeds chosen;
  return chosen;
}

// What to say when a check of the program itself ends the process.
char (&replay())[256] {
  static char line[256];
  return line;
}
void say_replay(int) {
  const auto written = write(STDERR_FILENO, replay(), std::strlen(replay()));
  std::_Exit(written > 0 ? 1 : 2);
}

namespace {

using oracle::SimulatedJob;
using oracle::SimulatedOutcome;

struct Case {
  const char* placement;
  const char* scheme;
};

std::string letters(std::string text) {
  std::erase_if(text, [](char c) { return !std::isalnum(c); });
  return text;
}
std::string name_of(const Case& c) { return letters(c.placement) + "_" + letters(c.scheme); }
std::string case_name(const testing::TestParamInfo<Case>& info) { return name_of(info.param); }

const char* keep_replay(const std::string& test, uint64_t seed) {
  const std::string line = "replay: build/placement_sweep_test --gtest_filter='*" + test +
                           "*' --seeds=1 --first=" + std::to_string(seed) + "\n";
  std::snprintf(replay(), sizeof replay(), "%s", line.c_str());
  return replay();
}

// How many copies a node may still hold when all intents have ended.
uint32_t copies_left(const TableOptions& table) {
  const Placement& placement = table.placement;
  if (!table.staleness.bounded() && table.lingers > 0) return table.spec.rows;
  if (!placement.replicates()) return 0;
  return placement.hot == Placement::kCounted ? table.spec.rows : placement.hot;
}

Storm random_storm(uint64_t seed, const Case& c) {
  uint64_t place = 3;
  for (const char letter : name_of(c)) place = mix(place, static_cast<uint64_t>(letter));
  Random random(mix(seed, place));
  Storm storm;
  storm.seed = random();
  storm.nodes = random.chance(0.1) ? 1 : 2 + static_cast<uint32_t>(random.below(3));
  storm.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  storm.rows =
      static_cast<uint32_t>(random.chance(0.8) ? 1 + random.below(12) : 40 + random.below(200));
  storm.hot = 1 + static_cast<uint32_t>(random.below(3));
  storm.rounds = random.chance(0.2) ? 2 : 1;
  storm.clocks = 2 + static_cast<uint32_t>(random.below(6));
  storm.intents = random.uniform();
  if (random.chance(0.4)) {
    const int32_t spans[] = {10, 100, 1000};
    storm.early = spans[random.below(3)];
    storm.burst_chance = storm.early < 1000 ? 0.1 : 0.01;
  }
  storm.for_good = random.chance(0.1);
  const char* rules[] = {"independent", "pool(4, 10)", "postponed", "local"};
  if (random.chance(0.3)) storm.sampling = rules[random.below(4)];
  storm.table.placement = parse_placement(c.placement);
  storm.table.staleness = parse_staleness(c.scheme);
  if (random.chance(0.3) && !storm.table.placement.replicates()) {
    const auto most = static_cast<uint32_t>(random.below(4));
    if (!storm.table.placement.adapts()) storm.table.copies_max = most;
  }
  storm.table.lingers = static_cast<uint8_t>(random.chance(0.4) ? 0 : 1 + random.below(7));
  storm.table.clings = static_cast<uint8_t>(random.chance(0.4) ? 0 : 1 + random.below(3));
  storm.table.pace = random.chance(0.4) ? Duration{} : microseconds(random.below(20'000));
  return storm;
}

struct Seen {
  SimulatedOutcome outcome;
  Ledger ledger;
  uint64_t moves = 0;
  uint64_t copies = 0;
};

Seen run(const Storm& storm, sim::WorldOptions world) {
  Seen seen;
  seen.ledger.added.resize(size_t{storm.rows} * storm.cells());
  Watch watch(TableId{0});
  SimulatedJob job;
  job.nodes = storm.nodes;
  job.workers_per_node = storm.workers_per_node;
  job.tables = storm.make_tables();
  job.sampling = storm.make_sampling();
  job.work = [&](WorkerPort& port, TableSet& tables) { work(port, tables, storm, seen.ledger); };
  job.after_event = [&](const SimulatedJob::Nodes& nodes) { watch.after_event(nodes); };
  job.at_end = [&](const SimulatedJob::Nodes& nodes) {
    watch.one_owner_each(nodes);
    if (storm.table.placement.adapts() && !storm.for_good)
      watch.copies_at_most(nodes, copies_left(job.tables[0]));
  };
  seen.outcome = oracle::simulate(job, std::move(world));
  seen.moves = watch.moves();
  seen.copies = watch.copies();
  return seen;
}

class PlacementSweep : public testing::TestWithParam<Case> {};

TEST_P(PlacementSweep, A_storm_of_moves_loses_doubles_and_rewinds_nothing) {
  uint64_t reads = 0, moves = 0, copies = 0, due = 0, kept = 0;
  for (uint64_t i = 0; i < seeds().count; ++i) {
    const uint64_t seed = seeds().first + i;
    const char* again = keep_replay("A_storm*" + name_of(GetParam()), seed);
    const Storm storm = random_storm(seed, GetParam());
    const Seen seen = run(storm, oracle::random_world(seed, storm.nodes));
    ASSERT_EQ(seen.outcome.violation, "") << again;
    reads += seen.ledger.reads;
    moves += seen.moves;
    copies += seen.copies;
    due += seen.ledger.due;
    kept += seen.ledger.kept;
  }
  std::cout << name_of(GetParam()) << ": " << seeds().count << " seeds, " << reads
            << " reads checked, " << moves << " moves, " << copies << " copies; of " << due
            << " rows that were intended in time " << kept << " were here\n";
  if (seeds().count < 10) return;
  if (!parse_placement(GetParam().placement).moves()) return;
  EXPECT_GT(moves, seeds().count);
}

TEST_P(PlacementSweep, Every_read_sees_what_the_scheme_promises_wherever_rows_are) {
  uint64_t reads = 0;
  for (uint64_t i = 0; i < seeds().count; ++i) {
    const uint64_t seed = seeds().first + i;
    const char* again = keep_replay("Every_read*" + name_of(GetParam()), seed);
    oracle::Plan plan = oracle::random_plan(seed, GetParam().scheme);
    plan.intents = Random(mix(seed, 4)).uniform();
    for (auto& table : plan.tables) {
      table.placement = parse_placement(GetParam().placement);
      if (table.placement.adapts()) table.copies_max = UINT32_MAX;
    }
    const oracle::Outcome result = oracle::run(plan, oracle::random_world(seed, plan.nodes));
    ASSERT_EQ(result.violation, "") << again;
    reads += result.ledger.reads;
  }
  std::cout << name_of(GetParam()) << ": " << seeds().count << " seeds, " << reads
            << " reads checked\n";
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* placement :
       {"relocate", "replicate", "replicate(3)", "nups", "nups(3)", "intent"}) {
    for (const char* scheme : {"bsp", "ssp(2)", "essp(2)", "async"}) {
      cases.push_back({placement, scheme});
    }
  }
  cases.push_back({"static", "async"});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, PlacementSweep, testing::ValuesIn(all_cases()), case_name);

TEST(PlacementSeeds, One_seed_gives_the_same_storm_bit_by_bit) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Storm storm = random_storm(seed, {"intent", "async"});
    const Seen once = run(storm, oracle::random_world(seed, storm.nodes));
    const Seen again = run(storm, oracle::random_world(seed, storm.nodes));
    EXPECT_EQ(once.outcome.world.trace_hash, again.outcome.world.trace_hash) << seed;
  }
}

// Each deliberate defect must be caught by a storm within a few seeds.
struct Control {
  Sabotage sabotage;
  Case where;
  const char* name;
};

class PlacementControl : public testing::TestWithParam<Control> {};

TEST_P(PlacementControl, Is_caught_by_a_storm) {
  int caught = 0;
  const int tried = 40;
  std::string example;
  for (uint64_t seed = 1; seed <= tried; ++seed) {
    Storm storm = random_storm(seed, GetParam().where);
    storm.nodes = 3;
    storm.intents = std::max(storm.intents, 0.5);
    storm.for_good = false;
    storm.table.copies_max = UINT32_MAX;
    if (GetParam().sabotage == Sabotage::never_released) storm.table.lingers = 0;
    storm.table.sabotage = GetParam().sabotage;
    const Seen seen = run(storm, oracle::random_world(seed, storm.nodes));
    if (seen.outcome.violation.empty()) continue;
    ++caught;
    example = seen.outcome.violation;
  }
  std::cout << caught << " of " << tried << " seeds caught it, e.g. " << example << "\n";
  EXPECT_GE(caught, tried / 4);
}

INSTANTIATE_TEST_SUITE_P(
    Controls, PlacementControl,
    testing::Values(
        Control{Sabotage::refresh_overwrites, {"intent", "async"}, "overwriting_refresh"},
        Control{Sabotage::moved_without_own_updates, {"relocate", "async"}, "moved_without_own"},
        Control{Sabotage::moved_and_added_twice, {"relocate", "async"}, "moved_and_added_twice"},
        Control{Sabotage::lost_when_moved, {"relocate", "ssp(2)"}, "lost_when_moved"},
        Control{Sabotage::two_owners, {"intent", "async"}, "two_owners"},
        Control{Sabotage::never_released, {"intent", "async"}, "never_released"}),
    [](const auto& control) { return control.param.name; });

}  // namespace
}  // namespace hemiola::storm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    auto& seeds = hemiola::storm::seeds();
    if (flag.starts_with("--seeds=")) seeds.count = std::strtoull(argv[i] + 8, nullptr, 10);
    if (flag.starts_with("--first=")) seeds.first = std::strtoull(argv[i] + 8, nullptr, 10);
  }
  std::signal(SIGABRT, hemiola::storm::say_replay);
  std::signal(SIGSEGV, hemiola::storm::say_replay);
  return RUN_ALL_TESTS();
}
