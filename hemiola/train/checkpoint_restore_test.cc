#include "hemiola/train/checkpoint_restore.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "hemiola/table/machine.h"
#include "hemiola/train/checkpoint_for_test.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

using test::TempFolder;

GoodCheckpoint newest(const std::string& folder) {
  return *newest_good(folder, [](const std::string&) {});
}

Job job_of(const std::vector<std::string>& overrides) {
  Job job;
  for (const std::string& o : overrides) set_override(job, o);
  resolve(job);
  return job;
}

CheckpointManifest manifest_of(const Job& job) {
  CheckpointManifest m;
  m.model = job.model.kind;
  m.averages = averages(job);
  m.nodes = job.cluster.nodes;
  m.workers = job.cluster.workers;
  for (const auto& [key, value] : all_values(job)) m.settings[key] = value;
  return m;
}

TEST(CheckpointRestore, What_n_nodes_wrote_any_number_of_nodes_read) {
  for (const uint32_t writers : {1U, 3U, 4U}) {
    const TempFolder folder;
    CheckpointedJob job(folder.path("c"), writers);
    job.epoch();
    job.settle();
    const CheckpointReader checkpoint(newest(folder.path("c")));
    for (const uint32_t readers : {1U, 2U, 6U}) {
      uint32_t rows_read = 0;
      for (uint32_t n = 0; n < readers; ++n) {
        const auto set = test_tables(CheckpointedJob::shapes(), n, readers);
        restore(checkpoint, *set);
        for (uint32_t t = 0; t < set->size(); ++t) {
          set->rows(TableId{t}).for_each_owned([&](Key key, const float* row) {
            ++rows_read;
            for (uint32_t i = 0; i < set->rows(TableId{t}).row_length(); ++i) {
              ASSERT_EQ(row[i], CheckpointedJob::value(key.value, 1));
            }
          });
        }
      }
      EXPECT_EQ(rows_read, 28U);
    }
  }
}

// A table whose rows may move, on one of several nodes; `everywhere`: with copies of all rows.
std::unique_ptr<TableSet> moving(uint32_t self, uint32_t nodes, const std::string& placement) {
  TableOptions options;
  options.spec.name = "t";
  options.spec.rows = 50;
  options.spec.row_length = 3;
  options.spec.init = {Initialiser::Kind::uniform, -1, 1, 0, 5};
  options.placement = parse_placement(placement);
  return std::make_unique<TableSet>(std::vector{options}, Place{NodeId{self}, nodes, 1});
}

TEST(CheckpointRestore, Rows_that_had_moved_are_found_and_copies_hold_what_their_owners_do) {
  const TempFolder folder;
  const std::string path = folder.path("c/ckpt-000001");
  std::filesystem::create_directories(path);
  GoodCheckpoint good{path, {}};
  good.manifest.nodes = 2;
  good.manifest.tables = {{"t", 50, 3, 0}};
  // Node 0 owns rows 0 .. 9 and 30 .. 49, node 1 the others.
  for (uint32_t n = 0; n < 2; ++n) {
    std::vector<uint32_t> keys;
    std::vector<float> rows;
    for (uint32_t k = 0; k < 50; ++k) {
      if ((k < 10 || k >= 30) != (n == 0)) continue;
      keys.push_back(k);
      rows.insert(rows.end(), 3, static_cast<float>(k));
    }
    SafetensorsWriter file(path + "/" + shard_file(n), {{"t.keys", DType::u32, {keys.size()}},
                                                        {"t.rows", DType::f32, {keys.size(), 3}}});
    file.write(std::span<const uint32_t>(keys));
    file.write(std::span<const float>(rows));
    file.commit();
    good.manifest.shards.push_back(
        {{shard_file(n), file.bytes(), file.crc32()}, {static_cast<uint32_t>(keys.size())}});
  }
  const CheckpointReader checkpoint(good);
  for (const char* placement : {"static", "relocate", "replicate"}) {
    for (uint32_t n = 0; n < 3; ++n) {
      const auto set = moving(n, 3, placement);
      const TableMachine machine(*set);
      restore(checkpoint, *set);
      const Rows& rows = set->rows(TableId{0});
      uint32_t owned = 0, copies = 0;
      rows.for_each_owned([&](Key key, const float* row) {
        ++owned;
        EXPECT_EQ(row[2], static_cast<float>(key.value));
      });
      for (uint32_t k = 0; rows.adapts() && k < 50; ++k) {
        const auto found = rows.shelf().look(Key{k});
        if (found.slot == Copies::kNone || found.owned) continue;
        ++copies;
        EXPECT_EQ(rows.shelf().value(found.slot)[1], static_cast<float>(k));
        EXPECT_EQ(rows.shelf().base(found.slot)[1], static_cast<float>(k));
      }
      EXPECT_EQ(owned, rows.partition().owned_by(NodeId{n}));
      EXPECT_EQ(copies, std::string(placement) == "replicate" ? 50 - owned : 0);
    }
  }
}

TEST(CheckpointRestore, A_row_that_is_there_twice_is_refused) {
  const TempFolder folder;
  const std::vector<uint32_t> keys = {1, 1};
  const std::vector<float> rows = {0, 0};
  SafetensorsWriter file(folder.path("node-0.safetensors"),
                         {{"t.keys", DType::u32, {2}}, {"t.rows", DType::f32, {2, 1}}});
  file.write(std::span<const uint32_t>(keys));
  file.write(std::span<const float>(rows));
  file.commit();
  GoodCheckpoint good{folder.path(""), {}};
  good.manifest.tables = {{"t", 2, 1, 0}};
  good.manifest.shards = {{{"node-0.safetensors", file.bytes(), file.crc32()}, {2}}};
  EXPECT_NE(refusal_of([&] { CheckpointReader reader(good); }).find("there twice: 1"),
            std::string::npos);
}

TEST(CheckpointRestore, Another_model_is_refused_and_the_setting_is_named) {
  const CheckpointManifest m = manifest_of(job_of({"model.factors=8", "train.rate=0.1"}));
  require_fits(m, job_of({"model.factors=8", "train.rate=0.1"}));
  EXPECT_EQ(refusal_of([&] {
              require_fits(m, job_of({"model.factors=8", "train.rate=0.2"}));
            }),
            "the checkpoint is of a run with train.rate = 0.1, but this job has 0.2; resume with "
            "the same, or begin without --resume");
  EXPECT_NE(refusal_of([&] { require_fits(m, job_of({"train.rate=0.1"})); }).find("model.factors"),
            std::string::npos);
  EXPECT_NE(refusal_of([&] {
              require_fits(m, job_of({"data.generator=clicks", "model.kind=linear"}));
            }).find("model.kind = mf"),
            std::string::npos);
}

TEST(CheckpointRestore, Where_and_how_long_a_job_runs_may_differ) {
  const CheckpointManifest m = manifest_of(job_of({}));
  require_fits(m, job_of({"cluster.nodes=4", "cluster.workers=2", "train.epochs=50",
                          "train.evaluate_every=5", "job.name=other", "sync.scheme=ssp(2)"}));
}

TEST(CheckpointRestore, Other_data_are_told_when_they_are_read) {
  CheckpointManifest m = manifest_of(job_of({}));
  m.examples = 100;
  m.tables = {{"users", 5, 4, 4}};
  const auto said = [&](uint32_t rows, uint64_t examples) {
    return refusal_of([&] { require_fits(m, {{"users", rows, 8, 4, {}}}, examples); });
  };
  EXPECT_EQ(said(5, 100), "no error");
  EXPECT_EQ(said(6, 100),
            "the checkpoint is of other data: there table `users` has 5 rows of 4 + 4 floats, here "
            "table `users` has 6 rows of 4 + 4 floats");
  EXPECT_EQ(said(5, 1),
            "the checkpoint is of other data: there a pass was 100 examples, here it is 1 example");
}

TEST(CheckpointRestore, What_is_taken_over_is_said_with_the_reason) {
  const auto plan = [](const std::vector<std::string>& then, const std::vector<std::string>& now) {
    return resume_plan(manifest_of(job_of(then)), job_of(now));
  };
  const std::string all = "sync.scheme=allreduce";
  EXPECT_EQ(plan({}, {}).text, "");
  EXPECT_EQ(plan({"cluster.nodes=4"}, {"cluster.nodes=3"}).text,
            "4 nodes wrote it, 3 nodes read it");
  EXPECT_EQ(plan({all, "cluster.nodes=2"}, {all, "cluster.nodes=2"}).what, Resuming::all);
  const ResumePlan fewer = plan({all, "cluster.nodes=4"}, {all, "cluster.nodes=3"});
  EXPECT_EQ(fewer.what, Resuming::model);
  EXPECT_EQ(fewer.text,
            "it is of 4 workers, now there are 3: every replica begins with their mean");
  const ResumePlan spread =
      plan({all, "cluster.nodes=2", "cluster.workers=2"}, {all, "cluster.nodes=4"});
  EXPECT_EQ(spread.what, Resuming::replicas);
  const ResumePlan other =
      plan({all, "cluster.nodes=2"}, {"sync.scheme=gossip", "cluster.nodes=2"});
  EXPECT_EQ(other.what, Resuming::model);
  EXPECT_EQ(other.text, "sync.scheme is another now: every replica begins with the mean of all");
  EXPECT_EQ(plan({"cluster.nodes=2"}, {all, "cluster.nodes=2"}).what, Resuming::model);
  EXPECT_EQ(plan({all}, {}).what, Resuming::all);
}

}  // namespace
}  // namespace hemiola
