#include "hemiola/table/sampler_set.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/table/client.h"
#include "hemiola/table/sampler_for_test.h"

namespace hemiola {
namespace {

constexpr Clock kFirst{0}, kLast{1};

Sampling two_samplers(const char* rule, uint32_t keys = 20) {
  return {{uniform_keys(keys), unigram_keys(keys)}, parse_sampling(rule), 1};
}

template <class F>
std::string mistake(F call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

std::vector<Key> stream(const Sampling& sampling, uint32_t worker, uint32_t sampler, uint32_t n) {
  RowsForTest rows(1000);
  SamplerSet set(sampling, WorkerId{worker}, rows);
  std::vector<Key> keys(n);
  set.draw(set.prepare(sampler, n, kFirst, kLast), keys);
  return keys;
}

TEST(SamplerSetTest, Announcements_are_drawn_piece_by_piece_and_in_any_order) {
  const Sampling sampling = two_samplers("independent", 1000);
  RowsForTest rows(1000);
  SamplerSet set(sampling, WorkerId{0}, rows);
  const uint32_t a = set.prepare(0, 10, kFirst, kLast);
  const uint32_t b = set.prepare(1, 6, kFirst, kLast);
  const uint32_t c = set.prepare(0, 10, kFirst, kLast);
  EXPECT_EQ(set.open(), 3U);
  std::vector<Key> keys(26);
  const auto draw = [&](uint32_t ticket, size_t from, size_t n) {
    set.draw(ticket, std::span(keys).subspan(from, n));
  };
  draw(c, 16, 10);
  draw(a, 0, 3);
  draw(b, 10, 6);
  EXPECT_EQ(set.open(), 1U);
  draw(a, 3, 7);
  EXPECT_EQ(set.open(), 0U);
  std::vector<Key> announced;
  for (const auto& intent : rows.intents) {
    announced.insert(announced.end(), intent.keys.begin(), intent.keys.end());
  }
  EXPECT_EQ(keys, announced);
}

TEST(SamplerSetTest, No_more_is_drawn_than_was_announced) {
  RowsForTest rows(20);
  const Sampling sampling = two_samplers("local");
  SamplerSet set(sampling, WorkerId{0}, rows);
  const uint32_t ticket = set.prepare(0, 5, kFirst, kLast);
  std::vector<Key> keys(9);
  set.draw(ticket, std::span(keys).first(4));
  const auto text = [&](uint32_t t, size_t n) {
    return mistake([&] { set.draw(t, std::span(keys).first(n)); });
  };
  EXPECT_EQ(text(ticket, 2),
            "a sample of 2 draws from an announcement that has 1 draw left: announce with "
            "prepare_sample() as many as will be drawn");
  EXPECT_EQ(text(ticket, 1), "");
  EXPECT_EQ(text(ticket, 1),
            "a sample of 1 draw from an announcement that has none left: announce with "
            "prepare_sample() as many as will be drawn");
  EXPECT_NE(text(12345, 1), "");
  EXPECT_NE(text(0, 1), "");
}

TEST(SamplerSetTest, An_old_ticket_is_not_taken_for_the_one_that_has_its_place) {
  RowsForTest rows(20);
  const Sampling sampling = two_samplers("local");
  SamplerSet set(sampling, WorkerId{0}, rows);
  Key key;
  const uint32_t old = set.prepare(0, 1, kFirst, kLast);
  set.draw(old, {&key, 1});
  for (int i = 0; i < 4000; ++i) {
    const uint32_t young = set.prepare(1, 1, kFirst, kLast);
    EXPECT_NE(mistake([&] { set.draw(old, {&key, 1}); }), "");
    set.draw(young, {&key, 1});
  }
}

TEST(SamplerSetTest, Nothing_may_be_announced_and_nothing_drawn) {
  RowsForTest rows(20);
  const Sampling sampling = two_samplers("independent");
  SamplerSet set(sampling, WorkerId{0}, rows);
  const uint32_t nothing = set.prepare(0, 0, kFirst, kLast);
  set.draw(nothing, {});
  EXPECT_EQ(set.open(), 0U);
  Key key;
  const uint32_t one = set.prepare(0, 1, kFirst, kLast);
  EXPECT_NE(mistake([&] { set.draw(nothing, {&key, 1}); }), "");
  set.draw(one, {&key, 1});
}

TEST(SamplerSetTest, A_sampler_that_is_not_there_is_named) {
  RowsForTest rows(20);
  const Sampling sampling = two_samplers("independent"), none;
  SamplerSet set(sampling, WorkerId{0}, rows), empty(none, WorkerId{0}, rows);
  EXPECT_EQ(mistake([&] { set.prepare(2, 1, kFirst, kLast); }),
            "there is no sampler number 2: this job has 2");
  EXPECT_EQ(mistake([&] { empty.prepare(0, 1, kFirst, kLast); }),
            "there is no sampler number 0: this job has 0");
}

TEST(SamplerSetTest, Announcements_that_nobody_draws_are_refused_at_last) {
  RowsForTest rows(20);
  const Sampling sampling = two_samplers("local");
  SamplerSet set(sampling, WorkerId{0}, rows);
  for (uint32_t i = 0; i < SamplerSet::kOpenMax; ++i) set.prepare(0, 1, kFirst, kLast);
  EXPECT_EQ(mistake([&] { set.prepare(0, 1, kFirst, kLast); }),
            "more than 1048576 announcements of samples are open: draw each to its end");
}

TEST(SamplerSetTest, The_same_seed_and_worker_draw_the_same) {
  const Sampling sampling = two_samplers("pool(3, 20)");
  EXPECT_EQ(stream(sampling, 4, 1, 1000), stream(sampling, 4, 1, 1000));
  Sampling other = sampling;
  other.seed = 2;
  EXPECT_NE(stream(sampling, 4, 1, 1000), stream(other, 4, 1, 1000));
}

TEST(SamplerSetTest, A_pass_that_is_begun_again_draws_what_it_drew_whatever_was_before) {
  for (const char* rule : {"independent", "pool(3, 20)"}) {
    const Sampling sampling = two_samplers(rule, 1000);
    const auto drawn = [&](uint32_t before, uint32_t pass) {
      RowsForTest rows(1000);
      SamplerSet set(sampling, WorkerId{1}, rows);
      std::vector<Key> keys(before);
      set.draw(set.prepare(0, before, kFirst, kLast), keys);
      set.begin_pass(pass);
      keys.resize(100);
      set.draw(set.prepare(0, 100, kFirst, kLast), keys);
      return keys;
    };
    EXPECT_EQ(drawn(10, 3), drawn(77, 3)) << rule;
    EXPECT_NE(drawn(10, 3), drawn(10, 4)) << rule;
  }
}

TEST(SamplerSetTest, What_was_announced_before_a_pass_is_drawn_in_it) {
  const Sampling sampling = two_samplers("independent", 1000);
  RowsForTest rows(1000);
  SamplerSet set(sampling, WorkerId{0}, rows);
  std::vector<Key> first(5), rest(5);
  const uint32_t ticket = set.prepare(0, 10, kFirst, kLast);
  set.draw(ticket, first);
  set.begin_pass(1);
  set.draw(ticket, rest);
  EXPECT_EQ(set.open(), 0u);
}

TEST(SamplerSetTest, Streams_of_two_workers_or_samplers_have_nothing_to_do_with_each_other) {
  Sampling sampling = two_samplers("independent");
  sampling.sources[1] = sampling.sources[0];
  const Distribution& distribution = *sampling.sources[0].distribution;
  constexpr uint32_t kDraws = 200'000;
  const auto all = {stream(sampling, 0, 0, kDraws), stream(sampling, 0, 1, kDraws),
                    stream(sampling, 1, 0, kDraws), stream(sampling, 1, 1, kDraws),
                    stream(sampling, 2, 0, kDraws)};
  for (const auto& a : all) {
    for (const auto& b : all) {
      if (&a == &b) continue;
      EXPECT_LT(std::abs(pair_misfit(a, b, distribution)), kFar);
      for (const size_t lag : {1U, 2U}) {
        const auto later = std::span<const Key>(b).subspan(lag);
        const auto earlier = std::span<const Key>(a).first(later.size());
        EXPECT_LT(std::abs(pair_misfit(earlier, later, distribution)), kFar);
      }
    }
  }
  // What the test says of a generator that workers share, or of seeds that are alike.
  const auto& one = *all.begin();
  EXPECT_GT(pair_misfit(one, one, distribution), 10 * kFar);
}

class AlonePort final : public WorkerPort {
 public:
  WorkerId worker() const override { return WorkerId{0}; }
  void post(Call&) override { FAIL() << "a worker alone needs nobody"; }
  void wait(Call&) override { FAIL() << "a worker alone waits for nobody"; }
  Instant now() override { return {}; }
  void spend(Duration) override {}
  void sleep(Duration) override {}
};

TEST(SamplerSetTest, A_client_draws_from_the_samplers_of_its_tables) {
  TableOptions table;
  table.spec = {"words", 20, 3, 0, {}};
  table.staleness = parse_staleness("bsp");
  for (const char* rule : {"independent", "pool(4, 50)", "postponed", "local"}) {
    TableSet tables({table}, {NodeId{0}, 1, 1}, two_samplers(rule));
    AlonePort port;
    Client client(tables, port);
    std::vector<Key> keys;
    for (int i = 0; i < 100; ++i) {
      const auto ticket = client.prepare_sample(1, 1000, client.clock(), client.clock() + 1);
      for (int j = 0; j < 10; ++j) {
        keys.resize(keys.size() + 100);
        client.sample(ticket, std::span(keys).last(100));
      }
      client.tick();
    }
    const double reuse = std::string_view(rule).starts_with("pool") ? 4 : 1;
    const Distribution& distribution = *tables.sampling().sources[1].distribution;
    EXPECT_LT(std::abs(marginal_misfit(keys, distribution, reuse)), kFar) << rule;
  }
}

}  // namespace
}  // namespace hemiola
