#include "hemiola/models/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
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
  std::vector<uint64_t> offset{0};
  std::vector<uint32_t> index;
  std::vector<float> value, label;

  SparseSpans spans() const { return {offset, index, value, label}; }
  void row(std::vector<std::pair<uint32_t, float>> entries, float y) {
    for (const auto& [j, v] : entries) index.push_back(j), value.push_back(v);
    offset.push_back(index.size());
    label.push_back(y);
  }
};

double planted_weight(uint32_t j) {
  Random random(mix(99, j));
  return random.normal();
}

// Labels from planted weights; for `classes` drawn with the logistic probability.
Made planted(size_t rows, uint32_t features, uint32_t nonzeros, bool classes, uint64_t seed) {
  Made made;
  Random random(seed);
  for (size_t r = 0; r < rows; ++r) {
    std::map<uint32_t, float> entries;
    while (entries.size() < nonzeros) {
      entries[static_cast<uint32_t>(features * random.uniform() * random.uniform())] =
          static_cast<float>(random.normal());
    }
    double score = 0.5;
    for (const auto& [j, v] : entries) score += planted_weight(j) * v;
    const double drawn = random.uniform() < 1 / (1 + std::exp(-score)) ? 1 : -1;
    const double y = classes ? drawn : score + 0.1 * random.normal();
    made.row({entries.begin(), entries.end()}, static_cast<float>(y));
  }
  return made;
}

LossSum epoch_of(const LinearTask& task, uint32_t epoch, Parameters& params) {
  LossSum sum;
  for (uint32_t b = 0; b < task.plan(1).blocks.size(); ++b) {
    const LossSum part = task.train({b, epoch, {}}, params);
    sum.sum += part.sum, sum.examples += part.examples;
  }
  return sum;
}

std::map<std::string, double> metrics_of(const LinearTask& task, Parameters& params) {
  std::vector<double> sums(task.metric_sums());
  for (uint32_t part = 0; part < task.evaluation_parts(); ++part) {
    task.evaluate(part, params, sums);
  }
  std::map<std::string, double> metrics;
  for (const Metric& m : task.metrics(sums)) metrics[m.name] = m.value;
  return metrics;
}

TEST(Linear, Planted_weights_are_found_for_both_losses_and_both_optimisers) {
  for (const bool classes : {true, false}) {
    const Made train = planted(20'000, 100, 8, classes, 1),
               test = planted(4'000, 100, 8, classes, 2);
    for (const Optimizer optimizer : {Optimizer::adagrad, Optimizer::sgd}) {
      LinearOptions options;
      options.loss = classes ? LinearLoss::logistic : LinearLoss::squared;
      options.optimizer = optimizer;
      options.decay = 0.7f;
      if (optimizer == Optimizer::adagrad) options.rate = 0.3f;
      const LinearTask task({train.spans(), test.spans(), 100}, options);
      LocalTables tables(task.tables(), false);
      LocalParameters params(tables);
      for (uint32_t e = 0; e < 10; ++e) epoch_of(task, e, params);
      auto metrics = metrics_of(task, params);
      if (classes) {
        double floor = 0;  // the loss of the planted weights themselves
        for (size_t r = 0; r < test.label.size(); ++r) {
          double score = 0.5;
          for (uint64_t i = test.offset[r]; i < test.offset[r + 1]; ++i) {
            score += planted_weight(test.index[i]) * test.value[i];
          }
          floor += std::log1p(std::exp(-score * test.label[r])) / 4'000;
        }
        EXPECT_LT(metrics["log_loss"], floor + 0.01);
        EXPECT_GT(metrics["auc"], 0.9);
        EXPECT_GT(metrics["accuracy"], 0.8);
      } else {
        EXPECT_LT(metrics["rmse"], 0.12);
      }
    }
  }
}

TEST(Linear, Rows_reached_by_pointer_end_with_the_same_bits_as_rows_reached_directly) {
  const Made train = planted(3'000, 300, 6, true, 3), test = planted(1'500, 300, 6, true, 4);
  LinearOptions options;
  options.batch = 100;
  options.l1 = 1e-4f, options.l2 = 1e-3f;
  const LinearTask task({train.spans(), test.spans(), 300}, options);
  LocalTables one(task.tables(), false), other(task.tables(), false);
  LocalParameters direct(one), by_pointer(other, true);
  for (uint32_t e = 0; e < 2; ++e) {
    EXPECT_EQ(epoch_of(task, e, direct).sum, epoch_of(task, e, by_pointer).sum);
  }
  for (uint32_t k = 0; k <= 300; ++k) {
    const auto a = one.row(kTable, Key{k}), b = other.row(kTable, Key{k});
    ASSERT_TRUE(std::equal(a.begin(), a.end(), b.begin())) << "row " << k;
  }
  EXPECT_EQ(metrics_of(task, direct), metrics_of(task, by_pointer));
  EXPECT_EQ(task.objective(direct), task.objective(by_pointer));
  EXPECT_EQ(direct.steps(), by_pointer.steps());
  EXPECT_GT(by_pointer.intended(), 0);
}

TEST(Linear, Latches_change_nothing_for_one_worker_but_rounding) {
  const Made train = planted(2'000, 50, 5, true, 5);
  const LinearTask task({train.spans(), {}, 50}, {});
  LocalTables one(task.tables(), false), other(task.tables(), true);
  LocalParameters free(one), latched(other);
  epoch_of(task, 0, free), epoch_of(task, 0, latched);
  for (uint32_t k = 0; k <= 50; ++k) {
    EXPECT_NEAR(one.row(kTable, Key{k})[0], other.row(kTable, Key{k})[0], 1e-4);
  }
  EXPECT_TRUE(metrics_of(task, free).empty()) << "there is nothing to test on";
}

// With one feature per example the solution of the Lasso is known in closed form:
// w = shrink(mean of labels, l1 * examples / those with the feature).
TEST(Linear, L1_reaches_the_solution_of_the_lasso_with_weights_that_are_exactly_0) {
  Made train;
  const float target[] = {2.0f, 0.3f, -1.0f, -0.1f};
  for (int i = 0; i < 4'000; ++i) {
    // +-1 by turns keeps the bias at 0.
    const float sign = i % 8 < 4 ? 1.0f : -1.0f;
    train.row({{static_cast<uint32_t>(i % 4), sign}}, sign * target[i % 4]);
  }
  LinearOptions options;
  options.loss = LinearLoss::squared;
  options.l1 = 0.05f;  // times 4: 0.2
  options.rate = 0.5f;
  const LinearTask task({train.spans(), train.spans(), 4}, options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  for (uint32_t e = 0; e < 30; ++e) epoch_of(task, e, params);
  EXPECT_NEAR(tables.row(kTable, Key{0})[0], 1.8, 0.03);
  EXPECT_NEAR(tables.row(kTable, Key{1})[0], 0.1, 0.03);
  EXPECT_NEAR(tables.row(kTable, Key{2})[0], -0.8, 0.03);
  EXPECT_EQ(tables.row(kTable, Key{3})[0], 0);
  EXPECT_EQ(metrics_of(task, params)["nonzeros"], 3);
  const double best = (0.04 * 3 + 0.01) / 8 + 0.05 * (1.8 + 0.1 + 0.8);
  EXPECT_NEAR(task.objective(params), best, 0.002);
}

TEST(Linear, L2_reaches_the_solution_of_ridge_regression) {
  Made train;
  for (int i = 0; i < 2'000; ++i) {
    const float sign = i % 4 < 2 ? 1.0f : -1.0f;
    train.row({{static_cast<uint32_t>(i % 2), sign}}, sign * 2);
  }
  LinearOptions options;
  options.loss = LinearLoss::squared;
  options.l2 = 0.5f;  // each feature is in half of the examples: w = 2 * 0.5 / (0.5 + 0.5)
  options.rate = 0.5f;
  const LinearTask task({train.spans(), {}, 2}, options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  for (uint32_t e = 0; e < 40; ++e) epoch_of(task, e, params);
  EXPECT_NEAR(tables.row(kTable, Key{0})[0], 1.0, 0.05);
}

TEST(Linear, Every_example_is_in_one_block_and_each_epoch_has_its_own_order) {
  for (const size_t rows : {1UL, 15UL, 16UL, 17UL, 1'000UL, 4'099UL}) {
    Made train;
    for (size_t r = 0; r < rows; ++r) train.row({}, 1);
    LinearOptions options;
    options.block_examples = 100;
    const LinearTask task({train.spans(), {}, 0}, options);
    LocalTables tables(task.tables(), false);
    LocalParameters params(tables);
    uint32_t block = 0;
    for (const BlockSpec& spec : task.plan(3).blocks) {
      EXPECT_EQ(task.train({block++, 0, {}}, params).examples, spec.examples) << rows;
    }
    EXPECT_EQ(params.examples(), rows);
  }
}

TEST(Linear, Data_sorted_by_label_are_learnt_as_well) {
  Made train;
  for (int i = 0; i < 8'000; ++i) {
    const bool positive = i >= 4'000;
    train.row({{static_cast<uint32_t>(i % 10) + (positive ? 5 : 0), 1}}, positive ? 1.0f : -1.0f);
  }
  const LinearTask task({train.spans(), train.spans(), 15}, {});
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  for (uint32_t e = 0; e < 5; ++e) epoch_of(task, e, params);
  EXPECT_GT(metrics_of(task, params)["accuracy"], 0.74);  // 5 features of 15 are undecided
}

TEST(Linear, Empty_rows_one_class_and_unseen_features_are_no_trouble) {
  Made train, test;
  for (int i = 0; i < 600; ++i)
    train.row(i % 2 ? std::vector<std::pair<uint32_t, float>>{}
                    : std::vector<std::pair<uint32_t, float>>{{1, 2}},
              1);
  test.row({}, 1), test.row({{7, 1}}, 1);
  const LinearTask task({train.spans(), test.spans(), 8}, {.l1 = 1e-5f});
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  for (uint32_t e = 0; e < 20; ++e) epoch_of(task, e, params);
  auto metrics = metrics_of(task, params);
  EXPECT_EQ(metrics["accuracy"], 1);
  EXPECT_LT(metrics["log_loss"], 0.3);
  EXPECT_FALSE(metrics.contains("auc")) << "one class has no ROC curve";
  EXPECT_EQ(tables.row(kTable, Key{7})[0], 0);
}

TEST(Linear, Threads_on_the_same_rows_still_learn_with_and_without_latches) {
  const Made train = planted(20'000, 100, 8, true, 6), test = planted(4'000, 100, 8, true, 7);
  for (const bool latched : {false, true}) {
    const LinearTask task({train.spans(), test.spans(), 100}, {});
    LocalTables tables(task.tables(), latched);
    const auto work = [&](uint32_t first) {
      LocalParameters params(tables);
      const auto blocks = static_cast<uint32_t>(task.plan(2).blocks.size());
      for (uint32_t e = 0; e < 5; ++e) {
        for (uint32_t b = first; b < blocks; b += 2) task.train({b, e, {}}, params);
      }
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    LocalParameters params(tables);
    EXPECT_GT(metrics_of(task, params)["auc"], 0.88);
  }
}

TEST(Linear, Four_workers_that_add_up_their_changes_after_each_step_learn_as_well) {
  const Made train = planted(20'000, 100, 8, true, 6), test = planted(4'000, 100, 8, true, 7);
  const LinearTask task({train.spans(), test.spans(), 100}, {});
  LocalTables one(task.tables(), false), four(task.tables(), false);
  SummedParameters::train(task, one, 1, 4);
  SummedParameters::train(task, four, 4, 4);
  LocalParameters by_one(one), by_four(four);
  const double want = metrics_of(task, by_one)["log_loss"];
  EXPECT_LT(metrics_of(task, by_four)["log_loss"], 1.01 * want);
}

std::string what_of(auto&& run) {
  try {
    run();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Linear, Values_that_make_training_diverge_are_named) {
  Made train;
  for (int i = 0; i < 100; ++i) train.row({{0, 1e18f}, {1, 3e19f}}, static_cast<float>(i));
  for (const Optimizer optimizer : {Optimizer::adagrad, Optimizer::sgd}) {
    LinearOptions options{.loss = LinearLoss::squared, .optimizer = optimizer};
    const LinearTask task({train.spans(), {}, 2}, options);
    LocalTables tables(task.tables(), false);
    LocalParameters params(tables);
    const std::string what = what_of([&] {
      for (uint32_t e = 0; e < 10; ++e) epoch_of(task, e, params);
    });
    if (optimizer == Optimizer::adagrad && what == "nothing was thrown") continue;
    EXPECT_NE(what.find("lower train.rate"), std::string::npos) << what;
  }
}

TEST(Linear, Data_and_settings_that_cannot_be_are_errors_with_names) {
  const auto make = [&](const Made& data, LinearOptions options) {
    return what_of([&] { LinearTask({data.spans(), {}, 5}, options); });
  };
  Made high, unsorted, label, good;
  high.row({{5, 1}}, 1);
  unsorted.row({{2, 1}, {2, 1}}, 1);
  label.row({{2, 1}}, 0);
  good.row({{2, 1}}, 1);
  EXPECT_NE(make(high, {}).find("example 0 has feature 5"), std::string::npos);
  EXPECT_NE(make(unsorted, {}).find("must ascend"), std::string::npos);
  EXPECT_NE(make(label, {}).find("needs -1 or 1"), std::string::npos);
  EXPECT_NE(make(Made(), {}).find("no examples"), std::string::npos);
  EXPECT_NE(make(good, {.l1 = -1}).find("model.l1"), std::string::npos);
  EXPECT_EQ(make(good, {}), "nothing was thrown");
}

}  // namespace
}  // namespace hemiola
