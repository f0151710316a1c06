// Seeds x placements x schemes: storms of updates in which a node dies at any moment, its rows come
// back from their backups, another dies while they do, and new nodes come; and the negative
// controls that must be caught.
//
//   table_survival_test --seeds=N --first=S    more seeds of each, or one: --seeds=1 --first=S
#include "tests/table_survival.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/sweep.h"

namespace hemiola::survival {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 40;  // of each placement and scheme
};
Seeds& seeds() {
  static Seeds chosen;
  return chosen;
}

namespace {

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

std::string replay(const std::string& test, uint64_t seed) {
  return "replay: build/table_survival_test --gtest_filter='*" + test +
         "*' --seeds=1 --first=" + std::to_string(seed) + "\n";
}

Story random_story(uint64_t seed, const Case& c, Random& random) {
  Story story;
  story.seed = seed;
  story.nodes = 2 + static_cast<uint32_t>(random.below(3));
  story.workers_per_node = 1 + static_cast<uint32_t>(random.below(2));
  story.rows = 1 + static_cast<uint32_t>(random.chance(0.8) ? random.below(16) : random.below(300));
  story.clocks = 2 + static_cast<uint32_t>(random.below(30));
  story.barrier_every = random.chance(0.3) ? 3 : 0;
  story.table.staleness = parse_staleness(c.scheme);
  story.table.placement = parse_placement(c.placement);
  story.table.lingers = static_cast<uint8_t>(random.below(4));
  story.table.pace = random.chance(0.3) ? Duration{} : microseconds(random.below(20'000));
  // Whole numbers below 256 are the same in it.
  const bool coded = !story.table.staleness.strict && mix(seed, 13) % 3 == 0;
  if (coded) story.table.coding = parse_row_coding("bf16");
  return story;
}

Instant soon(Random& random, int64_t most_us) {
  return Instant{microseconds(static_cast<int64_t>(random.below(most_us))).ns};
}

struct Fate {
  uint32_t changes = 1;       // of the view
  bool kill = true;           // somebody dies at each
  bool once_started = false;  // and never before workers run
};

struct Life {
  uint64_t reads = 0;
  uint64_t deaths = 0;
  uint64_t lost = 0;
  uint64_t generations = 0;
};

constexpr Instant kNoEnd{seconds(600).ns};

// Generations: all; without one who died; perhaps with another who came, while one dies again; and
// a last one in peace, after which everything is counted.
Life live(Town& town, uint64_t seed, Random& random, const Fate& fate) {
  Life life;
  uint32_t newcomer = town.story().nodes;
  for (uint32_t death = 0; death < fate.changes; ++death) {
    const auto nodes = static_cast<uint32_t>(town.citizens().size());
    auto world = oracle::random_world(mix(seed, 5, death), nodes);
    std::vector<Town::Kill> kills;
    const Instant at = soon(random, 30'000);
    const Instant end = at + microseconds(static_cast<int64_t>(random.below(30'000)));
    const uint32_t victim = town.citizens()[random.below(nodes)].name;
    const bool once_started = fate.once_started || town.is_needed(victim) || random.chance(0.5);
    if (nodes > 1 && fate.kill) kills.push_back({victim, at, once_started});
    town.live(world, kills, once_started ? end + milliseconds(80) : end);
    ++life.generations;
    life.deaths += nodes - town.citizens().size();
    if (newcomer < town.story().nodes + town.story().newcomers) town.join(newcomer++);
  }
  const auto nodes = static_cast<uint32_t>(town.citizens().size());
  const auto last = town.live(oracle::random_world(mix(seed, 6), nodes), {}, kNoEnd);
  if (!last.finished) throw Violation("stuck: " + last.stuck);
  town.check_rows(oracle::random_world(mix(seed, 7), nodes));
  life.reads = town.reads();
  life.lost = town.lost();
  return life;
}

class Survival : public testing::TestWithParam<Case> {
 protected:
  // Runs all seeds; `shape` makes a story of the random one and says what is to happen.
  template <class F>
  Life sweep(const std::string& test, F&& shape) {
    Life all;
    for (uint64_t i = 0; i < seeds().count; ++i) {
      const uint64_t seed = seeds().first + i;
      Random random(mix(seed, 11));
      Story story = random_story(seed, GetParam(), random);
      const Fate fate = shape(story, random);
      try {
        Town town(story);
        const Life life = live(town, seed, random, fate);
        all.reads += life.reads, all.deaths += life.deaths;
        all.lost += life.lost, all.generations += life.generations;
      } catch (const std::exception& violation) {
        ADD_FAILURE() << violation.what() << "\n" << replay(test + "*" + name_of(GetParam()), seed);
        return all;
      }
    }
    std::cout << all.deaths << " deaths in " << all.generations << " generations, " << all.reads
              << " rows read, " << all.lost << " lost\n";
    return all;
  }
};

TEST_P(Survival, With_two_copies_one_death_at_a_time_loses_and_doubles_nothing) {
  const Life life = sweep("With_two", [](Story& story, Random& random) {
    story.copies = 2;
    story.newcomers = static_cast<uint32_t>(random.below(3));
    return Fate{.changes = 1 + static_cast<uint32_t>(random.below(3))};
  });
  EXPECT_EQ(life.lost, 0u);
  if (seeds().count > 10) {
    EXPECT_GT(life.deaths, 0u);
  }
}

TEST_P(Survival, Nodes_that_come_at_any_moment_lose_and_double_nothing_with_one_copy) {
  const Life life = sweep("Nodes_that_come", [](Story& story, Random& random) {
    story.copies = 1;
    story.newcomers = 2;
    return Fate{.changes = 1 + static_cast<uint32_t>(random.below(3)), .kill = false};
  });
  EXPECT_EQ(life.lost, 0u);
}

TEST_P(Survival, With_one_copy_only_the_rows_of_the_dead_go_back) {
  const Life life = sweep("With_one_copy", [](Story& story, Random& random) {
    story.copies = 1;
    story.newcomers = static_cast<uint32_t>(random.below(2));
    return Fate{.changes = 1, .once_started = true};
  });
  if (seeds().count > 10) {
    EXPECT_GT(life.lost, 0u);
  }
}

// The network is calm, so that it is known what is the last round's.
TEST_P(Survival, Of_the_dead_only_the_last_changes_are_lost) {
  for (uint64_t i = 0; i < seeds().count / 4 + 1; ++i) {
    const uint64_t seed = seeds().first + i;
    Random random(mix(seed, 12));
    Story story = random_story(seed, GetParam(), random);
    story.table.pace = milliseconds(2);
    story.clocks = 150;
    story.lag = milliseconds(50);
    Town town(story);
    try {
      const uint32_t victim = static_cast<uint32_t>(random.below(story.nodes));
      const Instant at{milliseconds(80 + static_cast<int64_t>(random.below(60))).ns};
      sim::WorldOptions world;
      world.seed = seed;
      town.live(world, {{victim, at, false}}, at + milliseconds(5));
      town.shorten(5);
      ASSERT_EQ(town.citizens().size(), story.nodes - 1);
      const auto last = town.live(world, {}, kNoEnd);
      ASSERT_TRUE(last.finished) << last.stuck;
      town.check_rows(world);
    } catch (const std::exception& violation) {
      FAIL() << violation.what() << "\n" << replay("Of_the_dead*" + name_of(GetParam()), seed);
    }
  }
}

TEST_P(Survival, What_is_remembered_does_not_grow_with_time) {
  TableMachine::Remembered most[2];
  for (const uint32_t longer : {0, 1}) {
    Random random(5);
    Story story = random_story(7, GetParam(), random);
    story.nodes = 3;
    story.rows = 30;
    story.table.pace = milliseconds(2);
    story.clocks = longer == 0 ? 40 : 400;
    Town town(story);
    sim::WorldOptions world;
    world.seed = 7;
    ASSERT_TRUE(town.live(world, {}, kNoEnd).finished);
    most[longer] = town.most();
    EXPECT_EQ(town.left().journal_bytes, 0u);
    EXPECT_EQ(town.left().gifts, 0u);
  }
  EXPECT_LT(most[1].units, 2 * most[0].units + 200);
  EXPECT_LT(most[1].journal_bytes, 2 * most[0].journal_bytes + 10'000);
  EXPECT_LT(most[1].gifts, 2 * most[0].gifts + 30);
}

struct Control {
  Sabotage sabotage;
  Case what;
  const char* name;
};
class SurvivalControl : public testing::TestWithParam<Control> {};

TEST_P(SurvivalControl, Is_caught_by_a_storm) {
  const uint64_t tried = std::min<uint64_t>(seeds().count, 40);
  uint64_t caught = 0;
  std::string example;
  for (uint64_t i = 0; i < tried; ++i) {
    const uint64_t seed = seeds().first + i;
    Random random(mix(seed, 11));
    Story story = random_story(seed, GetParam().what, random);
    story.nodes = std::max(story.nodes, 3U);
    story.table.sabotage = GetParam().sabotage;
    try {
      Town town(story);
      live(town, seed, random, {.changes = 2, .once_started = true});
    } catch (const std::exception& violation) {
      ++caught;
      example = violation.what();
    }
  }
  std::cout << caught << " of " << tried << " seeds caught it, e.g. " << example << "\n";
  EXPECT_GE(caught, tried / 4);
}

INSTANTIATE_TEST_SUITE_P(
    Controls, SurvivalControl,
    testing::Values(
        Control{Sabotage::backup_skipped, {"static", "ssp(2)"}, "backup_skipped"},
        Control{Sabotage::backup_skipped, {"intent", "async"}, "backup_skipped_of_moving_rows"},
        Control{Sabotage::units_forgotten, {"static", "ssp(2)"}, "units_forgotten"},
        Control{Sabotage::units_forgotten, {"relocate", "async"}, "units_forgotten_of_moving_rows"},
        Control{Sabotage::stale_copy_wins, {"relocate", "async"}, "stale_copy_wins"}),
    [](const auto& control) { return control.param.name; });

const Case kCases[] = {{"static", "bsp"},          {"static", "bsp strict"}, {"static", "ssp(2)"},
                       {"static", "essp(2)"},      {"static", "async"},      {"relocate", "bsp"},
                       {"relocate", "ssp(2)"},     {"relocate", "async"},    {"nups", "bsp"},
                       {"nups", "essp(2)"},        {"nups", "async"},        {"intent", "bsp"},
                       {"intent", "ssp(2)"},       {"intent", "essp(2)"},    {"intent", "async"},
                       {"replicate(3)", "ssp(2)"}, {"replicate", "async"}};

INSTANTIATE_TEST_SUITE_P(Sweep, Survival, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace hemiola::survival

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    auto& seeds = hemiola::survival::seeds();
    if (arg.starts_with("--seeds=")) seeds.count = std::strtoull(arg.data() + 8, nullptr, 10);
    if (arg.starts_with("--first=")) seeds.first = std::strtoull(arg.data() + 8, nullptr, 10);
  }
  return RUN_ALL_TESTS();
}
