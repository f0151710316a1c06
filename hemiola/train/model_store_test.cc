#include "hemiola/train/model_store.h"

#include <gtest/gtest.h>

#include <set>

#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;

std::vector<TestTable> example(uint32_t rows = 7) {
  TestTable words{"words", {}, {}, 2};
  TestTable plain{"plain", {{1}, {2}, {3}}, {}, 0};
  for (uint32_t r = 0; r < rows; ++r) {
    words.rows.push_back({static_cast<float>(r), 0.5f, -static_cast<float>(r * r)});
    words.names.push_back("word " + std::to_string(r));
  }
  return {words, plain};
}

Manifest about() {
  Manifest m;
  m.job = "job";
  m.model = "word2vec";
  m.settings = {{"model.dim", "3"}};
  m.facts = {{"mean", 1.5}};
  return m;
}

std::set<std::string> files_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

TEST(ModelStore, What_any_number_of_nodes_wrote_is_read_as_one) {
  for (const uint32_t nodes : {1U, 2U, 3U, 8U}) {
    const test::TempFolder folder;
    const auto tables = example();
    save_model(folder.path("model"), about(), tables, nodes);
    const ModelReader model(folder.path(""));
    EXPECT_EQ(model.manifest().model, "word2vec");
    EXPECT_EQ(model.manifest().settings, about().settings);
    EXPECT_EQ(model.manifest().facts, about().facts);
    ASSERT_EQ(model.manifest().tables.size(), 2U);
    for (const TestTable& t : tables) {
      const StoredTable& stored = model.table(t.name);
      EXPECT_EQ(stored.shards.size(), nodes);
      const Matrix values = model.values(stored);
      ASSERT_EQ(values.rows, t.rows.size());
      for (uint32_t r = 0; r < values.rows; ++r) {
        EXPECT_TRUE(std::equal(t.rows[r].begin(), t.rows[r].end(), values.row(r).begin())) << r;
      }
    }
    const Dictionary names = model.names(model.table("words"));
    ASSERT_EQ(names.size(), 7U);
    EXPECT_EQ(names.name(6), "word 6");
    EXPECT_EQ(model.names(model.table("plain")).size(), 0U);
  }
}

TEST(ModelStore, The_optimisers_state_stands_apart_and_comes_with_its_row) {
  const test::TempFolder folder;
  save_model(folder.path("model"), about(), example(), 3);
  const ModelReader model(folder.path("model"));
  uint32_t rows = 0;
  model.for_each_row(model.table("words"), [&](Key key, auto values, auto state) {
    ++rows;
    ASSERT_EQ(values.size(), 3U);
    ASSERT_EQ(state.size(), 2U);
    EXPECT_EQ(values[0], static_cast<float>(key.value));
    EXPECT_EQ(state[1], -static_cast<float>(key.value));
  });
  EXPECT_EQ(rows, 7U);
  model.for_each_row(model.table("plain"),
                     [&](Key, auto, auto state) { EXPECT_TRUE(state.empty()); });
}

TEST(ModelStore, Rows_without_a_name_among_named_ones_are_called_by_their_number) {
  const test::TempFolder folder;
  save_model(folder.path("model"), about(), {{"t", {{1}, {2}, {3}}, {"a", "", "b"}}});
  const ModelReader model(folder.path("model"));
  EXPECT_EQ(model.names(model.table("t")).name(1), "#1");
}

TEST(ModelStore, A_new_model_takes_the_place_of_the_old_one_and_nothing_else) {
  const test::TempFolder folder;
  save_model(folder.path("model"), about(), example(), 3);
  folder.write("model/notes.txt", "mine");
  save_model(folder.path("model"), about(), {{"words", {{4, 5}}, {}}}, 1);
  EXPECT_EQ(files_in(folder.path("model")),
            (std::set<std::string>{"manifest.json", "notes.txt", "words.0.safetensors"}));
  const ModelReader model(folder.path(""));
  EXPECT_EQ(model.values(model.table("words")).row(0)[1], 5);
}

TEST(ModelStore, A_manifest_that_is_none_is_replaced_too) {
  const test::TempFolder folder;
  fs::create_directories(folder.path("model"));
  folder.write("model/manifest.json", "{ half of");
  save_model(folder.path("model"), about(), example(), 2);
  EXPECT_EQ(ModelReader(folder.path("")).manifest().tables.size(), 2U);
}

// A node that cannot write: the others learn of it, the old model stays, nothing is left over.
TEST(ModelStore, When_one_node_fails_the_old_model_stays_as_it_was) {
  const test::TempFolder folder;
  save_model(folder.path("model"), about(), {{"words", {{4, 5}}, {}}}, 1);
  const auto before = files_in(folder.path("model"));
  folder.write("file", "no folder");
  const auto tables = example();
  const auto set0 = test_tables(tables, 0, 2), set1 = test_tables(tables, 1, 2);
  std::vector<std::unique_ptr<ModelSaver>> nodes;
  nodes.push_back(
      std::make_unique<ModelSaver>(folder.path("model"), about(), test_names(tables), *set0));
  nodes.push_back(
      std::make_unique<ModelSaver>(folder.path("file/x"), about(), test_names(tables), *set1));
  std::vector<double> sums;
  take_steps(nodes, sums);
  nodes[0]->finish(sums);
  EXPECT_EQ(nodes[0]->bytes(), 0U);
  EXPECT_EQ(refusal_of([&] { nodes[1]->finish(sums); }),
            "the model was not saved: cannot make the folder " + folder.path("file/x") +
                ": Not a directory");
  EXPECT_EQ(files_in(folder.path("model")), before);
  const ModelReader old(folder.path(""));
  EXPECT_EQ(old.values(old.table("words")).row(0)[1], 5);
}

TEST(ModelStore, A_model_that_is_not_there_is_told) {
  const test::TempFolder folder;
  EXPECT_EQ(refusal_of([&] { ModelReader(folder.path("none")); }),
            "there is no folder " + folder.path("none"));
  fs::create_directories(folder.path("run/model"));
  EXPECT_EQ(refusal_of([&] { ModelReader(folder.path("run/")); }),
            "there is no saved model in " + folder.path("run") +
                ": neither model/manifest.json nor manifest.json is there (a run saves its model "
                "when it ends, unless train.save is false)");
}

TEST(ModelStore, A_table_that_is_not_there_is_told_with_those_that_are) {
  const test::TempFolder folder;
  save_model(folder.path("model"), about(), example());
  const ModelReader model(folder.path(""));
  const std::string begin = "there is no table `";
  EXPECT_EQ(refusal_of([&] { model.table("word"); }),
            begin + "word` in " + folder.path("model") + ": did you mean `words`?");
  EXPECT_EQ(refusal_of([&] { model.table("entities"); }),
            begin + "entities` in " + folder.path("model") + "; its tables are `words`, `plain`");
}

class Damaged : public testing::Test {
 protected:
  void SetUp() override { save_model(folder.path("model"), about(), example(), 2); }

  std::string said() {
    return refusal_of([&] {
      const ModelReader model(folder.path(""));
      model.values(model.table("words"));
      model.names(model.table("words"));
    });
  }
  // Writes the shard of node 0 anew, and the manifest that belongs to it.
  void replace_shard(const std::vector<uint32_t>& keys, uint64_t columns = 3) {
    const std::string name = "model/words.0.safetensors";
    std::vector<TensorInfo> tensors = {{"keys", DType::u32, {keys.size()}},
                                       {"values", DType::f32, {keys.size(), columns}},
                                       {"state", DType::f32, {keys.size(), 2}}};
    SafetensorsWriter file(folder.path(name), tensors);
    file.write(std::span<const uint32_t>(keys));
    file.write(std::vector<float>(keys.size() * (columns + 2)));
    file.commit();
    Manifest m = parse_manifest(folder.read("model/manifest.json"), "m");
    m.tables[0].shards[0].file.bytes = file.bytes();
    m.tables[0].shards[0].file.crc32 = file.crc32();
    folder.write("model/manifest.json", to_json(m));
  }

  const test::TempFolder folder;
  const std::string shard = "model/words.0.safetensors";
};

TEST_F(Damaged, A_shard_that_is_missing_says_who_wrote_it) {
  fs::remove(folder.path("model/words.1.safetensors"));
  EXPECT_EQ(said(), folder.path("model/words.1.safetensors") +
                        " is missing: node 1 of the run wrote it; if that was on another machine, "
                        "copy it here");
}

TEST_F(Damaged, A_byte_that_changed_or_is_lost_is_noticed) {
  const std::string wanted = folder.path(shard) +
                             " is damaged or of another run: its size or checksum is not that in "
                             "the manifest";
  const std::string good = folder.read(shard);
  std::string bad = good;
  bad.back() ^= 1;
  folder.write(shard, bad);
  EXPECT_EQ(said(), wanted);
  folder.write(shard, good.substr(0, good.size() - 4));
  EXPECT_NE(said().find("but the file has 92 bytes of data"), std::string::npos) << said();
  folder.write(shard, folder.read("model/words.1.safetensors"));
  EXPECT_EQ(said(), wanted);
  folder.write(shard, good);
  EXPECT_EQ(said(), "no error");
}

TEST_F(Damaged, Rows_that_come_twice_or_cannot_be_are_refused) {
  replace_shard({0, 2, 4, 6});
  EXPECT_EQ(said(), "no error");
  replace_shard({0, 2, 4, 4});
  EXPECT_EQ(said(), folder.path(shard) + " has the row 4, which was there already");
  replace_shard({0, 2, 4, 5});  // 5 is in the other shard
  EXPECT_EQ(said(),
            folder.path("model/words.1.safetensors") + " has the row 5, which was there already");
  replace_shard({0, 2, 4, 7});
  EXPECT_EQ(said(), folder.path(shard) + " has the row 7, which is out of range");
}

TEST_F(Damaged, A_shard_of_another_shape_does_not_fit) {
  replace_shard({0, 2, 4, 6}, 2);
  EXPECT_EQ(said(), folder.path(shard) + " does not fit the manifest: `values` has another shape");
  replace_shard({0, 2, 4});
  EXPECT_EQ(said(), folder.path(shard) + " does not fit the manifest: `keys` has another shape");
}

TEST_F(Damaged, Names_that_changed_are_noticed) {
  const std::string names = "model/names.words.txt";
  folder.write(names, "other\n");
  EXPECT_EQ(said(), folder.path(names) +
                        " is damaged or of another run: its size or checksum is "
                        "not that in the manifest");
  const auto accept = [&](const std::string& text) {
    Manifest m = parse_manifest(folder.read("model/manifest.json"), "m");
    m.tables[0].names.bytes = text.size();
    m.tables[0].names.crc32 = crc32(std::as_bytes(std::span(text)));
    folder.write("model/manifest.json", to_json(m));
    folder.write(names, text);
    return said();
  };
  EXPECT_EQ(accept("a\nb\n"), folder.path(names) + " has 2 names for the 7 rows of table `words`");
  EXPECT_EQ(accept("a\nb\na\n"), folder.path(names) + ":3: this name was there already");
  EXPECT_EQ(accept("a\nb\nc\nd\ne\nf\ng"), "no error");
  fs::remove(folder.path(names));
  EXPECT_EQ(said(), "cannot read " + folder.path(names));
}

}  // namespace
}  // namespace hemiola
