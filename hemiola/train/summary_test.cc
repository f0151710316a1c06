#include "hemiola/train/summary.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/train/json_text.h"
#include "hemiola/train/summary_for_test.h"

namespace hemiola {
namespace {

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Summary, Files_appear_in_a_folder_that_is_made) {
  const test::TempFolder place;
  const std::string folder = place.path("run");
  MetricsFile metrics(folder);
  for (const EpochRecord& e : summary_for_test().epochs) metrics.add(e);
  write_summary(folder, summary_for_test());
  EXPECT_EQ(read(folder + "/summary.json"), to_json(summary_for_test()));
  EXPECT_EQ(read(folder + "/metrics.jsonl"), to_json_line(summary_for_test().epochs[0]) +
                                                 to_json_line(summary_for_test().epochs[1]));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2);
}

TEST(Summary, A_folder_that_cannot_be_made_is_an_error_that_names_it) {
  try {
    write_summary("/dev/null/run", Summary{});
    FAIL();
  } catch (const UserError& e) {
    EXPECT_EQ(std::string(e.what()).substr(0, 38), "cannot make the folder /dev/null/run: ");
  }
}

TEST(WorkerTotals, What_was_under_an_earlier_view_counts_but_not_for_whom_it_was_waited) {
  WorkerTotals now, earlier;
  now.tables.tables.resize(1);
  earlier.tables.tables.resize(1);
  now.tables.tables[0].blame(NodeId{1}, seconds(2));
  earlier.tables.tables[0].blame(NodeId{3}, seconds(5));
  earlier.tables.tables[0].wait_rows = seconds(5);
  earlier.tables.tables[0].local_rows = 9;
  now.time.compute = 1;
  earlier.time.compute = 2;
  earlier.delays.add(4);
  earlier.gaps.held = 3;
  earlier.rounds["all were ready"] = 6;
  now.rounds["all were ready"] = 1;
  now.add_earlier(earlier);
  EXPECT_EQ(now.tables.tables[0].waited_for.size(), 2u);
  EXPECT_EQ(now.tables.tables[0].wait_rows, seconds(5));
  EXPECT_EQ(now.tables.tables[0].local_rows, 9u);
  EXPECT_EQ(now.time.compute, 3);
  EXPECT_EQ(now.delays.count(), 1u);
  EXPECT_EQ(now.gaps.held, 3u);
  EXPECT_EQ(now.rounds["all were ready"], 7u);
}

}  // namespace
}  // namespace hemiola
