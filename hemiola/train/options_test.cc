#include "hemiola/train/options.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

Job made(std::initializer_list<const char*> overrides) {
  Job job;
  for (const char* o : overrides) set_override(job, o);
  resolve(job);
  return job;
}

std::string error_of(std::initializer_list<const char*> overrides) {
  try {
    made(overrides);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

TEST(Options, The_defaults_make_a_job) {
  const Job job = made({});
  EXPECT_EQ(job.sync.scheme, "shared");
  EXPECT_EQ(job.sync.updates, "lockfree");
  EXPECT_EQ(job.data.examples, 1'000'000u);
}

TEST(Options, Several_nodes_change_the_default_scheme) {
  const Job job = made({"cluster.nodes=4"});
  EXPECT_EQ(job.sync.scheme, "essp(3)");
  EXPECT_EQ(job.sync.updates, "exact");
  EXPECT_EQ(error_of({"cluster.nodes=4", "sync.scheme=shared"}),
            "sync.scheme = \"shared\" is for one node; with 4 nodes choose bsp, bsp strict, "
            "ssp(S), essp(S) or async");
}

TEST(Options, Strict_is_a_kind_of_bsp) {
  EXPECT_EQ(made({"sync.scheme=bsp", "sync.strict=true"}).sync.scheme, "bsp strict");
  EXPECT_TRUE(made({"sync.scheme=bsp strict"}).sync.strict);
  EXPECT_NE(error_of({"sync.scheme=async", "sync.strict=true"}), "");
}

TEST(Options, A_scheme_that_does_not_exist_is_refused_with_those_that_do) {
  const std::string error = error_of({"sync.scheme=allreduce"});
  EXPECT_NE(error.find("allreduce"), std::string::npos) << error;
  EXPECT_NE(error.find("essp"), std::string::npos) << error;
  EXPECT_NE(error_of({"sync.tables.factors=sspp(1)"}), "");
}

TEST(Options, What_comes_later_says_so) {
  EXPECT_EQ(error_of({"sync.placement=relocate"}),
            "sync.placement = \"relocate\" is not yet available; \"static\" is");
  EXPECT_EQ(error_of({"sync.compress=bf16"}),
            "sync.compress = \"bf16\" is not yet available; \"none\" is");
}

TEST(Options, Model_and_data_must_go_together) {
  EXPECT_EQ(error_of({"model.kind=linear"}),
            "model.kind = \"linear\" learns from sparse examples, but data.generator is "
            "\"ratings\"");
  EXPECT_EQ(error_of({"model.kind=linear", "data.generator=lasso"}),
            "data.generator = \"lasso\" needs model.loss = \"squared\"");
  EXPECT_EQ(error_of({"model.kind=linear", "data.generator=lasso", "model.loss=squared"}), "");
}

TEST(Options, A_file_that_is_not_named_is_asked_for) {
  EXPECT_EQ(error_of({"data.kind=ratings"}),
            "`data.train` is missing: with data.kind = \"ratings\" it names the file to train on");
  EXPECT_NE(error_of({"data.kind=ratings", "data.train=x", "data.fold_column=4"}), "");
}

}  // namespace
}  // namespace hemiola
