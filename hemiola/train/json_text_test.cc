#include "hemiola/train/json_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "hemiola/core/check.h"
#include "hemiola/train/summary_for_test.h"

namespace hemiola {
namespace {

// JSON without blanks and line ends, to look for parts of it.
std::string squeezed(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

TEST(JsonText, Every_key_of_the_format_is_there) {
  const std::string json = to_json(summary_for_test());
  for (const char* key :
       {"job",     "model",      "sync",        "world",     "seed",    "nodes",     "workers",
        "samples", "seconds",    "cpu_seconds", "time",      "compute", "wait_rows", "wait_clock",
        "average", "idle",       "rows",        "local",     "remote",  "missed",    "moved",
        "copies",  "bytes_sent", "messages",    "staleness", "mean",    "max",       "view_changes",
        "epochs",  "epoch",      "loss",        "metrics",   "final"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\":"), std::string::npos) << key;
  }
  const std::string text = squeezed(json);
  EXPECT_NE(text.find("\"samples\":1234"), std::string::npos);
  EXPECT_NE(text.find("\"staleness\":{\"mean\":3.0,\"max\":3"), std::string::npos) << text;
}

TEST(JsonText, Rows_are_told_for_the_job_and_for_each_table) {
  Summary s = summary_for_test();
  s.totals.tables.tables[0].missed_rows = 3;
  s.totals.tables.tables[0].moved_rows = 2;
  const auto numbers = numbers_in_json(to_json(s), "summary.json");
  for (const std::string where : {"rows/", "tables/0/rows/"}) {
    EXPECT_EQ(numbers.at(where + "local"), 10);
    EXPECT_EQ(numbers.at(where + "missed"), 3);
    EXPECT_EQ(numbers.at(where + "moved"), 2);
  }
}

TEST(JsonText, What_a_run_has_survived_is_told_when_there_was_something) {
  Summary s = summary_for_test();
  EXPECT_EQ(to_json(s).find("survived"), std::string::npos);
  s.totals.history = {.changes = 2, .lost = 1, .left = 0, .joined = 1, .paused = 0.5};
  s.totals.history.rows.from_backups = 12;
  const auto numbers = numbers_in_json(to_json(s), "summary.json");
  EXPECT_EQ(numbers.at("survived/nodes_lost"), 1);
  EXPECT_EQ(numbers.at("survived/nodes_joined"), 1);
  EXPECT_EQ(numbers.at("survived/seconds_paused"), 0.5);
  EXPECT_EQ(numbers.at("survived/rows_from_backups"), 12);
  EXPECT_EQ(numbers.at("survived/rows_lost"), 0);
}

TEST(JsonText, The_final_quality_is_the_last_that_was_measured) {
  const std::string text = squeezed(to_json(summary_for_test()));
  EXPECT_NE(text.find("\"final\":{\"loss\":0.5,\"metrics\":{\"rmse\":0.25}}"), std::string::npos);
}

TEST(JsonText, A_run_without_an_epoch_still_gives_valid_json) {
  const std::string text = squeezed(to_json(Summary{}));
  EXPECT_NE(text.find("\"final\":{\"loss\":null,\"metrics\":{}}"), std::string::npos);
}

TEST(JsonText, A_number_that_is_none_becomes_null) {
  EpochRecord e;
  e.loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(to_json_line(e).find("\"loss\":null"), std::string::npos);
}

TEST(JsonText, Numbers_are_found_again) {
  const auto numbers = numbers_in_json(to_json(summary_for_test()), "summary.json");
  EXPECT_EQ(numbers.at("samples"), 1234);
  EXPECT_EQ(numbers.at("rows/local"), 10);
  EXPECT_EQ(numbers.at("epochs/0/metrics/rmse"), 0.25);
}

TEST(JsonText, What_is_no_object_is_refused_with_its_name) {
  for (const char* text : {"", "{", "[1]", "3"}) {
    EXPECT_THROW(numbers_in_json(text, "a.json"), UserError) << text;
  }
}

}  // namespace
}  // namespace hemiola
