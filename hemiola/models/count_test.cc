#include "hemiola/models/count.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

class CountTest : public testing::Test {
 protected:
  static constexpr uint32_t kExamples = 2500, kEpochs = 3;

  void train(uint32_t block) { examples_ += task_.train({block, 0, {}}, params_).examples; }
  void train_all(uint32_t epochs) {
    for (uint32_t e = 0; e < epochs; ++e) {
      for (uint32_t b = 0; b < task_.plan(1).blocks.size(); ++b) train(b);
    }
  }
  std::vector<double> evaluated() {
    std::vector<double> sums(task_.metric_sums());
    for (uint32_t part = 0; part < task_.evaluation_parts(); ++part) {
      task_.evaluate(part, params_, sums);
    }
    return sums;
  }

  CountTask task_{{.examples = kExamples, .epochs = kEpochs}};
  LocalTables tables_{task_.tables(), false};
  LocalParameters params_{tables_, true};
  double examples_ = 0;
};

TEST_F(CountTest, After_all_epochs_nothing_is_missing_and_nothing_repeated) {
  train_all(kEpochs);
  EXPECT_EQ(examples_, kEpochs * kExamples);
  EXPECT_EQ(evaluated(), (std::vector<double>{0, 0}));
}

TEST_F(CountTest, A_block_too_few_is_missing_in_both_tables) {
  train_all(kEpochs - 1);
  train(0), train(1);
  EXPECT_EQ(evaluated(), (std::vector<double>{2 * 500, 0}));
}

TEST_F(CountTest, A_block_too_many_is_repeated_in_both_tables) {
  train_all(kEpochs);
  train(2);
  EXPECT_EQ(evaluated(), (std::vector<double>{0, 2 * 500}));
}

TEST_F(CountTest, A_lost_update_of_one_row_is_seen_although_another_was_counted_twice) {
  train_all(kEpochs);
  tables_.row(CountTask::kOwn, Key{77})[0] -= 1;
  tables_.row(CountTask::kOwn, Key{78})[0] += 1;
  EXPECT_EQ(evaluated(), (std::vector<double>{1, 1}));
}

TEST(Count, Metrics_have_names) {
  const CountTask task({});
  const auto metrics = task.metrics(std::vector<double>{1, 2});
  EXPECT_EQ(metrics[0].name, "missing");
  EXPECT_EQ(metrics[1].name, "repeated");
}

TEST(Count, More_than_floats_can_count_is_refused) {
  EXPECT_THROW(CountTask({.examples = 100'000'000, .epochs = 100}), UserError);
}

}  // namespace
}  // namespace hemiola
