#include "hemiola/train/checkpoint_manifest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hemiola/core/random.h"
#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

CheckpointManifest example() {
  CheckpointManifest m;
  m.sequence = 7;
  m.job = "a \"job\"";
  m.model = "kge";
  m.scheme = "essp(3)";
  m.seed = 9'000'000'000'000'000'001U;
  for (uint32_t pass = 0; pass < 4; ++pass) {
    m.agenda.close(pass, {{0.1 * pass, 5}, {1e-9}, 1.0 / (3 + pass)});
  }
  m.agenda.add(4, {7, {0.25, 100}});
  m.clock = 1234;
  m.nodes = 2;
  m.workers = 3;
  m.examples = 272'115;
  m.settings = {{"model.dim", "8"}, {"train.rate", "0.1"}};
  m.tables = {{"entities", 5, 16, 1}, {"relations", 3, 16, 0}};
  m.shards = {{{"node-0.safetensors", 300, 4'000'000'000}, {3, 2}},
              {{"node-1.safetensors", 200, 5}, {2, 1}}};
  m.epochs = {{1, 0.25, 0.5, 1.0 / 3, 272'115, {{"mrr", 0.1}, {"hits@1", 0.05}}, std::nullopt},
              {2, 0.5, 1.5, 0.3, 272'115, {}, 1e-7}};
  return m;
}

std::string said_of(const std::string& text) {
  return refusal_of([&] { parse_checkpoint(text, "m.json"); });
}

TEST(CheckpointManifest, What_is_written_is_read_back) {
  const std::string text = to_json(example());
  const CheckpointManifest read = parse_checkpoint(text, "m.json");
  EXPECT_EQ(to_json(read), text);
  EXPECT_EQ(read.seed, example().seed);
  EXPECT_EQ(read.shards, example().shards);
  EXPECT_EQ(read.tables, example().tables);
  EXPECT_EQ(read.epochs[0].loss, 1.0 / 3);
  EXPECT_EQ(read.epoch(), 2U);
  ASSERT_EQ(read.agenda.pass(), 4U);
  EXPECT_EQ(read.agenda.totals()[3].blocks, example().agenda.totals()[3].blocks);
  EXPECT_EQ(read.agenda.totals()[3].ended, 1.0 / 6);
  EXPECT_EQ(read.agenda.done(), example().agenda.done());
  EXPECT_EQ(read.epochs[1].spread, 1e-7);
  EXPECT_FALSE(read.epochs[0].spread);
  EXPECT_EQ(read.bytes(), 500U);
  EXPECT_EQ(read.tables[0].row_length(), 17U);
}

TEST(CheckpointManifest, Of_replicas_shards_have_no_rows) {
  CheckpointManifest m = example();
  m.averages = true;
  for (CheckpointShard& s : m.shards) s.rows.clear();
  EXPECT_TRUE(parse_checkpoint(to_json(m), "m.json").averages);
}

TEST(CheckpointManifest, A_quality_that_is_no_number_is_kept_as_one) {
  CheckpointManifest m = example();
  m.epochs[0].metrics[0].value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(parse_checkpoint(to_json(m), "m.json").epochs[0].metrics[0].value));
}

TEST(CheckpointManifest, Every_changed_byte_and_every_cut_is_found) {
  const std::string good = to_json(example());
  for (size_t at = 0; at < good.size(); ++at) {
    std::string text = good;
    text[at] = static_cast<char>(text[at] ^ (1 << at % 8));
    EXPECT_NE(said_of(text), "no error") << at;
    EXPECT_NE(said_of(good.substr(0, at)), "no error") << at;
  }
  EXPECT_EQ(said_of(good.substr(0, 100)),
            "m.json is no manifest of a checkpoint: it is not as it was written, by its checksum");
}

TEST(CheckpointManifest, Each_contradiction_is_one_sentence) {
  const std::string begin = "m.json is no manifest of a checkpoint: ";
  CheckpointManifest m = example();
  m.shards.pop_back();
  EXPECT_EQ(said_of(to_json(m)), begin + "it is of 2 nodes, but names 1 shards");
  m = example();
  m.tables[0].rows = 6;
  EXPECT_EQ(said_of(to_json(m)), begin + "table `entities` has 6 rows, but its shards have 5");
  m = example();
  m.shards[1].file.name = "../x";
  EXPECT_NE(said_of(to_json(m)).find("is no name of a file beside it"), std::string::npos);
  m = example();
  m.shards[1].rows.pop_back();
  EXPECT_EQ(said_of(to_json(m)), begin + "`rows` are not by table");
  EXPECT_EQ(said_of(to_json(m.shards[0])), begin + "its `format` is not that of one");
}

TEST(CheckpointManifest, A_part_is_read_back_or_refused) {
  const CheckpointShard shard = example().shards[0];
  const std::string good = to_json(shard);
  EXPECT_EQ(parse_shard(good, "p.json"), shard);
  EXPECT_EQ(refusal_of([&] { parse_shard(good.substr(0, 40), "p.json"); }),
            "p.json is no part of a checkpoint: it is not as it was written, by its checksum");
  EXPECT_NE(refusal_of([&] { parse_shard(to_json(example()), "p.json"); }), "no error");
}

TEST(CheckpointManifest, Tables_are_told_by_their_shape) {
  const auto tables = checkpoint_tables({{"a", 4, 6, 4, {}}, {"b", 2, 3, 0, {}}});
  EXPECT_EQ(tables[0], (CheckpointTable{"a", 4, 4, 2}));
  EXPECT_EQ(tables[1], (CheckpointTable{"b", 2, 3, 0}));
}

}  // namespace
}  // namespace hemiola
