#include "hemiola/sim/faults.h"

#include <gtest/gtest.h>

#include <set>

namespace hemiola::sim {
namespace {

std::string written(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) text += to_string(fault) + "\n";
  return text;
}

TEST(Faults, A_fault_says_what_it_does) {
  EXPECT_EQ(to_string(freeze(Instant{1'500'000'000}, NodeId{2}, milliseconds(250))),
            "freeze node 2 at 1.500000 s for 0.250000 s");
  EXPECT_EQ(to_string(drop_link(Instant{0}, NodeId{0}, NodeId{1}, kWithoutEnd)),
            "drop link 0 - 1 at 0.000000 s for ever");
  EXPECT_EQ(to_string(clog(Instant{0}, NodeId{0}, NodeId{1}, seconds(1), milliseconds(2))),
            "clog 0 to 1 at 0.000000 s for 1.000000 s by 0.002000 s");
  EXPECT_EQ(to_string(kill(Instant{1000}, NodeId{3})), "kill node 3 at 0.000001 s");
  EXPECT_EQ(to_string(store_away(Instant{0}, seconds(1))),
            "store away at 0.000000 s for 1.000000 s");
  EXPECT_EQ(to_string(store_forgets(Instant{0})), "store forgets at 0.000000 s");
}

TEST(Faults, A_schedule_is_a_function_of_its_seed) {
  SwizzleOptions options;
  options.nodes = 4;
  std::set<std::string> different;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(written(swizzle(seed, options)), written(swizzle(seed, options)));
    different.insert(written(swizzle(seed, options)));
  }
  EXPECT_GT(different.size(), 45u);
}

TEST(Faults, A_schedule_keeps_to_its_options) {
  SwizzleOptions options;
  options.nodes = 3;
  options.drops = options.cuts = options.freezes = options.slows = false;
  options.kills = 2;
  size_t clogs = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    size_t kills = 0;
    Instant last{};
    for (const Fault& fault : swizzle(seed, options)) {
      EXPECT_GE(fault.at, last);
      last = fault.at;
      if (fault.kind == Fault::Kind::kill) {
        ++kills;
        continue;
      }
      ++clogs;
      EXPECT_EQ(fault.kind, Fault::Kind::clog);
      EXPECT_NE(fault.a, fault.b);
      EXPECT_LE(fault.span, options.longest);
    }
    EXPECT_EQ(kills, 2u);
  }
  EXPECT_GT(clogs, 100u);
}

TEST(Faults, A_single_node_has_no_links_to_lose) {
  SwizzleOptions options;
  options.nodes = 1;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (const Fault& fault : swizzle(seed, options)) EXPECT_GE(fault.kind, Fault::Kind::freeze);
  }
}

}  // namespace
}  // namespace hemiola::sim
