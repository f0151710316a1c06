#include "hemiola/table/sampler_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_map>

#include "hemiola/table/sampler_for_test.h"

namespace hemiola {
namespace {

constexpr TableId kTable{0};

// So many keys that two draws hardly ever give the same one: a key tells its draw.
struct Pool {
  explicit Pool(const char* rule, uint32_t keys = 1U << 31)
      : distribution(uniform_keys(keys)),
        rows(0),
        sampler(parse_sampling(rule), kTable, distribution, 5, rows) {}

  Distribution distribution;
  RowsForTest rows;
  PoolSampler sampler;
};

// The contract: no draw is used more than `reuse` times, nor twice within an order of its group.
bool keeps_bounds(std::span<const Key> keys, size_t reuse, size_t group) {
  std::unordered_map<Key, std::vector<size_t>> uses;
  for (size_t i = 0; i < keys.size(); ++i) uses[keys[i]].push_back(i);
  return std::all_of(uses.begin(), uses.end(), [&](const auto& entry) {
    const std::vector<size_t>& at = entry.second;
    if (at.size() > reuse || at.back() - at.front() >= reuse * group) return false;
    for (size_t i = 1; i < at.size(); ++i) {
      if (at[i] / group == at[i - 1] / group) return false;
    }
    return true;
  });
}

TEST(PoolSamplerTest, A_draw_is_used_as_often_as_said_and_once_in_each_order_of_its_group) {
  Pool pool("pool(16, 250)");
  const auto keys = draw_many(pool.sampler, 16 * 250 * 20, 77);
  EXPECT_TRUE(keeps_bounds(keys, 16, 250));
  std::vector<Key> distinct(keys);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  EXPECT_EQ(distinct.size(), 250U * 20);  // so each was used 16 times, not less
}

TEST(PoolSamplerTest, The_test_of_reuse_notices_more_of_it_and_groups_of_another_size) {
  Pool doubled("pool(32, 250)");
  EXPECT_FALSE(keeps_bounds(draw_many(doubled.sampler, 16 * 250 * 20, 77), 16, 250));
  Pool smaller("pool(16, 125)");
  EXPECT_FALSE(keeps_bounds(draw_many(smaller.sampler, 16 * 250 * 20, 77), 16, 250));
}

TEST(PoolSamplerTest, Used_once_a_draw_never_returns) {
  Pool pool("pool(1, 10)");
  EXPECT_TRUE(keeps_bounds(draw_many(pool.sampler, 5000), 1, 10));
}

TEST(PoolSamplerTest, Used_once_in_a_group_of_one_draws_are_independent) {
  Pool pool("pool(1, 1)", 20);
  const auto keys = draw_many(pool.sampler, 1'000'000);
  EXPECT_LT(std::abs(successor_misfit(keys, pool.distribution)), kFar);
}

// Of n random orders the places of a draw in two of them make a matrix whose rows and columns all
// sum to n; then Pearson's sum is G / (G - 1) times chi-square with (G - 1)^2 degrees.
TEST(PoolSamplerTest, The_orders_of_a_group_have_nothing_to_do_with_each_other) {
  constexpr size_t kGroup = 10, kGroups = 20'000;
  for (const size_t reuse : {2U, 3U}) {
    Pool pool(reuse == 2 ? "pool(2, 10)" : "pool(3, 10)");
    std::vector<double> places(kGroup * kGroup);
    const auto keys = draw_many(pool.sampler, kGroups * kGroup * reuse, 1000);
    for (size_t g = 0; g < kGroups; ++g) {
      const auto group = std::span(keys).subspan(g * kGroup * reuse, kGroup * reuse);
      const auto first = group.first(kGroup), last = group.last(kGroup);
      for (size_t i = 0; i < kGroup; ++i) {
        const auto at = std::find(last.begin(), last.end(), first[i]) - last.begin();
        ASSERT_LT(at, static_cast<long>(kGroup));
        ++places[i * kGroup + static_cast<size_t>(at)];
      }
    }
    double sum = 0;
    const double expected = static_cast<double>(kGroups) / kGroup;
    for (const double n : places) sum += (n - expected) * (n - expected) / expected;
    const double scale = static_cast<double>(kGroup - 1) / kGroup;
    EXPECT_LT(std::abs(deviation(sum * scale, (kGroup - 1) * (kGroup - 1))), kFar);
  }
}

TEST(PoolSamplerTest, Each_announcement_has_uses_of_its_own_and_intends_them) {
  Pool pool("pool(4, 30)");
  Announcement a, b;
  a.left = 50;
  b.left = 500;
  pool.sampler.prepare(a, Clock{2}, Clock{4});
  pool.sampler.prepare(b, Clock{3}, Clock{5});
  std::vector<Key> first(50), second(500);
  pool.sampler.draw(b, second);
  pool.sampler.draw(a, std::span(first).first(20));
  a.left -= 20;
  pool.sampler.draw(a, std::span(first).last(30));
  ASSERT_EQ(pool.rows.intents.size(), 2U);
  EXPECT_EQ(pool.rows.intents[0].keys, first);
  EXPECT_EQ(pool.rows.intents[1].keys, second);
  EXPECT_EQ(pool.rows.intents[1].first, Clock{3});
  EXPECT_EQ(pool.rows.intents[1].last, Clock{5});
  first.insert(first.end(), second.begin(), second.end());
  EXPECT_TRUE(keeps_bounds(first, 4, 30));
}

TEST(PoolSamplerTest, Where_all_is_here_it_is_a_pool_all_the_same_but_intends_nothing) {
  const Distribution distribution(uniform_keys(1U << 31));
  RowsForTest rows(0);
  rows.all = true;
  PoolSampler pool(parse_sampling("pool(4, 30)"), kTable, distribution, 5, rows);
  const auto keys = draw_many(pool, 4 * 30 * 50);
  EXPECT_TRUE(keeps_bounds(keys, 4, 30));
  EXPECT_FALSE(keeps_bounds(keys, 3, 30));
  EXPECT_TRUE(rows.intents.empty());
}

}  // namespace
}  // namespace hemiola
