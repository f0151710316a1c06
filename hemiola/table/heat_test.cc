#include "hemiola/table/heat.h"

#include <gtest/gtest.h>

#include "hemiola/table/partition.h"

namespace hemiola {
namespace {

constexpr uint32_t kRows = 20, kNodes = 2;

Heat heat(const char* placement, uint32_t workers = 1) {
  return Heat(parse_placement(placement), kRows, kNodes, workers);
}

// What node 0 decides when every node has reported such shares of its clocks.
Heat::Verdict decide(Heat& heat, const std::vector<HeatRecord>& shares) {
  for (uint32_t n = 0; n < kNodes; ++n) heat.take(shares);
  return heat.decide();
}

TEST(Heat, Each_home_is_told_in_how_many_of_the_clocks_its_rows_were_wanted) {
  Heat counts = heat("nups");
  for (int clock = 0; clock < 1000; ++clock) {
    counts.count(std::vector{Key{4}});
    if (clock % 2 == 0) counts.count(std::vector{Key{5}, Key{6}});
    if (clock == 7) counts.count(std::vector{Key{8}});
    counts.clock();
  }
  const auto by_home = counts.report(Partition(kRows, kNodes));
  ASSERT_EQ(by_home.size(), kNodes);
  ASSERT_EQ(by_home[0].size(), 2u) << "a row that was wanted once does not stand out";
  EXPECT_EQ(by_home[0][0].key, Key{4});
  EXPECT_FLOAT_EQ(by_home[0][0].share, 1);
  EXPECT_EQ(by_home[0][1].key, Key{6});
  EXPECT_FLOAT_EQ(by_home[0][1].share, 0.5);
  ASSERT_EQ(by_home[1].size(), 1u);
  EXPECT_EQ(by_home[1][0].key, Key{5});
  for (const auto& home : counts.report(Partition(kRows, kNodes))) EXPECT_TRUE(home.empty());
}

TEST(Heat, Clocks_are_those_of_one_worker) {
  Heat counts = heat("nups", 4);
  for (int clock = 0; clock < 400; ++clock) {
    for (int worker = 0; worker < 4; ++worker) counts.clock();
    counts.count(std::vector{Key{2}});
  }
  const auto by_home = counts.report(Partition(kRows, kNodes));
  ASSERT_EQ(by_home[0].size(), 1u);
  EXPECT_FLOAT_EQ(by_home[0][0].share, 1);
}

TEST(Heat, Reports_become_rarer_but_never_stop) {
  Heat counts = heat("nups");
  std::vector<Key> all;
  for (uint32_t k = 0; k < kRows; ++k) all.push_back(Key{k});
  EXPECT_FALSE(counts.due());
  std::vector<uint64_t> between;
  for (int report = 0; report < 14; ++report) {
    uint64_t counted = 0;
    for (; !counts.due(); counted += kRows) counts.count(all);
    counts.report(Partition(kRows, kNodes));
    EXPECT_FALSE(counts.due());
    between.push_back(counted);
  }
  EXPECT_LE(between.front(), 5000u);
  EXPECT_GE(between[5], 2 * between[4] - kRows);
  EXPECT_EQ(between[13], between[12]);
}

TEST(Heat, A_row_that_is_wanted_in_every_clock_is_known_to_be_however_many_they_are) {
  Heat counts = heat("nups");
  for (int report = 0; report < 14; ++report) {
    while (!counts.due()) {
      counts.count(std::vector{Key{2}});
      counts.clock();
    }
    EXPECT_FLOAT_EQ(counts.report(Partition(kRows, kNodes))[0].at(0).share, 1) << report;
  }
}

TEST(Heat, A_row_becomes_hot_when_it_is_wanted_often_and_stays_so_until_it_is_wanted_rarely) {
  const auto becomes = [](float share) {
    Heat fresh = heat("nups");
    return !decide(fresh, {{Key{2}, share}}).hot.empty();
  };
  const auto stays = [](float share) {
    Heat warm = heat("nups");
    EXPECT_EQ(decide(warm, {{Key{2}, 1}}).hot, std::vector{Key{2}});
    const auto verdict = decide(warm, {{Key{2}, share}});
    EXPECT_TRUE(verdict.hot.empty()) << "it is known to be";
    return verdict.cold.empty();
  };
  float least_hot = 1, least_warm = 1;
  for (float share = 1; share > 1e-5F; share *= 0.9F) {
    if (becomes(share)) least_hot = share;
    if (stays(share)) least_warm = share;
  }
  EXPECT_LT(least_hot, 1);
  EXPECT_LT(least_warm, least_hot / 2) << "no row goes to and fro";
  EXPECT_GT(least_warm, 1e-4F);
}

TEST(Heat, A_row_that_nobody_reports_any_more_is_hot_no_more) {
  Heat some = heat("nups");
  decide(some, {{Key{2}, 1}, {Key{4}, 1}});
  const auto verdict = decide(some, {{Key{4}, 1}});
  EXPECT_EQ(verdict.cold, std::vector{Key{2}});
  EXPECT_TRUE(verdict.hot.empty());
  EXPECT_TRUE(decide(some, {{Key{4}, 1}}).cold.empty()) << "said once";
}

TEST(Heat, One_node_alone_makes_a_row_half_as_hot_as_two) {
  Heat one = heat("replicate(2)");
  one.take(std::vector<HeatRecord>{{Key{2}, 0.9F}, {Key{4}, 0.5F}});
  one.take(std::vector<HeatRecord>{{Key{4}, 0.5F}});
  EXPECT_EQ(one.decide().hot, std::vector{Key{4}}) << "each node decides for one of the two";
}

TEST(Heat, A_fixed_number_are_the_hottest_and_change_places_only_with_hotter_ones) {
  Heat few = heat("nups(4)");  // of which each of two nodes has two
  EXPECT_EQ(decide(few, {{Key{2}, 0.001F}, {Key{4}, 0.003F}, {Key{6}, 0.002F}}).hot,
            (std::vector{Key{4}, Key{6}}));
  auto verdict = decide(few, {{Key{4}, 0.001F}});
  EXPECT_TRUE(verdict.hot.empty() && verdict.cold.empty()) << "there is a place for both";
  verdict = decide(few, {{Key{8}, 0.5F}, {Key{4}, 0.001F}});
  EXPECT_EQ(verdict.hot, std::vector{Key{8}});
  EXPECT_EQ(verdict.cold, std::vector{Key{6}});
}

TEST(Heat, Of_rows_that_are_as_hot_the_smaller_keys_are_taken) {
  Heat few = heat("replicate(2)");
  EXPECT_EQ(decide(few, {{Key{6}, 0.5F}, {Key{2}, 0.5F}, {Key{4}, 0.5F}}).hot, std::vector{Key{2}});
}

}  // namespace
}  // namespace hemiola
