#include "hemiola/train/worker.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <limits>

#include "hemiola/train/model_for_test.h"
#include "hemiola/train/solo_for_test.h"

namespace hemiola {
namespace {

TEST(Worker, A_replica_that_is_unlike_the_others_is_found) {
  EXPECT_EQ(first_unlike(std::vector<double>{7, 7, 7}), std::nullopt);
  EXPECT_EQ(first_unlike(std::vector<double>{7, 7, 8}), WorkerId{2});
  EXPECT_EQ(first_unlike(std::vector<double>{6, 7, 7}), WorkerId{1});
}

// Counts in one row how often each block was done.
class Counting : public Task {
 public:
  static constexpr uint32_t kBlocks = 5;

  std::vector<TableSpec> tables() const override { return {{"counts", kBlocks, 1, 1, {}}}; }
  BlockPlan plan(uint32_t) const override { return {std::vector<BlockSpec>(kBlocks, {10})}; }
  LossSum train(const Work& work, Parameters& params) const override {
    const auto [block, epoch, next] = work;
    if (on_train) on_train(block, epoch);
    const Key key{block};
    float* row = nullptr;
    params.rows(TableId{0}, {&key, 1}, Access::write, {&row, 1});
    *row += 1;
    params.step(10);
    return {loss * 10, 10};
  }
  uint32_t evaluation_parts() const override { return 3; }
  size_t metric_sums() const override { return 1; }
  void evaluate(uint32_t part, Parameters&, std::span<double> sums) const override {
    sums[0] += part;
  }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    return {{"parts", sums[0]}};
  }

  double loss = 0.5;
  std::function<void(uint32_t, uint32_t)> on_train;
};

struct Notes : RunListener {
  bool wants_live() override { return true; }
  void live(const LiveState& state) override { lives.push_back(state); }
  void epoch(const EpochRecord& record) override { epochs.push_back(record); }
  void done_before(const std::vector<EpochRecord>& records) override {
    EXPECT_TRUE(records.empty());
  }
  void finished(const RunTotals& t, double) override { totals = t; }
  void saved(const std::string& folder, uint64_t, const std::vector<uint32_t>&) override {
    model = folder;
  }

  std::vector<LiveState> lives;
  std::vector<EpochRecord> epochs;
  std::optional<RunTotals> totals;
  std::string model;
};

struct Solo {
  explicit Solo(RunSettings s) : settings(s), tables(options(), {NodeId{0}, 1, 1}), port(tables) {}

  std::vector<TableOptions> options() {
    TableOptions o;
    o.spec = task.tables()[0];
    return {o};
  }
  void run() {
    NodeShare share(task, tables, settings, 1);
    share.listener = &notes;
    share.saver = saver.get();
    run_worker(port, share);
  }
  float count(uint32_t block) { return *tables.rows(TableId{0}).owned(block); }

  RunSettings settings;
  Counting task;
  TableSet tables;
  SoloPort port;
  Notes notes;
  std::unique_ptr<ModelSaver> saver;
};

TEST(Worker, Every_block_is_done_once_in_every_epoch) {
  Solo solo({.epochs = 3});
  solo.run();
  for (uint32_t b = 0; b < Counting::kBlocks; ++b) EXPECT_EQ(solo.count(b), 3) << b;
  ASSERT_TRUE(solo.port.over);
  EXPECT_TRUE(solo.port.over->ok) << solo.port.over->reason;
}

TEST(Worker, Every_epoch_is_recorded_with_its_loss_and_quality) {
  Solo solo({.epochs = 2});
  solo.run();
  ASSERT_EQ(solo.notes.epochs.size(), 2u);
  EXPECT_EQ(solo.notes.epochs[1].epoch, 2u);
  EXPECT_EQ(solo.notes.epochs[1].loss, 0.5);
  EXPECT_EQ(solo.notes.epochs[1].samples, 50u);
  ASSERT_EQ(solo.notes.epochs[1].metrics.size(), 1u);
  EXPECT_EQ(solo.notes.epochs[1].metrics[0].value, 0 + 1 + 2);
  ASSERT_TRUE(solo.notes.totals);
  EXPECT_EQ(solo.notes.totals->samples, 100u);
}

TEST(Worker, Quality_is_measured_as_often_as_was_asked_and_at_the_end) {
  Solo solo({.epochs = 5, .evaluate_every = 2});
  solo.run();
  std::vector<bool> measured;
  for (const EpochRecord& e : solo.notes.epochs) measured.push_back(!e.metrics.empty());
  EXPECT_EQ(measured, (std::vector<bool>{false, true, false, true, true}));
}

TEST(Worker, Time_is_told_apart_into_computing_and_stalls) {
  RunSettings settings{.epochs = 2};
  settings.cost.ns_per_example = 1e6;
  settings.cost.stall_chance = 1;
  settings.cost.stall = milliseconds(5);
  Solo solo(settings);
  solo.run();
  ASSERT_TRUE(solo.notes.totals);
  EXPECT_NEAR(solo.notes.totals->time.compute, 0.1, 1e-9);
  EXPECT_NEAR(solo.notes.totals->time.idle, 0.05, 1e-9);
  EXPECT_NEAR(solo.notes.totals->ns_per_example, 1e6, 1e-3);
  EXPECT_NEAR(solo.notes.epochs[0].seconds, 0.075, 1e-9);
}

TEST(Worker, The_live_state_tells_how_far_the_epoch_is) {
  RunSettings settings{.epochs = 1};
  settings.cost.ns_per_example = 100;
  Solo solo(settings);
  solo.run();
  ASSERT_EQ(solo.notes.lives.size(), 5u);
  EXPECT_NEAR(solo.notes.lives[1].epoch_share, 0.4, 1e-9);
  EXPECT_EQ(solo.notes.lives[1].loss, 0.5);
}

TEST(Worker, What_is_thrown_in_a_task_ends_the_job_with_its_text) {
  Solo solo({.epochs = 3});
  solo.task.on_train = [](uint32_t, uint32_t epoch) {
    if (epoch == 1) throw UserError("the glass is broken");
  };
  solo.run();
  ASSERT_TRUE(solo.port.over);
  EXPECT_FALSE(solo.port.over->ok);
  EXPECT_NE(solo.port.over->reason.find("the glass is broken"), std::string::npos)
      << solo.port.over->reason;
  EXPECT_EQ(solo.notes.epochs.size(), 1u);
}

TEST(Worker, The_model_is_saved_behind_the_last_epoch) {
  const test::TempFolder folder;
  Solo solo({.epochs = 3});
  solo.saver = std::make_unique<ModelSaver>(folder.path("model"), Manifest{},
                                            std::vector<RowNames>(1), solo.tables);
  solo.run();
  EXPECT_TRUE(solo.port.over && solo.port.over->ok);
  EXPECT_EQ(solo.notes.model, folder.path("model"));
  const ModelReader model(folder.path(""));
  const Matrix counts = model.values(model.table("counts"));
  ASSERT_EQ(counts.rows, Counting::kBlocks);
  for (uint32_t b = 0; b < counts.rows; ++b) EXPECT_EQ(counts.row(b)[0], 3);
}

TEST(Worker, A_model_that_cannot_be_saved_ends_the_job_but_the_result_was_told) {
  const test::TempFolder folder;
  folder.write("file", "no folder");
  Solo solo({.epochs = 1});
  solo.saver = std::make_unique<ModelSaver>(folder.path("file/model"), Manifest{},
                                            std::vector<RowNames>(1), solo.tables);
  solo.run();
  ASSERT_TRUE(solo.port.over);
  EXPECT_FALSE(solo.port.over->ok);
  EXPECT_NE(solo.port.over->reason.find("the model was not saved: cannot make the folder"),
            std::string::npos)
      << solo.port.over->reason;
  EXPECT_TRUE(solo.notes.totals);
  EXPECT_EQ(solo.notes.model, "");
}

TEST(Worker, A_loss_that_is_no_number_ends_the_job_and_names_the_rate) {
  Solo solo({.epochs = 3});
  solo.task.loss = std::numeric_limits<double>::infinity();
  solo.run();
  ASSERT_TRUE(solo.port.over);
  EXPECT_FALSE(solo.port.over->ok);
  EXPECT_NE(solo.port.over->reason.find("train.rate"), std::string::npos);
}

}  // namespace
}  // namespace hemiola
