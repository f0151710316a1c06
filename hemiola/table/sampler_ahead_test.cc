#include "hemiola/table/sampler_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/table/sampler_for_test.h"

namespace hemiola {
namespace {

constexpr TableId kTable{0};

struct Ahead {
  explicit Ahead(const char* rule, uint32_t keys = 1000)
      : distribution(unigram_keys(keys)),
        rows(keys),
        sampler(parse_sampling(rule), kTable, distribution, 5, rows) {}

  Announcement announce(uint32_t n, Clock first = Clock{3}, Clock last = Clock{9}) {
    Announcement a;
    a.left = n;
    sampler.prepare(a, first, last);
    return a;
  }
  std::vector<Key> draw(Announcement& a, uint32_t n) {
    std::vector<Key> keys(n);
    sampler.draw(a, keys);
    a.left -= n;
    return keys;
  }

  Distribution distribution;
  RowsForTest rows;
  AheadSampler sampler;
};

TEST(AheadSamplerTest, What_is_announced_is_intended_for_its_clocks_and_given_in_that_order) {
  Ahead ahead("independent");
  Random weather(1);
  ahead.rows.scatter(0.5, weather);
  Announcement first = ahead.announce(50, Clock{3}, Clock{9});
  Announcement second = ahead.announce(70, Clock{5}, Clock{6});
  ASSERT_EQ(ahead.rows.intents.size(), 2U);
  EXPECT_EQ(ahead.rows.intents[0].first, Clock{3});
  EXPECT_EQ(ahead.rows.intents[0].last, Clock{9});
  EXPECT_EQ(ahead.draw(second, 70), ahead.rows.intents[1].keys);
  std::vector<Key> drawn;
  for (int i = 0; i < 5; ++i) {
    for (const Key key : ahead.draw(first, 10)) drawn.push_back(key);
  }
  EXPECT_EQ(drawn, ahead.rows.intents[0].keys);
}

TEST(AheadSamplerTest, Postponed_draws_come_last_and_in_their_order) {
  Ahead ahead("postponed");
  Random weather(1);
  ahead.rows.scatter(0.4, weather);
  Announcement a = ahead.announce(500);
  std::vector<Key> expected = ahead.rows.intents[0].keys;
  std::stable_partition(expected.begin(), expected.end(),
                        [&](Key key) { return ahead.rows.has(key); });
  std::vector<Key> drawn;
  while (a.left > 0) {
    for (const Key key : ahead.draw(a, std::min(a.left, 9U))) drawn.push_back(key);
  }
  EXPECT_EQ(drawn, expected);
}

TEST(AheadSamplerTest, All_that_was_announced_is_used_however_rows_come_and_go) {
  Ahead ahead("postponed");
  Random weather(1);
  for (int round = 0; round < 300; ++round) {
    ahead.rows.intents.clear();
    Announcement a = ahead.announce(1 + static_cast<uint32_t>(weather.below(300)));
    std::vector<Key> announced = ahead.rows.intents[0].keys, drawn;
    while (a.left > 0) {
      ahead.rows.scatter(weather.uniform(), weather);
      const auto n = 1 + static_cast<uint32_t>(weather.below(std::min(a.left, 100U)));
      for (const Key key : ahead.draw(a, n)) drawn.push_back(key);
    }
    std::sort(announced.begin(), announced.end());
    std::sort(drawn.begin(), drawn.end());
    ASSERT_EQ(drawn, announced);
  }
}

TEST(AheadSamplerTest, Nothing_is_waited_for_when_no_row_is_here) {
  Ahead ahead("postponed");
  Random weather(1);
  ahead.rows.scatter(0, weather);
  Announcement a = ahead.announce(300);
  EXPECT_EQ(ahead.draw(a, 300), ahead.rows.intents[0].keys);
  EXPECT_EQ(ahead.rows.looked_at, 300U);  // each once
}

// Why one announcement alone promises nothing: rare rows are seldom here and so come last.
TEST(AheadSamplerTest, The_first_draws_of_postponed_announcements_have_other_frequencies) {
  Ahead ahead("postponed");
  for (uint32_t k = 100; k < 1000; ++k) ahead.rows.set(k, false);
  std::vector<Key> firsts, all;
  for (int i = 0; i < 10'000; ++i) {
    Announcement a = ahead.announce(100);
    for (const Key key : ahead.draw(a, 10)) firsts.push_back(key);
    all.insert(all.end(), firsts.end() - 10, firsts.end());
    for (const Key key : ahead.draw(a, 90)) all.push_back(key);
  }
  EXPECT_GT(marginal_misfit(firsts, ahead.distribution), 10 * kFar);
  EXPECT_LT(std::abs(marginal_misfit(all, ahead.distribution)), kFar);
}

}  // namespace
}  // namespace hemiola
