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
  const std::string error = error_of({"sync.scheme=allredoce"});
  EXPECT_NE(error.find("allreduce"), std::string::npos) << error;
  EXPECT_NE(error.find("essp"), std::string::npos) << error;
  EXPECT_NE(error_of({"sync.tables.factors=sspp(1)"}), "");
}

TEST(Options, Averages_of_models_are_told_apart_from_schemes_of_tables) {
  const Job job = made({"sync.scheme=groups(4,3)", "sync.topology=random(3)"});
  EXPECT_TRUE(averages(job));
  EXPECT_EQ(job.sync.scheme, "groups(4, 3)");
  EXPECT_FALSE(averages(made({})));
  EXPECT_NE(error_of({"sync.scheme=groups(4,5)"}).find("write groups(M)"), std::string::npos);
  EXPECT_NE(error_of({"sync.scheme=gossip", "sync.topology=rong"}).find("ring"), std::string::npos);
  for (const char* setting : {"sync.placement=intent", "sync.placements.factors=nups",
                              "sync.tables.factors=bsp", "sync.sampling=local"}) {
    EXPECT_NE(error_of({"sync.scheme=allreduce", setting}).find("tables"), std::string::npos)
        << setting;
  }
}

TEST(Options, Runs_equal_bit_by_bit_are_there_for_exact_means_too) {
  for (const char* scheme : {"allreduce", "local(4)", "outer(8)"}) {
    const Job job = made({(std::string("sync.scheme=") + scheme).c_str(), "sync.strict=true"});
    EXPECT_EQ(job.sync.scheme, scheme);
    EXPECT_TRUE(job.sync.strict);
  }
  EXPECT_NE(error_of({"sync.scheme=gossip", "sync.strict=true"}).find("who is how fast"),
            std::string::npos);
  EXPECT_NE(error_of({"sync.scheme=allreduce", "sync.strict=true", "sync.compress=auto"})
                .find("name one"),
            std::string::npos);
}

TEST(Options, A_span_between_checkpoints_is_read_before_the_run_begins) {
  EXPECT_EQ(made({"checkpoint.every=3 epochs"}).checkpoint.every, "3 epochs");
  EXPECT_NE(error_of({"checkpoint.every=often"}).find("\"10 min\""), std::string::npos);
}

TEST(Options, A_codec_is_for_schemes_that_have_it) {
  EXPECT_EQ(made({"sync.scheme=local(8)", "sync.compress=quantise(4)"}).sync.compress,
            "quantise(4)");
  EXPECT_NE(error_of({"sync.scheme=allreduce", "sync.compress=zip"}).find("bf16"),
            std::string::npos);
  EXPECT_NE(error_of({"sync.compress=bf16"}).find("under sync.scheme = \"shared\" there is one"),
            std::string::npos);
  EXPECT_EQ(made({"sync.scheme=gossip", "sync.compress=topk(0.1)"}).sync.compress, "topk(0.1)");
  EXPECT_EQ(made({"sync.scheme=local(8)", "sync.compress=auto"}).sync.compress, "auto");
  EXPECT_NE(error_of({"sync.scheme=gossip", "sync.compress=auto"}).find("name a codec"),
            std::string::npos);
  EXPECT_NE(error_of({"sync.compress=auto"}).find("allreduce"), std::string::npos);
  EXPECT_EQ(made({"sync.scheme=groups(4)", "sync.compress=bf16"}).sync.compress, "bf16");
  EXPECT_NE(error_of({"sync.scheme=groups(4)", "sync.compress=topk(0.1)"}).find("quantise(8)"),
            std::string::npos);
  EXPECT_NE(error_of({"sync.scheme=backup", "sync.compress=sign"}).find("quantise(2)"),
            std::string::npos);
}

TEST(Options, Tables_send_rows_in_codecs_that_work_on_one_row) {
  EXPECT_EQ(made({"cluster.nodes=2", "sync.compress=quantise(8)"}).sync.compress, "quantise(8)");
  EXPECT_EQ(
      made({"sync.scheme=ssp(2)", "sync.placement=intent", "sync.compress=bf16"}).sync.compress,
      "bf16");
  for (const char* codec : {"topk(0.1)", "sign", "lowrank(2)", "quantise(4, 512)"}) {
    const std::string setting = std::string("sync.compress=") + codec;
    EXPECT_NE(error_of({"sync.scheme=async", setting.c_str()}).find("quantise(8)"),
              std::string::npos);
  }
  EXPECT_NE(error_of({"sync.scheme=bsp strict", "sync.compress=bf16"}).find("bsp strict"),
            std::string::npos);
  EXPECT_NE(error_of({"sync.scheme=async", "sync.compress=auto"}).find("quantise(8)"),
            std::string::npos);
}

TEST(Options, Gaps_are_bounded_where_the_scheme_does_not) {
  EXPECT_EQ(made({"sync.scheme=gossip", "sync.max_gap=8", "sync.skip=20"}).sync.skip, 20u);
  EXPECT_NE(error_of({"sync.scheme=gossip", "sync.skip=20"}).find("max_gap"), std::string::npos);
  EXPECT_NE(error_of({"sync.scheme=allreduce", "sync.max_gap=8"}).find("all wait for all"),
            std::string::npos);
  EXPECT_NE(error_of({"cluster.nodes=2", "sync.scheme=async", "sync.max_gap=8"}).find("ssp(S)"),
            std::string::npos);
}

TEST(Options, Delay_aware_steps_are_for_schemes_that_do_not_wait) {
  EXPECT_EQ(made({"sync.scheme=gossip", "train.delay=drop(30)"}).train.delay, "drop(30)");
  EXPECT_EQ(made({"sync.scheme=groups(4, 3)", "train.delay=adaptive"}).train.delay, "adaptive");
  EXPECT_NE(error_of({"sync.scheme=gossip", "train.delay=drop"}).find("drop(R)"),
            std::string::npos);
  for (const char* scheme : {"sync.scheme=allreduce", "sync.scheme=async"}) {
    EXPECT_NE(error_of({"cluster.nodes=2", scheme, "train.delay=adaptive"}).find("gossip"),
              std::string::npos);
  }
}

TEST(Options, The_placement_decides_how_negatives_are_drawn) {
  EXPECT_EQ(made({}).sync.sampling, "independent");
  EXPECT_EQ(made({"sync.placement=intent"}).sync.sampling, "local");
  EXPECT_EQ(made({"sync.placements.factors=nups(100)"}).sync.sampling, "local");
  EXPECT_EQ(made({"sync.placement=nups", "sync.sampling=pool(4, 100)"}).sync.sampling,
            "pool(4, 100)");
  EXPECT_NE(error_of({"sync.sampling=pools"}).find("unknown sampling `pools`"), std::string::npos);
}

TEST(Options, A_placement_that_does_not_exist_is_refused_with_those_that_do) {
  for (const char* key : {"sync.placement=relocated", "sync.placements.factors=relocated"}) {
    const std::string error = error_of({key});
    EXPECT_NE(error.find("`relocated`"), std::string::npos) << error;
    EXPECT_NE(error.find("relocate, replicate"), std::string::npos) << error;
  }
}

TEST(Options, Strict_runs_need_rows_that_stay) {
  const std::string error = error_of({"sync.scheme=bsp strict", "sync.placement=intent"});
  EXPECT_EQ(error,
            "`bsp strict` needs placement \"static\", but it is \"intent\": with rows that move or "
            "are copied by need, runs are not equal bit by bit");
  EXPECT_EQ(error_of({"sync.tables.a=bsp strict", "sync.placements.b=relocate"}), "");
  EXPECT_NE(error_of({"sync.tables.a=bsp strict", "sync.placements.a=relocate"})
                .find("`bsp strict` of table `a`"),
            std::string::npos);
  EXPECT_NE(error_of({"sync.tables.a=bsp strict", "sync.placement=replicate"}), "");
  EXPECT_NE(error_of({"sync.scheme=bsp strict", "sync.placements.a=nups"}), "");
  EXPECT_NE(error_of({"sync.scheme=bsp strict", "sync.sampling=local"}).find("independent or pool"),
            std::string::npos);
  EXPECT_EQ(error_of({"sync.scheme=bsp strict", "sync.sampling=pool"}), "");
}

TEST(Options, Model_and_data_must_go_together) {
  EXPECT_EQ(error_of({"model.kind=linear"}),
            "model.kind = \"linear\" learns from sparse examples, but data.generator is "
            "\"ratings\"");
  EXPECT_EQ(error_of({"model.kind=kge"}),
            "model.kind = \"kge\" learns from triples, but data.kind is \"synthetic\"");
  EXPECT_EQ(error_of({"model.kind=word2vec", "data.kind=triples", "data.train=x"}),
            "model.kind = \"word2vec\" learns from text, but data.kind is \"triples\"");
  EXPECT_EQ(error_of({"data.kind=text", "data.train=x"}),
            "model.kind = \"mf\" learns from ratings, but data.kind is \"text\"");
  EXPECT_EQ(error_of({"model.kind=linear", "data.generator=lasso"}),
            "data.generator = \"lasso\" needs model.loss = \"squared\"");
  EXPECT_EQ(error_of({"model.kind=linear", "data.generator=lasso", "model.loss=squared"}), "");
}

TEST(Options, Words_of_other_models_are_refused) {
  EXPECT_EQ(error_of({"model.kind=linear", "data.generator=sparse", "model.loss=softmax"}),
            "model.loss = \"softmax\" is not for model.kind = \"linear\"; use \"logistic\" or "
            "\"squared\"");
  EXPECT_EQ(error_of({"model.kind=kge", "data.kind=triples", "data.train=x", "model.loss=squared"}),
            "model.loss = \"squared\" is not for model.kind = \"kge\"; use \"softmax\" or "
            "\"logistic\" or \"self_adversarial\"");
  EXPECT_NE(
      error_of({"model.kind=kge", "data.kind=triples", "data.train=x", "model.sharing=window"}),
      "");
  EXPECT_NE(
      error_of({"model.kind=word2vec", "data.kind=text", "data.train=x", "model.sharing=shared"}),
      "");
}

TEST(Options, Vectors_have_the_defaults_of_their_model) {
  const Job kge = made({"model.kind=kge", "data.kind=triples", "data.train=x", "data.valid=y"});
  EXPECT_EQ(kge.model.loss, "softmax");
  EXPECT_EQ(kge.model.sharing, "shared");
  EXPECT_EQ(kge.train.evaluate_on, "valid");
  EXPECT_GT(*kge.model.negatives, 100u);
  const Job words = made({"model.kind=word2vec", "data.kind=text", "data.train=x"});
  EXPECT_EQ(words.model.negatives, 5u);
  EXPECT_EQ(words.model.sharing, "own");
}

TEST(Options, What_is_measured_needs_its_file) {
  EXPECT_EQ(error_of({"model.kind=kge", "data.kind=triples", "data.train=x", "data.valid=y",
                      "train.evaluate_on=both"}),
            "train.evaluate_on = \"both\" needs `data.test`, which is missing");
  const Job none = made({"model.kind=kge", "data.kind=triples", "data.train=x"});
  EXPECT_EQ(none.train.evaluate_on, "none");
}

TEST(Options, A_file_that_is_not_named_is_asked_for) {
  EXPECT_EQ(error_of({"data.kind=ratings"}),
            "`data.train` is missing: with data.kind = \"ratings\" it names the file to train on");
  EXPECT_NE(error_of({"data.kind=ratings", "data.train=x", "data.fold_column=4"}), "");
}

}  // namespace
}  // namespace hemiola
