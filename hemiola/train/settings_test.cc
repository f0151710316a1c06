#include "hemiola/train/settings.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

std::string error_of(std::string_view key, const Typed& value) {
  Job job;
  try {
    set(job, key, value, "job.toml:12");
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

std::string override_error(std::string_view assignment) {
  Job job;
  try {
    set_override(job, assignment);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

TEST(Settings, An_unknown_key_names_the_nearest_known_one_and_its_place) {
  EXPECT_EQ(error_of("sync.schem", {"bsp"}),
            "unknown key `sync.schem` in job.toml:12: did you mean `sync.scheme`?");
  EXPECT_EQ(error_of("job.colour", {"blue"}),
            "unknown key `job.colour` in job.toml:12; `hemiola options` lists all keys");
}

TEST(Settings, A_wrong_type_says_what_would_be_right) {
  EXPECT_EQ(error_of("train.epochs", {"three"}),
            "`train.epochs` in job.toml:12 is the text \"three\", but must be a whole number from "
            "1 to 1e+06");
  EXPECT_EQ(error_of("train.epochs", {2.5}),
            "`train.epochs` in job.toml:12 is 2.5, but must be a whole number from 1 to 1e+06");
  EXPECT_EQ(error_of("job.name", {true}), "`job.name` in job.toml:12 is true, but must be a text");
  EXPECT_EQ(error_of("model.kind", {"lda"}),
            "`model.kind` in job.toml:12 is the text \"lda\", but must be \"mf\", "
            "\"linear\", \"kge\", \"word2vec\", \"dense\" or \"count\"");
}

TEST(Settings, Numbers_out_of_range_are_refused) {
  EXPECT_NE(error_of("train.epochs", {int64_t{0}}), "");
  EXPECT_NE(error_of("cluster.nodes", {int64_t{-1}}), "");
  EXPECT_NE(error_of("train.rate", {-0.5}), "");
  EXPECT_EQ(error_of("train.rate", {int64_t{1}}), "");
}

TEST(Settings, Overrides_take_the_type_of_their_setting) {
  Job job;
  set_override(job, "sync.scheme=ssp(3)");
  set_override(job, "job.name=7");
  set_override(job, "data.examples=1e6");
  set_override(job, "train.rate=0.25");
  set_override(job, "sync.strict=true");
  set_override(job, "sync.tables.items=ssp(2)");
  EXPECT_EQ(job.sync.scheme, "ssp(3)");
  EXPECT_EQ(job.job.name, "7");
  EXPECT_EQ(job.data.examples, 1'000'000u);
  EXPECT_EQ(job.train.rate, 0.25);
  EXPECT_TRUE(job.sync.strict);
  EXPECT_EQ(job.sync.tables["items"], "ssp(2)");
  set_override(job, "train.rate=auto");
  EXPECT_EQ(job.train.rate, std::nullopt);
}

TEST(Settings, An_override_without_equals_sign_is_refused) {
  EXPECT_EQ(override_error("bsp"),
            "`bsp` is no setting; write key=value, such as "
            "sync.scheme=async");
  EXPECT_NE(override_error("train.epochs=many"), "");
}

TEST(Settings, All_values_make_the_same_job_again) {
  Job job;
  set_override(job, "sync.scheme=ssp(3)");
  set_override(job, "train.rate=0.1");
  set_override(job, "sync.tables.items=bsp");
  set_override(job, "job.name=true");
  Job again;
  for (const auto& [key, text] : all_values(job)) set(again, key, Untyped{text}, "the launcher");
  EXPECT_EQ(all_values(again), all_values(job));
  EXPECT_EQ(again.train.rate, 0.1);
  EXPECT_EQ(again.job.name, "true");
}

TEST(Settings, A_run_prints_only_what_has_an_effect) {
  Job job;
  job.model.kind = "linear";
  const std::string text = settings_in_force(job);
  EXPECT_NE(text.find("loss = auto"), std::string::npos) << text;
  EXPECT_EQ(text.find("factors"), std::string::npos) << text;
}

TEST(Settings, The_help_names_every_key) {
  const std::string help = settings_help();
  for (const Setting& s : all_settings()) {
    EXPECT_NE(help.find(s.key.substr(s.key.find('.') + 1)), std::string::npos) << s.key;
  }
}

}  // namespace
}  // namespace hemiola
