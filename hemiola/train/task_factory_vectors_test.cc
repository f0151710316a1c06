// Tasks of the factory that have names for their rows.
#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/models/local_parameters.h"
#include "hemiola/train/settings.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {
namespace {

std::string file(const std::string& name, const std::string& text) {
  static const test::TempFolder folder;
  return folder.write(name, text);
}

Job made(const std::vector<std::string>& overrides) {
  Job job;
  for (const auto& o : overrides) set_override(job, o);
  resolve(job);
  return job;
}

std::vector<std::string> triples() {
  return {"data.kind=triples",
          "model.kind=kge",
          "model.dim=4",
          "model.negatives=2",
          "data.train=" + file("train", "a\tlikes\tb\nb\tlikes\tc\nc\thates\ta\n"),
          "data.valid=" + file("valid", "a\tlikes\tc\n"),
          "data.test=" + file("test", "b\thates\td\n")};
}

uint64_t examples_of(const Task& task) {
  uint64_t sum = 0;
  for (const BlockSpec& b : task.plan(1).blocks) sum += b.examples;
  return sum;
}

TEST(TaskFactoryVectors, Triples_become_tables_whose_rows_have_names) {
  for (const std::string scorer : {"complex", "distmult", "transe", "rotate", "rescal"}) {
    auto overrides = triples();
    overrides.push_back("model.scorer=" + scorer);
    const LoadedTask loaded(made(overrides), in_order);
    const auto tables = loaded.task().tables();
    ASSERT_EQ(tables.size(), 2u);
    EXPECT_EQ(tables[0].rows, 4u);
    EXPECT_EQ(tables[1].rows, 2u);
    EXPECT_EQ(loaded.row_names(TableId{0})(3), "d");
    EXPECT_EQ(loaded.row_names(TableId{1})(1), "hates");
    EXPECT_EQ(examples_of(loaded.task()), 3u);
    EXPECT_EQ(loaded.task().samplers().size(), 1u);
    EXPECT_NE(loaded.description().find("1 entities are not in the training set"),
              std::string::npos)
        << loaded.description();
  }
}

std::vector<std::string> measured(const std::string& on) {
  auto overrides = triples();
  overrides.push_back("train.evaluate_on=" + on);
  const LoadedTask loaded(made(overrides), in_order);
  const Task& task = loaded.task();
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables);
  std::vector<double> sums(task.metric_sums());
  for (uint32_t p = 0; p < task.evaluation_parts(); ++p) task.evaluate(p, params, sums);
  std::vector<std::string> names;
  for (const Metric& m : task.metrics(sums)) names.push_back(m.name);
  return names;
}

TEST(TaskFactoryVectors, Test_or_valid_or_both_or_none_is_measured) {
  using Names = std::vector<std::string>;
  const Names test = {"mrr", "hits1", "hits3", "hits10"};
  const Names valid = {"valid_mrr", "valid_hits1", "valid_hits3", "valid_hits10"};
  Names both = test;
  both.insert(both.end(), valid.begin(), valid.end());
  EXPECT_EQ(measured("test"), test);
  EXPECT_EQ(measured("valid"), valid);
  EXPECT_EQ(measured("both"), both);
  EXPECT_EQ(measured("none"), Names());
}

TEST(TaskFactoryVectors, Text_becomes_two_tables_with_a_row_for_each_word) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "the cat and the dog and a rare" + std::to_string(i) + "\n";
  const auto path = file("text", text);
  const LoadedTask loaded(
      made({"data.kind=text", "model.kind=word2vec", "model.dim=4", "data.train=" + path,
            "data.min_count=50", "data.analogies=" + file("analogies", ": x\nthe cat the dog\n"),
            "data.similarity=" + file("similar.txt", "cat dog 7\ncat cow 3\n")}),
      in_order);
  const auto tables = loaded.task().tables();
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].rows, 5u);
  EXPECT_EQ(loaded.row_names(TableId{0})(0), "the");
  EXPECT_EQ(loaded.row_names(TableId{1})(1), "and");
  EXPECT_NE(loaded.description().find("5 different ones, 1 analogies, 1 pairs of"),
            std::string::npos)
      << loaded.description();
  EXPECT_NE(loaded.description().find("1 with unknown words"), std::string::npos);
}

TEST(TaskFactoryVectors, Rows_without_names_say_so) {
  const LoadedTask loaded(made({"data.examples=1000", "data.users=20", "data.items=20"}), in_order);
  EXPECT_FALSE(loaded.row_names(TableId{0}));
}

TEST(TaskFactoryVectors, What_is_drawn_from_follows_the_rule_of_the_job) {
  auto overrides = triples();
  overrides.push_back("sync.sampling=pool(4, 100)");
  const Job job = made(overrides);
  const LoadedTask loaded(job, in_order);
  const Sampling sampling = sampling_of(job, loaded.task());
  EXPECT_EQ(sampling.rule.name(), "pool(4, 100)");
  ASSERT_EQ(sampling.sources.size(), 1u);
  EXPECT_EQ(sampling.sources[0].distribution->count(), 4u);
}

TEST(TaskFactoryVectors, A_broken_line_is_told_with_its_file) {
  auto overrides = triples();
  overrides.push_back("data.valid=" + file("bad", "a\tlikes\tb\nx\n"));
  try {
    LoadedTask(made(overrides), in_order);
    FAIL();
  } catch (const UserError& e) {
    EXPECT_NE(std::string(e.what()).find("bad:2: expected"), std::string::npos);
  }
}

}  // namespace
}  // namespace hemiola
