#include "hemiola/table/sampler_local.h"

#include <gtest/gtest.h>

#include "hemiola/table/sampler_for_test.h"

namespace hemiola {
namespace {

constexpr TableId kTable{0};
constexpr uint32_t kKeys = 1000;
using Way = LocalSampler::Way;

struct Local {
  explicit Local(const SamplerSpec& spec)
      : distribution(spec), rows(kKeys), sampler(kTable, distribution, 5, rows) {}

  std::vector<double> shares() const {
    std::vector<double> all = shares_of(distribution);
    for (uint32_t k = 0; k < all.size(); ++k) {
      if (!rows.has(Key{k})) all[k] = 0;
    }
    return all;
  }
  // How far draws are from the distribution restricted to what is here.
  double misfit_of(Sampler& drawn, size_t draws, uint32_t at_once = 7) const {
    const auto keys = draw_many(drawn, draws, 1000, at_once);
    const auto expected = shares();
    return std::abs(misfit(counts_of(keys, expected.size()), expected));
  }
  void settle() { draw_many(sampler, 5 * kKeys); }

  Distribution distribution;
  RowsForTest rows;
  LocalSampler sampler;
};

// What the rule must not do: from a draw that is not here go on to the next key that is.
class WalkingSampler final : public Sampler {
 public:
  WalkingSampler(const Distribution& distribution, SampledRows& rows)
      : distribution_(distribution), rows_(rows) {}

  void prepare(Announcement&, Clock, Clock) override {}
  void draw(Announcement&, std::span<Key> keys) override {
    for (Key& key : keys) {
      key = distribution_.draw(random_);
      for (uint8_t here = 0;; key = Key{(key.value + 1) % kKeys}) {
        rows_.here(kTable, {&key, 1}, {&here, 1});
        if (here != 0) break;
      }
    }
  }

 private:
  const Distribution& distribution_;
  SampledRows& rows_;
  Random random_{5};
};

const std::vector<SamplerSpec>& specs() {
  static const std::vector<SamplerSpec> all = {uniform_keys(kKeys), uniform_keys(600, 400),
                                               zipf_keys(kKeys, 1.1), unigram_keys(kKeys)};
  return all;
}

TEST(LocalSamplerTest, Draws_have_the_distribution_of_what_is_here_by_either_way) {
  Random weather(1);
  for (const SamplerSpec& spec : specs()) {
    for (const double chance : {1.0, 0.5, 0.2, 0.05, 0.02}) {
      Local local(spec);
      local.rows.scatter(chance, weather);
      local.rows.set(0, false);  // a draw in ten when the distribution is zipf's
      local.settle();
      EXPECT_EQ(local.sampler.way(), chance > 0.15 ? Way::rejection : Way::index) << chance;
      for (const uint32_t at_once : {1U, 7U, 1000U}) {
        EXPECT_LT(local.misfit_of(local.sampler, 400'000, at_once), kFar)
            << spec.name << " " << chance << " " << at_once;
      }
    }
  }
}

TEST(LocalSamplerTest, The_test_notices_walks_to_the_next_row_that_is_here) {
  Random weather(1);
  for (const SamplerSpec& spec : specs()) {
    Local local(spec);
    local.rows.scatter(0.5, weather);
    WalkingSampler walking(local.distribution, local.rows);
    EXPECT_GT(local.misfit_of(walking, 400'000), 10 * kFar) << spec.name;
  }
}

TEST(LocalSamplerTest, Pairs_of_draws_are_independent_by_either_way) {
  for (const double chance : {0.6, 0.1}) {
    Local local(uniform_keys(kKeys));
    Random weather(4);
    local.rows.scatter(0, weather);
    for (uint32_t k = 0; k < kKeys * chance; ++k) local.rows.set(k, true);
    local.settle();
    std::vector<double> cells(100);
    const auto keys = draw_many(local.sampler, 1'000'000);
    const auto tenth = [&](Key key) {
      return static_cast<size_t>(key.value * 10 / (kKeys * chance));
    };
    for (size_t i = 0; i < keys.size(); i += 2) ++cells[tenth(keys[i]) * 10 + tenth(keys[i + 1])];
    EXPECT_LT(std::abs(misfit(cells, std::vector<double>(100, 1.0))), kFar);
  }
}

TEST(LocalSamplerTest, Rows_that_leave_are_not_drawn_any_more_and_the_rest_stays_exact) {
  for (const double chance : {0.5, 0.1}) {
    Local local(unigram_keys(kKeys));
    Random weather(2);
    local.rows.scatter(chance, weather);
    local.settle();
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 300; ++i)
        local.rows.set(static_cast<uint32_t>(weather.below(kKeys)), false);
      EXPECT_LT(local.misfit_of(local.sampler, 200'000), kFar) << round;
    }
  }
}

TEST(LocalSamplerTest, Rows_that_come_are_drawn_at_once_by_rejection) {
  Local local(unigram_keys(kKeys));
  Random weather(2);
  for (int round = 0; round < 5; ++round) {
    local.rows.scatter(0.5 + 0.1 * round, weather);
    EXPECT_LT(local.misfit_of(local.sampler, 200'000), kFar) << round;
    EXPECT_EQ(local.sampler.way(), Way::rejection);
  }
}

TEST(LocalSamplerTest, Rows_that_come_are_drawn_with_the_next_index) {
  Local local(unigram_keys(kKeys));
  Random weather(2);
  local.rows.scatter(0.05, weather);
  local.settle();
  for (int round = 0; round < 5; ++round) {
    local.rows.scatter(0.08, weather);
    const uint64_t builds = local.sampler.builds();
    local.settle();
    EXPECT_GT(local.sampler.builds(), builds);
    EXPECT_LT(local.misfit_of(local.sampler, 200'000), kFar) << round;
    EXPECT_EQ(local.sampler.way(), Way::index);
  }
}

TEST(LocalSamplerTest, The_index_is_left_when_much_is_here_again) {
  Local local(unigram_keys(kKeys));
  Random weather(2);
  local.rows.scatter(0.05, weather);
  local.settle();
  EXPECT_EQ(local.sampler.way(), Way::index);
  local.rows.scatter(0.9, weather);
  local.settle();
  EXPECT_EQ(local.sampler.way(), Way::rejection);
  EXPECT_LT(local.misfit_of(local.sampler, 200'000), kFar);
}

TEST(LocalSamplerTest, Where_nothing_is_here_draws_are_independent_until_something_comes) {
  Local local(unigram_keys(kKeys));
  Random weather(2);
  local.rows.scatter(0, weather);
  local.rows.set(3, true);  // has no weight
  const auto keys = draw_many(local.sampler, 200'000);
  EXPECT_LT(std::abs(marginal_misfit(keys, local.distribution)), kFar);
  EXPECT_EQ(local.sampler.way(), Way::nothing_here);
  local.rows.set(700, true);
  local.settle();
  for (const Key key : draw_many(local.sampler, 1000)) EXPECT_EQ(key, Key{700});
}

TEST(LocalSamplerTest, All_leaving_from_under_an_index_does_not_hang_it) {
  Local local(unigram_keys(kKeys));
  Random weather(2);
  local.rows.scatter(0.05, weather);
  local.settle();
  local.rows.scatter(0, weather);
  draw_many(local.sampler, 100);
  EXPECT_EQ(local.sampler.way(), Way::nothing_here);
}

// However little is here, and if it changes all the time.
TEST(LocalSamplerTest, A_draw_costs_few_looks) {
  Random weather(2);
  for (const double chance : {1.0, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001}) {
    for (const bool changing : {false, true}) {
      Local local(unigram_keys(kKeys));
      local.rows.scatter(chance, weather);
      local.settle();
      local.rows.looked_at = 0;
      for (int i = 0; i < 100; ++i) {
        if (changing) local.rows.scatter(chance, weather);
        draw_many(local.sampler, 1000, 1000, 5);
      }
      EXPECT_LT(local.rows.looked_at, 100'000 * (chance < 0.3 ? 14 : 3)) << chance << changing;
    }
  }
}

}  // namespace
}  // namespace hemiola
