#include "hemiola/train/job_file.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_job(text, "job.toml");
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

TEST(JobFile, Sections_keys_and_defaults_come_together) {
  const Job job = parse_job(R"toml(
[job]
seed = 7
[data]
kind = "libsvm"
train = "a9a.gz"
[train]
rate = 1
[sync]
scheme = "ssp(3)"
tables = { items = "ssp(2)" }
)toml",
                            "jobs/clicks.toml");
  EXPECT_EQ(job.job.name, "clicks");
  EXPECT_EQ(job.job.seed, 7u);
  EXPECT_EQ(job.data.train, "jobs/a9a.gz");
  EXPECT_EQ(job.data.test, "");
  EXPECT_EQ(job.train.rate, 1.0);
  EXPECT_EQ(job.sync.scheme, "ssp(3)");
  EXPECT_EQ(job.sync.tables.at("items"), "ssp(2)");
  EXPECT_EQ(job.train.epochs, 10u);
}

TEST(JobFile, Absolute_paths_stay) {
  EXPECT_EQ(parse_job("[data]\ntrain = \"/data/x\"", "jobs/a.toml").data.train, "/data/x");
}

TEST(JobFile, Each_file_of_a_list_is_relative_to_the_job) {
  const Job text = parse_job(R"toml(
[data]
kind = "text"
train = "a.txt.gz, b*.txt,/c.txt"
similarity = "x.txt,y.txt"
analogies = "q.txt"
)toml",
                             "jobs/a.toml");
  EXPECT_EQ(text.data.train, "jobs/a.txt.gz,jobs/b*.txt,/c.txt");
  EXPECT_EQ(text.data.similarity, "jobs/x.txt,jobs/y.txt");
  EXPECT_EQ(text.data.analogies, "jobs/q.txt");
  const Job triples =
      parse_job("[data]\nkind = \"triples\"\ntrain = \"a,b\"\nvalid = \"v\"", "j/a.toml");
  EXPECT_EQ(triples.data.train, "j/a,b");
  EXPECT_EQ(triples.data.valid, "j/v");
}

TEST(JobFile, An_unknown_key_is_named_with_its_line_and_the_nearest) {
  EXPECT_EQ(error_of("[sync]\n\nschem = \"bsp\"\n"),
            "unknown key `sync.schem` in job.toml:3: did you mean `sync.scheme`?");
  EXPECT_EQ(error_of("epochs = 3\n"),
            "unknown key `epochs` in job.toml:1: did you mean `train.epochs`?");
  EXPECT_EQ(error_of("[sync.table]\nitems = \"bsp\"\n"),
            "unknown key `sync.table` in job.toml:1: did you mean `sync.tables`?");
}

TEST(JobFile, An_unknown_section_is_named_with_the_nearest) {
  EXPECT_EQ(error_of("[synk]\n"), "unknown section [synk] in job.toml:1: did you mean [sync]?");
  EXPECT_EQ(error_of("[colours]\n"),
            "unknown section [colours] in job.toml:1; there are [job], [data], [model], [train], "
            "[sync], [cluster] and [checkpoint]");
  EXPECT_EQ(error_of("data = 3\n"), "`data` in job.toml:1 must be a section: write [data]");
}

TEST(JobFile, A_wrong_type_is_named_with_its_line) {
  EXPECT_EQ(error_of("[train]\nrate = \"fast\"\n"),
            "`train.rate` in job.toml:2 is the text \"fast\", but must be a number from 1e-12 to "
            "1e+06");
  EXPECT_EQ(error_of("[train]\nepochs = [1]\n"),
            "`train.epochs` in job.toml:2 is a list, but must be a single value; `hemiola options` "
            "says which");
}

TEST(JobFile, Broken_TOML_is_told_with_its_line) {
  EXPECT_EQ(error_of("[train]\nepochs = \n").substr(0, 27), "job.toml:2 is not TOML: Err");
}

TEST(JobFile, A_missing_file_is_named) {
  try {
    read_job_file("no/such.toml");
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(), "the job file no/such.toml cannot be read: No such file or directory");
  }
}

}  // namespace
}  // namespace hemiola
