#include "hemiola/train/report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "hemiola/train/settings.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {
namespace {

TEST(Report, The_scheme_is_told_with_what_differs_from_it) {
  Job job;
  set_override(job, "sync.scheme=essp(3)");
  EXPECT_EQ(sync_text(job), "essp(3)");
  set_override(job, "sync.tables.items=bsp");
  EXPECT_EQ(sync_text(job), "essp(3) items=bsp");
}

TEST(Report, Its_files_stand_when_it_is_published) {
  Job job;
  set_override(job, "data.examples=100");
  resolve(job);
  const LoadedTask loaded(job, in_order);
  Flags flags;
  flags.out = testing::TempDir() + "/hemiola_report_test" + std::to_string(getpid());
  flags.quiet = true;
  std::filesystem::remove_all(flags.out);
  Progress progress(progress_options(flags));
  Report report(job, loaded.task(), flags, "net", 0, progress);
  report.epoch({1, 1, 1, 0.5, 90, {{"rmse", 1}}});
  EXPECT_GT(std::filesystem::file_size(flags.out + "/metrics.jsonl"), 0u);
  EXPECT_FALSE(std::filesystem::exists(flags.out + "/summary.json"));
  report.finished({}, 1);
  report.publish();
  EXPECT_TRUE(std::filesystem::exists(flags.out + "/summary.json"));
  std::filesystem::remove_all(flags.out);
}

}  // namespace
}  // namespace hemiola
