#include "hemiola/train/task_factory.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

Job made(std::initializer_list<std::string> overrides) {
  Job job;
  set_override(job, "data.examples=2000");
  set_override(job, "data.features=500");
  set_override(job, "data.true_weights=20");
  for (const auto& o : overrides) set_override(job, o);
  resolve(job);
  return job;
}

uint64_t examples_of(const Task& task) {
  uint64_t sum = 0;
  for (const BlockSpec& b : task.plan(1).blocks) sum += b.examples;
  return sum;
}

TEST(TaskFactory, Made_data_become_a_task_of_the_asked_model) {
  for (const std::string generator : {"clicks", "sparse"}) {
    const Job job = made({"model.kind=linear", "data.generator=" + generator});
    const LoadedTask loaded(job, in_order);
    EXPECT_EQ(examples_of(loaded.task()), 1800u) << generator;
    EXPECT_NE(loaded.description().find("200 to test"), std::string::npos) << loaded.description();
  }
  const LoadedTask lasso(made({"model.kind=linear", "data.generator=lasso", "model.loss=squared"}),
                         in_order);
  EXPECT_NE(lasso.description().find("planted model's rmse"), std::string::npos);
  const LoadedTask mf(made({"data.users=50", "data.items=50"}), in_order);
  EXPECT_EQ(examples_of(mf.task()), 1800u);
  EXPECT_EQ(mf.task().tables()[0].rows, 100u);
}

TEST(TaskFactory, A_file_without_a_test_set_is_evaluated_on_itself) {
  const test::TempFolder folder;
  const std::string path = folder.write("ratings.txt", "1 1 5\n2 1 3\n2 2 4\n");
  const LoadedTask loaded(made({"data.kind=ratings", "data.train=" + path}), in_order);
  EXPECT_EQ(examples_of(loaded.task()), 3u);
  EXPECT_GT(loaded.task().evaluation_parts(), 0u);
}

TEST(TaskFactory, A_missing_file_is_named) {
  try {
    LoadedTask(made({"data.kind=ratings", "data.train=/no/such"}), in_order);
    FAIL();
  } catch (const UserError& e) {
    EXPECT_NE(std::string(e.what()).find("/no/such"), std::string::npos);
  }
}

TEST(TaskFactory, Tables_take_the_scheme_of_the_job_or_their_own) {
  Job job = made({"sync.scheme=ssp(3)"});
  const LoadedTask loaded(job, in_order);
  EXPECT_EQ(table_options(job, loaded.task())[0].staleness.name(), "ssp(3)");
  EXPECT_TRUE(table_options(job, loaded.task())[0].exact);
  job.sync.tables["factors"] = "essp(1)";
  EXPECT_EQ(table_options(job, loaded.task())[0].staleness.name(), "essp(1)");
  job.sync.tables["itmes"] = "bsp";
  try {
    table_options(job, loaded.task());
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(),
                 "`sync.tables` names `itmes`, but the tables of model mf are: `factors`");
  }
}

TEST(TaskFactory, Tables_take_the_placement_of_the_job_or_their_own) {
  Job job = made({"sync.placement=nups(50)"});
  const LoadedTask loaded(job, in_order);
  EXPECT_EQ(table_options(job, loaded.task())[0].placement.name(), "nups(50)");
  job.sync.placements["factors"] = "intent";
  EXPECT_EQ(table_options(job, loaded.task())[0].placement.name(), "intent");
  job.sync.placements["x"] = "intent";
  try {
    table_options(job, loaded.task());
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(),
                 "`sync.placements` names `x`, but the tables of model mf are: `factors`");
  }
}

}  // namespace
}  // namespace hemiola
