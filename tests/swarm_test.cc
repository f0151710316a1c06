// Seeds x everything: whole jobs whose nodes die and come again (tests/swarm.h).
//
//   swarm_test --seeds=N --first=S    more seeds, or one, aloud: --seeds=1 --first=S
#include "tests/swarm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace hemiola::swarm {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 1000;
  bool traced = false;
};
Seeds& seeds() {
  static Seeds chosen;
  return chosen;
}

namespace {

struct Sum {
  uint64_t seeds = 0, lost = 0, fenced = 0, views = 0, events = 0;
  double hours = 0;
  std::map<sim::Fault::Kind, uint64_t> faults;

  void add(const Outcome& o) {
    ++seeds;
    lost += o.lost;
    fenced += o.fenced;
    views += o.views;
    events += o.events;
    hours += o.hours;
    for (const auto& [kind, count] : o.faults) faults[kind] += count;
  }
  void print() const {
    static constexpr const char* kNames[] = {"dropped links", "cuts",     "clogs",
                                             "freezes",       "thaws",    "slow",
                                             "kills",         "restarts", "store away"};
    std::cout << seeds << " seeds, " << hours << " simulated hours, " << views << " views, "
              << events << " events; faults:";
    for (const auto& [kind, count] : faults) {
      std::cout << " " << count << " " << kNames[static_cast<size_t>(kind)] << ",";
    }
    std::cout << " " << fenced << " nodes fenced, " << lost << " jobs whose nodes were all gone\n";
  }
};

TEST(Swarm, A_job_is_done_right_whatever_happens_to_its_nodes) {
  Yard yard;
  Sum sum;
  int failed = 0;
  for (uint64_t i = 0; i < seeds().count; ++i) {
    Trial trial = random_trial(seeds().first + i);
    trial.aloud = seeds().count == 1;
    trial.traced = seeds().traced;
    if (trial.aloud) std::cout << to_string(trial) << "\n";
    const Outcome outcome = yard.run(trial);
    sum.add(outcome);
    EXPECT_EQ(outcome.wrong, "")
        << to_string(trial)
        << "\nreplay: build/swarm_test --gtest_filter='*whatever*' --seeds=1 --first="
        << trial.seed;
    failed += !outcome.wrong.empty();
    if (failed == 10) break;
  }
  sum.print();
}

}  // namespace
}  // namespace hemiola::swarm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    auto& seeds = hemiola::swarm::seeds();
    if (flag.starts_with("--seeds=")) seeds.count = std::strtoull(argv[i] + 8, nullptr, 10);
    seeds.traced |= flag == "--trace";
    if (flag.starts_with("--first=")) seeds.first = std::strtoull(argv[i] + 8, nullptr, 10);
  }
  return RUN_ALL_TESTS();
}
