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
  return story;
}

Instant soon(Random& random, int64_t most_us) {
  return Instant{microseconds(static_cast<int64_t>(random.below(most_us))).ns};
}

struct Life {
  uint64_t reads = 0;
  uint64_t deaths = 0;
  uint64_t lost = 0;
  uint64_t generations = 0;
};

constexpr Instant kNoEnd{seconds(600).ns};

// Generations: all; without one who died; perhaps with another who came, while one dies again; and
// a last one in peace, after which everything is counted.
Life live(Town& town, uint64_t seed, Random& random, uint32_t deaths) {
  Life life;
  uint32_t newcomer = town.story().nodes;
  for (uint32_t death = 0; death < deaths; ++death) {
    const auto nodes = static_cast<uint32_t>(town.citizens().size());
    auto world = oracle::random_world(mix(seed, 5, death), nodes);
    std::vector<Town::Kill> kills;
    const Instant at = soon(random, 30'000);
    const Instant end = at + microseconds(static_cast<int64_t>(random.below(30'000)));
    const uint32_t victim = town.citizens()[random.below(nodes)].name;
    const bool once_started = town.is_needed(victim) || random.chance(0.5);
    if (nodes > 1) kills.push_back({victim, at, once_started});
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
  // Runs all seeds; `shape` makes a story of the random one and says how many deaths there are.
  template <class F>
  Life sweep(const std::string& test, F&& shape) {
    Life all;
    for (uint64_t i = 0; i < seeds().count; ++i) {
      const uint64_t seed = seeds().first + i;
      Random random(mix(seed, 11));
      Story story = random_story(seed, GetParam(), random);
      const uint32_t deaths = shape(story, random);
      try {
        Town town(story);
        const Life life = live(town, seed, random, deaths);
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
    return 1 + static_cast<uint32_t>(random.below(3));
  });
  EXPECT_EQ(life.lost, 0u);
  if (seeds().count > 10) {
    EXPECT_GT(life.deaths, 0u);
  }
}

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
