#include "hemiola/train/summary.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "hemiola/core/check.h"
#include "hemiola/train/json_text.h"

namespace hemiola {
namespace {

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Summary example() {
  Summary s;
  s.job = "wordnet";
  s.model = "mf";
  s.sync = "ssp(3)";
  s.seed = 7;
  s.nodes = 4;
  s.workers = 8;
  s.totals.samples = 1234;
  s.totals.tables.tables.resize(1);
  s.totals.tables.tables[0].local_rows = 10;
  s.totals.tables.tables[0].staleness.add(3, 2);
  s.table_names = {"factors"};
  s.epochs = {{1, 0.5, 0.5, 0.75, 617, {{"rmse", 0.25}}}, {2, 0.5, 1.0, 0.5, 617, {}}};
  return s;
}

TEST(Summary, Files_appear_in_a_folder_that_is_made) {
  const std::string folder = testing::TempDir() + "/hemiola_summary_test/run";
  std::filesystem::remove_all(folder);
  MetricsFile metrics(folder);
  for (const EpochRecord& e : example().epochs) metrics.add(e);
  write_summary(folder, example());
  EXPECT_EQ(read(folder + "/summary.json"), to_json(example()));
  EXPECT_EQ(read(folder + "/metrics.jsonl"),
            to_json_line(example().epochs[0]) + to_json_line(example().epochs[1]));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2);
  std::filesystem::remove_all(folder);
}

TEST(Summary, A_folder_that_cannot_be_made_is_an_error_that_names_it) {
  try {
    write_summary("/dev/null/run", Summary{});
    FAIL();
  } catch (const UserError& e) {
    EXPECT_EQ(std::string(e.what()).substr(0, 38), "cannot make the folder /dev/null/run: ");
  }
}

}  // namespace
}  // namespace hemiola
