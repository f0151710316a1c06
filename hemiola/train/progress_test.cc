#include "hemiola/train/progress.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hemiola {
namespace {

// A file in memory that shows what was written.
class Screen {
 public:
  Screen() : file_(open_memstream(&text_, &size_)) {}
  ~Screen() {
    std::fclose(file_);
    std::free(text_);
  }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return std::string(text_, size_);
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* file_;
};

TEST(Progress, Numbers_are_short) {
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(12'345), "12.3 k");
  EXPECT_EQ(human_count(12'345'678), "12.3 M");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(12'345'678), "12.3 MB");
  EXPECT_EQ(human_seconds(0.0421), "42 ms");
  EXPECT_EQ(human_seconds(3.21), "3.21 s");
  EXPECT_EQ(human_seconds(250), "4 min 10 s");
  EXPECT_EQ(human_seconds(9000), "2 h 30 min");
}

TEST(Progress, An_epoch_is_one_line) {
  EXPECT_EQ(epoch_line({3, 0.5, 2, 0.25, 1'000'000, {{"rmse", 0.8625}}}, 10),
            "epoch 3/10  loss 0.25  rmse 0.8625  500 ms  2 M samples/s");
}

TEST(Progress, The_live_line_tells_where_the_run_stands) {
  EXPECT_EQ(live_line({2, 10, 0.5, 0.3, 1.5e6, 4, 0.4, 12}),
            "epoch 2/10  50 %  loss 0.3  1.5 M samples/s  12 s left  4 nodes  staleness 0.4");
}

TEST(Progress, On_a_terminal_the_live_line_is_drawn_over) {
  Screen screen;
  Progress progress({.out = screen.file(), .terminal = true});
  EXPECT_TRUE(progress.wants_live());
  progress.live({});
  EXPECT_FALSE(progress.wants_live());
  progress.text("done\n");
  EXPECT_TRUE(screen.text().ends_with("\x1b[K\r\x1b[Kdone\n")) << screen.text();
}

TEST(Progress, Elsewhere_there_is_no_live_line_and_no_escape) {
  Screen screen;
  Progress progress({.out = screen.file()});
  EXPECT_FALSE(progress.wants_live());
  progress.epoch({1, 1, 1, 1, 1, {}}, 1);
  EXPECT_EQ(screen.text(), "epoch 1/1  loss 1  1 s  1 samples/s\n");
}

TEST(Progress, Quiet_says_nothing) {
  Screen screen;
  Progress progress({.out = screen.file(), .quiet = true, .terminal = true});
  EXPECT_FALSE(progress.wants_live());
  progress.text("settings\n");
  progress.result({}, "runs/x");
  EXPECT_EQ(screen.text(), "");
}

TEST(Progress, The_result_names_quality_and_the_summary) {
  Summary s;
  s.model = "mf";
  s.sync = "bsp";
  s.nodes = 2, s.workers = 2;
  s.seconds = 2;
  s.epochs = {{1, 1, 1, 0.5, 10, {{"rmse", 0.9}}}};
  EXPECT_EQ(result_lines(s, "runs/x"),
            "result:  mf under bsp  loss 0.5  rmse 0.9\n"
            "0 samples in 2 s, 2 nodes x 1 worker, 0B sent\n"
            "summary: runs/x/summary.json\n");
}

TEST(Progress, The_result_of_several_nodes_says_where_the_rows_were) {
  Summary s;
  s.nodes = 2, s.workers = 2;
  s.totals.tables.tables.resize(2);
  TableStats& entities = s.totals.tables.tables[0];
  entities.local_rows = 60'000;
  entities.remote_rows = 20'000;
  s.totals.tables.tables[1].remote_rows = 20'000;
  EXPECT_NE(
      result_lines(s, "x").find("\nrows:    60 % of 100 k accesses were to a node's own, 40 % "
                                "to copies, none was waited for\n"),
      std::string::npos)
      << result_lines(s, "x");
  entities.missed_rows = 500;
  entities.moved_rows = 12'300;
  EXPECT_NE(result_lines(s, "x").find("39.5 % to copies, 0.5 % were missed and waited for; 12.3 k "
                                      "times a row moved\n"),
            std::string::npos)
      << result_lines(s, "x");
  s.nodes = 1;
  EXPECT_EQ(result_lines(s, "x").find("rows:"), std::string::npos);
}

TEST(Progress, The_result_of_a_run_that_lost_nodes_says_what_that_has_cost) {
  Summary s;
  s.nodes = 4, s.workers = 4;
  s.epochs.push_back({});
  History::Counts& h = s.totals.history;
  EXPECT_EQ(result_lines(s, "x").find("nodes:"), std::string::npos);
  h = {.changes = 3, .lost = 2, .left = 0, .joined = 2, .paused = 0.5, .longest_pause = 0.25};
  h.blocks_again = 1;
  EXPECT_NE(result_lines(s, "x").find("\nnodes:   2 lost, 2 joined, stood still 500 ms for it, "
                                      "250 ms at most; 1 block done again; no row lost\n"),
            std::string::npos)
      << result_lines(s, "x");
  h.rows = {12'300, 40, 1};
  EXPECT_NE(result_lines(s, "x").find("; 12.3 k rows from backups; 40 rows from a checkpoint; 1 "
                                      "row lost\n"),
            std::string::npos)
      << result_lines(s, "x");
  s.epochs.back().spread = 0;
  EXPECT_NE(
      result_lines(s, "x").find("done again; what the lost ones had not averaged yet is lost\n"),
      std::string::npos)
      << result_lines(s, "x");
}

}  // namespace
}  // namespace hemiola
