// What all rules have in common, and what they come down to where every row is here.
#include "hemiola/table/sampler.h"

#include <gtest/gtest.h>

#include "hemiola/table/sampler_for_test.h"

namespace hemiola {
namespace {

constexpr TableId kTable{0};

const std::vector<SamplerSpec>& specs() {
  static const std::vector<SamplerSpec> all = {uniform_keys(200, 5), zipf_keys(200, 1.1),
                                               unigram_keys(1000)};
  return all;
}

TEST(SamplerTest, Where_all_is_here_draws_are_independent_and_nothing_is_stored) {
  for (const char* rule : {"independent", "postponed", "local"}) {
    for (const SamplerSpec& spec : specs()) {
      const Distribution distribution(spec);
      RowsForTest rows(1000);
      rows.all = true;
      const auto sampler = make_sampler(parse_sampling(rule), kTable, distribution, 7, rows);
      const auto keys = draw_many(*sampler, 500'000);
      EXPECT_LT(std::abs(marginal_misfit(keys, distribution)), kFar) << rule << spec.name;
      Announcement a;
      a.left = 1000;
      sampler->prepare(a, Clock{0}, Clock{1});
      EXPECT_EQ(a.keys.capacity(), 0U) << rule;
      EXPECT_TRUE(rows.intents.empty()) << rule;
      EXPECT_EQ(rows.looked_at, 0U) << rule;
    }
  }
}

TEST(SamplerTest, Frequencies_are_those_of_the_distribution_while_rows_come_and_go) {
  for (const char* rule : {"independent", "pool(1, 250)", "pool(16, 250)", "postponed"}) {
    for (const SamplerSpec& spec : specs()) {
      const Distribution distribution(spec);
      RowsForTest rows(1000);
      Random weather(3);
      const SamplingRule parsed = parse_sampling(rule);
      const auto sampler = make_sampler(parsed, kTable, distribution, 8, rows);
      std::vector<Key> keys;
      for (int i = 0; i < 100; ++i) {
        rows.scatter(0.01 * i, weather);
        const auto more = draw_many(*sampler, 8000, 160);
        keys.insert(keys.end(), more.begin(), more.end());
      }
      const bool pool = parsed.kind == SamplingRule::Kind::pool;
      const double misfit = marginal_misfit(keys, distribution, pool ? parsed.reuse : 1);
      EXPECT_LT(std::abs(misfit), kFar) << rule << " " << spec.name;
    }
  }
}

TEST(SamplerTest, The_test_of_frequencies_notices_that_draws_are_local_only) {
  const Distribution distribution(specs()[0]);
  RowsForTest rows(1000);
  for (uint32_t k = 0; k < 1000; k += 20) rows.set(k, false);
  const auto sampler = make_sampler(parse_sampling("local"), kTable, distribution, 8, rows);
  EXPECT_GT(marginal_misfit(draw_many(*sampler, 500'000), distribution), 10 * kFar);
}

TEST(SamplerTest, The_test_of_frequencies_notices_draws_that_were_used_again) {
  const Distribution distribution(specs()[0]);
  RowsForTest rows(1000);
  const auto sampler = make_sampler(parse_sampling("pool(16, 250)"), kTable, distribution, 8, rows);
  EXPECT_GT(marginal_misfit(draw_many(*sampler, 800'000), distribution), 10 * kFar);
}

TEST(SamplerTest, Independent_draws_say_nothing_of_the_next_one) {
  const Distribution distribution(unigram_keys(20));
  RowsForTest rows(20);
  rows.set(5, false);
  for (const bool all : {false, true}) {
    rows.all = all;
    const auto sampler = make_sampler({}, kTable, distribution, 9, rows);
    EXPECT_LT(std::abs(successor_misfit(draw_many(*sampler, 1'000'000), distribution)), kFar);
  }
}

TEST(SamplerTest, The_test_of_pairs_notices_a_pool) {
  const Distribution distribution(unigram_keys(20));
  RowsForTest rows(20);
  const auto pool = make_sampler(parse_sampling("pool(100, 25)"), kTable, distribution, 9, rows);
  EXPECT_GT(successor_misfit(draw_many(*pool, 1'000'000), distribution), 5 * kFar);
}

}  // namespace
}  // namespace hemiola
