#include "hemiola/table/intents.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hemiola {
namespace {

// P(a Poisson variable is at most `count`), term by term.
double poisson_below(double mean, int32_t count) {
  double sum = 0;
  for (int32_t k = 0; k <= count; ++k) {
    sum += std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
  }
  return sum;
}

TEST(PoissonQuantile, Is_an_upper_bound_with_9999_of_10000_and_close_for_all_means) {
  for (double mean = 0.01; mean <= 1e4; mean *= 1.6) {
    const int32_t bound = poisson_quantile(mean);
    EXPECT_GE(poisson_below(mean, bound), 0.9999) << mean;
    int32_t exact = static_cast<int32_t>(mean);
    while (poisson_below(mean, exact) < 0.9999) ++exact;
    EXPECT_LE(bound, exact + 4 + 0.002 * exact) << mean;
  }
}

// The intents of node 1, which has two workers.
class IntentsTest : public testing::Test {
 protected:
  static constexpr TableId kTable{1};
  static constexpr WorkerId kFirst{2}, kSecond{3};

  static std::vector<TableOptions> tables() {
    TableOptions fixed, moves;
    fixed.spec = {"fixed", 8, 2, 0, {}};
    moves.spec = {"moves", 8, 2, 0, {}};
    moves.placement = parse_placement("intent");
    return {fixed, moves};
  }
  void add(int first, int last, std::vector<Key> keys, WorkerId worker = kFirst) {
    intents_.add(worker, {kTable, Clock{first}, Clock{last}, std::move(keys)});
  }
  Intents::Change at(int clock, WorkerId worker = kFirst) {
    now_ = now_ + microseconds(100);
    return intents_.advance(worker, Clock{clock}, now_);
  }
  bool wanted(uint32_t key) const { return intents_.wanted(kTable, Key{key}); }

  TableSet set_{tables(), Place{NodeId{1}, 2, 2}};
  Intents intents_{set_};
  Instant now_;
};

TEST_F(IntentsTest, An_intent_counts_from_shortly_before_its_first_clock_until_its_last) {
  add(20, 22, {Key{3}, Key{5}});
  EXPECT_TRUE(at(0).begun.empty());
  EXPECT_FALSE(wanted(3));
  const auto begun = at(20 - intents_.ahead(kFirst)).begun;
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun[0].keys, (std::vector{Key{3}, Key{5}}));
  EXPECT_TRUE(wanted(3) && wanted(5));
  EXPECT_FALSE(wanted(4));
  EXPECT_TRUE(at(21).over.empty());
  EXPECT_TRUE(wanted(3));
  EXPECT_EQ(at(22).over.size(), 1u);
  EXPECT_FALSE(wanted(3) || wanted(5));
}

TEST_F(IntentsTest, Of_intents_for_each_of_100000_clocks_only_the_next_few_are_acted_on) {
  for (int c = 0; c < 100'000; ++c) add(c, c + 1, {Key{static_cast<uint32_t>(c % 8)}});
  EXPECT_EQ(at(0).begun.size(), 17u) << "before anything was measured: 16 clocks ahead";
  for (int c = 1; c < 3000; ++c) {
    const auto change = at(c);
    ASSERT_EQ(change.begun.size(), 1u) << c;
    ASSERT_EQ(change.over.size(), 1u) << c;
  }
}

TEST_F(IntentsTest, It_is_acted_on_so_early_that_two_round_trips_fit_with_9999_of_10000) {
  for (int c = 0; c < 300; ++c) at(c);  // a clock each 100 us
  intents_.took(microseconds(1000));
  EXPECT_EQ(intents_.ahead(kFirst), poisson_quantile(20));
  for (int i = 0; i < 200; ++i) intents_.took(microseconds(100));
  EXPECT_EQ(intents_.ahead(kFirst), poisson_quantile(2)) << "smoothed towards what it takes now";
  EXPECT_EQ(intents_.ahead(kSecond), 16) << "a worker that has not ticked yet";
  const int first = 301 + intents_.ahead(kFirst);
  add(first, first + 1, {Key{1}});
  EXPECT_TRUE(at(300).begun.empty());
  EXPECT_EQ(at(301).begun.size(), 1u);
}

TEST_F(IntentsTest, A_round_trip_of_many_clocks_has_an_end) {
  at(0);
  at(1'000'000);
  intents_.took(seconds(1e6));
  EXPECT_LE(intents_.ahead(kFirst), poisson_quantile(2 * double{1 << 20}));
}

TEST_F(IntentsTest, A_row_is_wanted_as_long_as_one_of_several_intents_lasts) {
  add(1, 3, {Key{2}});
  add(2, 6, {Key{2}, Key{4}}, kSecond);
  add(1, 4, {Key{2}});
  at(1), at(1, kSecond);
  EXPECT_EQ(at(3).over.size(), 1u);
  EXPECT_TRUE(wanted(2));
  EXPECT_EQ(at(4).over.size(), 1u);
  EXPECT_TRUE(wanted(2));
  EXPECT_EQ(at(9).over.size(), 0u) << "the other worker has a clock of its own";
  EXPECT_TRUE(wanted(2) && wanted(4));
  EXPECT_EQ(at(6, kSecond).over.size(), 1u);
  EXPECT_FALSE(wanted(2) || wanted(4));
}

TEST_F(IntentsTest, A_clock_that_jumps_begins_and_ends_what_lies_between) {
  at(0);
  add(2, 5, {Key{1}});
  add(900, 901, {Key{2}});
  add(1000, 1001, {Key{3}});
  at(1);
  EXPECT_TRUE(wanted(1));
  const auto change = at(1000);  // as after a barrier
  EXPECT_EQ(change.over.size(), 1u);
  ASSERT_EQ(change.begun.size(), 1u) << "what was over before it began is never acted on";
  EXPECT_EQ(change.begun[0].keys, std::vector{Key{3}});
  EXPECT_FALSE(wanted(1) || wanted(2));
  EXPECT_TRUE(wanted(3));
}

TEST_F(IntentsTest, What_comes_late_counts_for_the_rest_of_its_time) {
  at(10);
  add(5, 8, {Key{1}});
  EXPECT_TRUE(at(10).begun.empty()) << "it is over";
  add(5, 12, {Key{1}});
  EXPECT_EQ(at(10).begun.size(), 1u) << "at once";
  at(11);
  EXPECT_TRUE(wanted(1));
  at(12);
  EXPECT_FALSE(wanted(1));
}

TEST_F(IntentsTest, An_intent_without_end_is_never_over) {
  intents_.add(kFirst, {kTable, Clock{0}, kClockNever, {Key{1}}});
  at(0);
  at(2'000'000'000);
  EXPECT_TRUE(wanted(1));
}

TEST_F(IntentsTest, A_row_that_is_wanted_for_good_outlasts_all_intents) {
  intents_.stand(kTable, Key{1}, true);
  add(1, 2, {Key{1}});
  at(1);
  at(2);
  EXPECT_TRUE(wanted(1));
  intents_.stand(kTable, Key{1}, false);
  EXPECT_FALSE(wanted(1));
}

}  // namespace
}  // namespace hemiola
