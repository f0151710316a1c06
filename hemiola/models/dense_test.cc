#include "hemiola/models/dense.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

struct Made {
  DenseImageShape shape;
  uint32_t classes = 0;
  std::vector<uint8_t> pixels, labels;

  DenseImages images() const { return {pixels, labels}; }
};

uint8_t byte_of(double x) { return static_cast<uint8_t>(std::clamp(x, 0.0, 255.0)); }

// Two pixels, dark or bright, with noise; the label is whether they differ.
Made xor_images(size_t n, uint64_t seed) {
  Made made{{1, 2, 1}, 2, {}, {}};
  Random random(seed);
  for (size_t i = 0; i < n; ++i) {
    const bool a = random.chance(0.5), b = random.chance(0.5);
    made.pixels.push_back(byte_of((a ? 200 : 50) + 15 * random.normal()));
    made.pixels.push_back(byte_of((b ? 200 : 50) + 15 * random.normal()));
    made.labels.push_back(a != b);
  }
  return made;
}

// A bright bar somewhere, upright, lying or slanted: pixel by pixel the classes are alike.
Made bar_images(size_t n, uint64_t seed) {
  Made made{{10, 10, 1}, 3, std::vector<uint8_t>(n * 100), {}};
  Random random(seed);
  for (size_t i = 0; i < n; ++i) {
    uint8_t* image = made.pixels.data() + i * 100;
    for (size_t p = 0; p < 100; ++p) image[p] = byte_of(60 + 20 * random.normal());
    const auto label = static_cast<uint8_t>(random.below(3));
    const size_t y = random.below(6), x = random.below(6);
    for (size_t s = 0; s < 5; ++s) {
      const size_t py = label == 1 ? y : y + s, px = label == 0 ? x : x + s;
      image[py * 10 + px] = byte_of(200 + 20 * random.normal());
    }
    made.labels.push_back(label);
  }
  return made;
}

DenseData data_of(const Made& train, const Made& test) {
  return {train.images(), test.images(), train.shape, train.classes};
}

LossSum epoch_of(const DenseTask& task, uint32_t epoch, Parameters& params) {
  LossSum sum;
  for (uint32_t b = 0; b < task.plan(1).blocks.size(); ++b) {
    const LossSum part = task.train({b, epoch, {}}, params);
    sum.sum += part.sum, sum.examples += part.examples;
  }
  return sum;
}

double accuracy(const DenseTask& task, Parameters& params) {
  std::vector<double> sums(task.metric_sums());
  for (uint32_t part = 0; part < task.evaluation_parts(); ++part) task.evaluate(part, params, sums);
  const auto metrics = task.metrics(sums);
  EXPECT_EQ(metrics.at(0).name, "accuracy");
  EXPECT_EQ(metrics.at(1).name, "log_loss");
  return metrics.at(0).value;
}

double accuracy_after(const Made& train, const Made& test, const DenseOptions& options,
                      uint32_t epochs) {
  const DenseTask task(data_of(train, test), options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  for (uint32_t e = 0; e < epochs; ++e) epoch_of(task, e, params);
  return accuracy(task, params);
}

TEST(Dense, A_hidden_layer_learns_xor_and_a_net_without_one_does_not) {
  const Made train = xor_images(4'000, 1), test = xor_images(1'000, 2);
  DenseOptions options;
  EXPECT_LT(accuracy_after(train, test, options, 10), 0.8);
  for (const float momentum : {0.f, 0.9f}) {
    options.momentum = momentum;
    options.hidden = {8};
    EXPECT_GT(accuracy_after(train, test, options, 10), 0.99) << "momentum " << momentum;
  }
  options.momentum = 0;
  options.optimizer = Optimizer::adagrad;
  options.rate = 0.1f;
  EXPECT_GT(accuracy_after(train, test, options, 10), 0.99) << "adagrad";
}

TEST(Dense, Filters_learn_what_lies_anywhere_and_softmax_regression_does_not) {
  const Made train = bar_images(3'000, 3), test = bar_images(500, 4);
  DenseOptions options;
  EXPECT_LT(accuracy_after(train, test, options, 4), 0.7);
  options.filters = {8};
  options.momentum = 0.9f;
  options.change.flip = true;  // a slanted bar stays slanted
  EXPECT_GT(accuracy_after(train, test, options, 4), 0.97);
}

TEST(Dense, Rows_reached_by_pointer_or_under_latches_end_as_rows_reached_directly) {
  const Made train = bar_images(300, 5);
  struct Way {
    bool latched, by_pointer;
  };
  for (const float momentum : {0.f, 0.8f}) {
    DenseOptions options;
    options.filters = {5};
    options.hidden = {7};
    options.momentum = momentum;
    options.batch = 32;
    const DenseTask task(data_of(train, train), options);
    LocalTables want(task.tables(), false);
    LocalParameters direct(want);
    const double loss = epoch_of(task, 0, direct).sum;
    for (const Way& way : {Way{false, true}, Way{true, false}, Way{true, true}}) {
      LocalTables got(task.tables(), way.latched);
      LocalParameters params(got, way.by_pointer);
      EXPECT_NEAR(epoch_of(task, 0, params).sum, loss, 1e-4 * loss);
      for (uint32_t t = 0; t < want.size(); ++t) {
        for (uint32_t k = 0; k < want.row_count(TableId{t}); ++k) {
          const auto a = want.row(TableId{t}, Key{k}), b = got.row(TableId{t}, Key{k});
          for (size_t c = 0; c < a.size(); ++c) ASSERT_NEAR(a[c], b[c], 1e-4) << t << " " << k;
        }
      }
      EXPECT_EQ(direct.steps(), params.steps());
      EXPECT_EQ(way.by_pointer, params.intended() > 0);
    }
  }
}

TEST(Dense, The_first_loss_is_about_the_logarithm_of_the_classes) {
  const Made train = bar_images(2'000, 6);
  DenseOptions options;
  options.rate = 1e-9f;
  const DenseTask task(data_of(train, train), options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  const LossSum loss = epoch_of(task, 0, params);
  EXPECT_EQ(loss.examples, 2'000);
  EXPECT_NEAR(loss.sum / loss.examples, std::log(3), 0.4);
}

TEST(Dense, Threads_on_the_same_rows_still_learn_with_and_without_latches) {
  const Made train = xor_images(8'000, 7), test = xor_images(1'000, 8);
  DenseOptions options;
  options.hidden = {16};
  options.workers = 2;
  for (const bool latched : {false, true}) {
    const DenseTask task(data_of(train, test), options);
    LocalTables tables(task.tables(), latched);
    const auto work = [&](uint32_t first) {
      LocalParameters params(tables);
      for (uint32_t e = 0; e < 8; ++e) {
        for (uint32_t b = first; b < task.plan(2).blocks.size(); b += 2) {
          task.train({b, e, {}}, params);
        }
      }
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    LocalParameters params(tables);
    EXPECT_GT(accuracy(task, params), 0.99);
  }
}

TEST(Dense, A_block_is_whole_batches_and_every_example_is_in_one) {
  const Made train = xor_images(1'000, 9);
  for (const uint32_t workers : {1U, 3U, 50U}) {
    DenseOptions options;
    options.batch = 10;
    options.workers = workers;
    const DenseTask task(data_of(train, train), options);
    uint32_t examples = 0;
    const BlockPlan plan = task.plan(workers);
    for (const BlockSpec& block : plan.blocks) examples += block.examples;
    EXPECT_EQ(examples, 1'000u);
    EXPECT_EQ(plan.blocks[0].examples % 10, 0u);
    EXPECT_GE(plan.blocks.size(), std::min(100U, 16 * workers));
  }
}

TEST(Dense, Tables_have_a_row_for_each_input_and_state_only_when_it_is_needed) {
  const Made train = bar_images(10, 1);
  DenseOptions options;
  options.filters = {4};
  options.hidden = {6};
  const auto plain = DenseTask(data_of(train, train), options).tables();
  ASSERT_EQ(plain.size(), 3u);
  EXPECT_EQ(plain[0].name + " " + plain[1].name + " " + plain[2].name, "conv1 full1 output");
  EXPECT_EQ(plain[0].rows, 26u);
  EXPECT_EQ(plain[1].rows, 101u);
  EXPECT_EQ(plain[1].row_length, 6u);
  EXPECT_NE(plain[0].init.seed, plain[1].init.seed);
  options.momentum = 0.5f;
  const auto moving = DenseTask(data_of(train, train), options).tables();
  EXPECT_EQ(moving[1].row_length, 12u);
  EXPECT_EQ(moving[1].values(), 6u);
}

TEST(Dense, Facts_are_what_a_prediction_needs_besides_the_rows) {
  Made train = bar_images(10, 1);
  std::fill(train.pixels.begin(), train.pixels.end(), 7);
  train.pixels[0] = 9;
  const auto facts = DenseTask(data_of(train, train), {}).facts();
  EXPECT_EQ(facts.at("height"), 10);
  EXPECT_EQ(facts.at("classes"), 3);
  EXPECT_EQ(facts.at("convolutions"), 0);
  EXPECT_NEAR(facts.at("mean_0"), 7.002, 1e-4);
  EXPECT_NEAR(facts.at("deviation_0"), 0.0632, 1e-4);
}

std::string what_of(auto&& run) {
  try {
    run();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Dense, A_rate_that_makes_training_diverge_is_named) {
  const Made train = bar_images(500, 1);
  DenseOptions options;
  options.hidden = {20};
  options.rate = 1e6f;
  const DenseTask task(data_of(train, train), options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  const std::string what = what_of([&] {
    for (uint32_t e = 0; e < 20; ++e) epoch_of(task, e, params);
  });
  EXPECT_NE(what.find("lower train.rate (it is 1000000"), std::string::npos) << what;
}

TEST(Dense, Data_and_settings_that_cannot_be_are_errors_with_names) {
  Made train = bar_images(10, 1);
  const auto make = [&](const DenseOptions& options) {
    return what_of([&] { DenseTask(data_of(train, train), options); });
  };
  EXPECT_NE(make({.momentum = 1}).find("train.momentum"), std::string::npos);
  EXPECT_NE(make({.rate = -1}).find("train.rate"), std::string::npos);
  EXPECT_NE(make({.batch = 0}).find("train.batch"), std::string::npos);
  EXPECT_NE(make({.filters = {1, 1, 1, 1}}).find("model.filters"), std::string::npos);
  train.labels[4] = 3;
  EXPECT_NE(make({}).find("label 3 of training image 4 is out of range"), std::string::npos);
  train.labels.clear(), train.pixels.clear();
  EXPECT_NE(make({}).find("no images"), std::string::npos);
}

}  // namespace
}  // namespace hemiola
