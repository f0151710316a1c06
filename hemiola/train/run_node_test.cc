#include "hemiola/train/run_node.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "hemiola/train/json_text.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

TEST(RunNode, A_job_of_one_node_runs_without_an_address) {
  for (const char* workers : {"cluster.workers=1", "cluster.workers=2"}) {
    Job job;
    for (const char* o :
         {"data.examples=20000", "data.users=200", "data.items=100", "train.epochs=2", workers}) {
      set_override(job, o);
    }
    resolve(job);
    Flags flags;
    flags.out = testing::TempDir() + "/hemiola_run_node_test" + std::to_string(getpid());
    flags.quiet = true;
    Progress progress(progress_options(flags));
    const JobOver over = run_node(job, flags, NodePlace{}, progress);
    EXPECT_TRUE(over.ok) << over.reason;
    std::ostringstream text;
    text << std::ifstream(flags.out + "/summary.json").rdbuf();
    const auto numbers = numbers_in_json(text.str(), "summary.json");
    EXPECT_EQ(numbers.at("samples"), 36'000);
    EXPECT_EQ(numbers.at("bytes_sent"), 0);
    EXPECT_LT(numbers.at("final/metrics/rmse"), 1.2);
    std::filesystem::remove_all(flags.out);
  }
}

TEST(RunNode, Nodes_must_agree_on_all_but_their_own_files) {
  Job job;
  const std::string before = agreement_text(job);
  set_override(job, "cluster.key=mine.pem");
  EXPECT_EQ(agreement_text(job), before);
  set_override(job, "train.epochs=11");
  EXPECT_NE(agreement_text(job), before);
  EXPECT_NE(before.find("train.epochs = 10\n"), std::string::npos);
}

}  // namespace
}  // namespace hemiola
