#include "hemiola/models/mf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/models/local_parameters.h"
#include "hemiola/models/summed_for_test.h"

namespace hemiola {
namespace {

constexpr TableId kTable{0};

struct Made {
  std::vector<uint32_t> users, items;
  std::vector<float> values;

  RatingSpans spans() const { return {users, items, values}; }
};

// 3.5 + a bias each + three planted factors + noise of standard deviation 0.3.
Made planted(size_t n, uint32_t users, uint32_t items, uint64_t seed) {
  const auto trait = [](uint64_t kind, uint64_t id, uint64_t c) {
    Random random(mix(kind, id, c));
    return random.normal();
  };
  Made made;
  Random random(seed);
  for (size_t i = 0; i < n; ++i) {
    const auto u = static_cast<uint32_t>(random.below(users));
    const auto v = static_cast<uint32_t>(random.below(items));
    double value = 3.5 + 0.3 * trait(1, u, 9) + 0.3 * trait(2, v, 9) + 0.3 * random.normal();
    for (uint64_t c = 0; c < 3; ++c) value += 0.4 * trait(1, u, c) * trait(2, v, c);
    made.users.push_back(u), made.items.push_back(v);
    made.values.push_back(static_cast<float>(value));
  }
  return made;
}

double rmse(const MfTask& task, Parameters& params) {
  std::vector<double> sums(task.metric_sums());
  for (uint32_t part = 0; part < task.evaluation_parts(); ++part) {
    task.evaluate(part, params, sums);
  }
  const auto metrics = task.metrics(sums);
  return metrics.empty() ? -1 : metrics[0].value;
}

LossSum epoch_of(const MfTask& task, uint32_t epoch, Parameters& params) {
  LossSum sum;
  for (uint32_t b = 0; b < task.plan(1).blocks.size(); ++b) {
    const LossSum part = task.train({b, epoch, {}}, params);
    sum.sum += part.sum, sum.examples += part.examples;
  }
  return sum;
}

TEST(Mf, Planted_factors_are_found_down_to_the_noise) {
  const Made train = planted(60'000, 400, 300, 1), test = planted(5'000, 400, 300, 2);
  for (const Optimizer optimizer : {Optimizer::adagrad, Optimizer::sgd}) {
    MfOptions options;
    options.factors = 4;
    options.l2 = 0.01f;
    options.optimizer = optimizer;
    const MfTask task({train.spans(), test.spans(), 400, 300}, options);
    LocalTables tables(task.tables(), false);
    LocalParameters params(tables);
    const double before = rmse(task, params);
    for (uint32_t e = 0; e < 40; ++e) epoch_of(task, e, params);
    EXPECT_GT(before, 0.8);
    EXPECT_LT(rmse(task, params), 0.34);
  }
}

TEST(Mf, Facts_are_what_a_prediction_needs_besides_the_rows) {
  const std::vector<uint32_t> users = {0, 4}, items = {1, 2};
  const std::vector<float> values = {3, 4};
  MfOptions options;
  options.factors = 3;
  options.biases = false;
  const MfTask task({{users, items, values}, {}, 5, 7}, options);
  EXPECT_EQ(task.facts(),
            (std::map<std::string, double>{
                {"biases", 0}, {"factors", 3}, {"items", 7}, {"mean", 3.5}, {"users", 5}}));
}

TEST(Mf, The_first_loss_is_that_of_the_mean) {
  const Made train = planted(5'000, 100, 100, 3);
  MfOptions options;
  options.rate = 1e-9f, options.init_scale = 0;
  const MfTask task({train.spans(), {}, 100, 100}, options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  double mean = 0, squares = 0;
  for (const float v : train.values) mean += v / 5'000.0;
  for (const float v : train.values) squares += (v - mean) * (v - mean);
  const LossSum loss = epoch_of(task, 0, params);
  EXPECT_NEAR(loss.sum, squares, 1e-3 * squares);
  EXPECT_EQ(loss.examples, 5'000);
  EXPECT_EQ(rmse(task, params), -1) << "nothing to test on, so there is no metric";
}

TEST(Mf, Rows_reached_by_pointer_end_with_the_same_bits_as_rows_reached_directly) {
  const Made train = planted(20'000, 211, 97, 4);
  for (const uint32_t batch : {1'000'000U, 100U}) {
    MfOptions options;
    options.workers = 2;
    options.batch = batch;
    const MfTask task({train.spans(), {}, 211, 97}, options);
    LocalTables one(task.tables(), false), other(task.tables(), true);
    LocalParameters direct(one), by_pointer(other, true);
    for (uint32_t e = 0; e < 2; ++e) {
      EXPECT_EQ(epoch_of(task, e, direct).sum, epoch_of(task, e, by_pointer).sum);
    }
    for (uint32_t k = 0; k < 211 + 97; ++k) {
      const auto a = one.row(kTable, Key{k}), b = other.row(kTable, Key{k});
      ASSERT_TRUE(std::equal(a.begin(), a.end(), b.begin())) << "row " << k;
    }
    EXPECT_EQ(direct.steps(), by_pointer.steps());
    EXPECT_EQ(direct.examples(), 40'000);
    EXPECT_EQ(batch == 100, by_pointer.intended() > 0);
  }
}

TEST(Mf, A_step_ends_after_each_batch_and_at_the_end_of_a_block) {
  const Made train = planted(1'000, 50, 50, 5);
  MfOptions options;
  options.groups = 2;
  options.batch = 64;
  const MfTask task({train.spans(), {}, 50, 50}, options);
  for (const bool by_pointer : {false, true}) {
    LocalTables tables(task.tables(), false);
    LocalParameters params(tables, by_pointer);
    size_t steps = 0;
    for (const BlockSpec& block : task.plan(1).blocks) steps += (block.examples + 63) / 64;
    epoch_of(task, 0, params);
    EXPECT_EQ(params.steps(), steps);
  }
}

TEST(Mf, Every_rating_is_in_one_block_and_blocks_without_a_common_group_share_no_row) {
  const Made train = planted(3'000, 70, 40, 6);
  const MfCut cut(train.spans(), 5, 3, 1);
  std::multiset<std::tuple<uint32_t, uint32_t, float>> want, got;
  for (size_t i = 0; i < 3'000; ++i) want.insert({train.users[i], train.items[i], train.values[i]});
  for (uint32_t b = 0; b < cut.blocks(); ++b) {
    for (const MfRating& r : cut.block(b)) {
      got.insert({r.user * 5 + cut.user_group(b), r.item * 3 + cut.item_group(b), r.value});
    }
  }
  EXPECT_EQ(got, want);
}

TEST(Mf, There_are_enough_groups_for_all_workers_and_never_more_than_rows) {
  const Made train = planted(1'000, 70, 3, 7);
  for (const uint32_t workers : {1U, 2U, 4U, 16U}) {
    MfOptions options;
    options.workers = workers;
    const MfTask task({train.spans(), {}, 70, 3}, options);
    std::set<uint32_t> users, items;
    uint32_t examples = 0;
    for (const BlockSpec& block : task.plan(workers).blocks) {
      users.insert(block.row_group), items.insert(block.column_group);
      examples += block.examples;
    }
    EXPECT_EQ(examples, 1'000);
    EXPECT_GE(users.size(), workers > 1 ? 2 * workers + 1 : 1);
    EXPECT_LE(items.size(), 3);
    for (const uint32_t u : users) EXPECT_FALSE(items.contains(u)) << "one number for two groups";
  }
}

TEST(Mf, Threads_on_the_same_rows_still_learn_with_and_without_latches) {
  const Made train = planted(40'000, 200, 100, 8), test = planted(5'000, 200, 100, 9);
  for (const bool latched : {false, true}) {
    MfOptions options;
    options.factors = 4;
    options.l2 = 0.01f;
    options.workers = 2;
    const MfTask task({train.spans(), test.spans(), 200, 100}, options);
    LocalTables tables(task.tables(), latched);
    const auto work = [&](uint32_t first) {
      LocalParameters params(tables);
      const auto blocks = static_cast<uint32_t>(task.plan(2).blocks.size());
      for (uint32_t e = 0; e < 30; ++e) {
        for (uint32_t b = first; b < blocks; b += 2) task.train({b, e, {}}, params);
      }
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    LocalParameters params(tables);
    EXPECT_LT(rmse(task, params), 0.36);
  }
}

TEST(Mf, Four_workers_that_add_up_their_changes_after_each_step_learn_as_well) {
  const Made train = planted(60'000, 400, 300, 12), test = planted(5'000, 400, 300, 13);
  MfOptions options;
  options.factors = 4;
  options.l2 = 0.01f;
  options.workers = 4;
  const MfTask task({train.spans(), test.spans(), 400, 300}, options);
  LocalTables tables(task.tables(), false);
  SummedParameters::train(task, tables, 4, 40);
  LocalParameters params(tables);
  EXPECT_LT(rmse(task, params), 0.34);
}

std::string what_of(auto&& run) {
  try {
    run();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Mf, A_rate_that_makes_training_diverge_is_named) {
  const Made train = planted(2'000, 20, 20, 10);
  MfOptions options;
  options.optimizer = Optimizer::sgd;
  options.rate = 50;
  const MfTask task({train.spans(), {}, 20, 20}, options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  const std::string what = what_of([&] {
    for (uint32_t e = 0; e < 10; ++e) epoch_of(task, e, params);
  });
  EXPECT_NE(what.find("lower train.rate (it is 50"), std::string::npos) << what;
}

TEST(Mf, Data_and_settings_that_cannot_be_are_errors_with_names) {
  Made train = planted(10, 5, 5, 11);
  const auto make = [&](MfOptions options, uint32_t users) {
    return what_of([&] { MfTask({train.spans(), {}, users, 5}, options); });
  };
  train.users[7] = 8;
  EXPECT_NE(make({}, 5).find("user 8 is out of range: there are 5"), std::string::npos);
  EXPECT_NE(make({.factors = 0}, 9).find("model.factors"), std::string::npos);
  EXPECT_NE(make({.rate = -1}, 9).find("train.rate"), std::string::npos);
  train = {};
  EXPECT_NE(make({}, 9).find("no ratings"), std::string::npos);
}

}  // namespace
}  // namespace hemiola
