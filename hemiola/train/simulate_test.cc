#include "hemiola/train/simulate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "hemiola/core/check.h"
#include "hemiola/train/json_text.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

struct Outcome {
  JobOver over;
  std::string summary;
  std::map<std::string, double> numbers;
};

Outcome simulated(std::initializer_list<std::string> overrides, Flags flags = {}) {
  Job job;
  for (const char* o : {"data.examples=20000", "data.users=200", "data.items=100", "train.epochs=3",
                        "model.factors=4", "cluster.nodes=3"}) {
    set_override(job, o);
  }
  for (const auto& o : overrides) set_override(job, o);
  resolve(job);
  flags.out = testing::TempDir() + "/hemiola_simulate_test" + std::to_string(getpid());
  flags.quiet = true;
  if (flags.ns_per_example == 0) flags.ns_per_example = 100;
  Progress progress(progress_options(flags));
  Outcome run{simulate(job, flags, progress), "", {}};
  std::ostringstream text;
  text << std::ifstream(flags.out + "/summary.json").rdbuf();
  run.summary = text.str();
  run.numbers = numbers_in_json(run.summary, "summary.json");
  std::filesystem::remove_all(flags.out);
  return run;
}

TEST(Simulate, Every_scheme_reaches_the_quality_of_one_node) {
  const double alone = simulated({"cluster.nodes=1"}).numbers.at("final/metrics/rmse");
  for (const std::string scheme : {"bsp", "bsp strict", "ssp(3)", "essp(3)", "async"}) {
    const Outcome run = simulated({"sync.scheme=" + scheme});
    EXPECT_TRUE(run.over.ok) << scheme << ": " << run.over.reason;
    EXPECT_NEAR(run.numbers.at("final/metrics/rmse"), alone, 0.05 * alone) << scheme;
    EXPECT_EQ(run.numbers.at("samples"), 3 * 18'000) << scheme;
    EXPECT_GT(run.numbers.at("bytes_sent"), 0) << scheme;
  }
}

TEST(Simulate, The_same_seed_gives_the_same_run) {
  const auto without_load = [](std::map<std::string, double> numbers) {
    numbers.erase("load_seconds");
    return numbers;
  };
  const auto once = without_load(simulated({"sync.scheme=essp(2)"}).numbers);
  EXPECT_EQ(without_load(simulated({"sync.scheme=essp(2)"}).numbers), once);
  EXPECT_NE(without_load(simulated({"sync.scheme=essp(2)", "job.seed=2"}).numbers), once);
}

TEST(Simulate, Stragglers_cost_less_when_reads_may_be_stale) {
  Flags flags;
  flags.stall_chance = 0.1;
  flags.stall = milliseconds(50);
  const auto seconds = [&](const std::string& scheme) {
    return simulated({"sync.scheme=" + scheme, "train.batch=500", "train.epochs=6"}, flags)
        .numbers.at("seconds");
  };
  const double bsp = seconds("bsp");
  EXPECT_LT(seconds("ssp(8)"), 0.9 * bsp);
  EXPECT_LT(seconds("essp(8)"), 0.9 * bsp);
}

TEST(Simulate, A_slow_node_that_is_not_there_is_refused) {
  Flags flags;
  flags.slow_nodes = {{7, 2.0}};
  try {
    simulated({}, flags);
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(), "--slow-node names node 7, but the nodes are 0 to 2");
  }
}

}  // namespace
}  // namespace hemiola
