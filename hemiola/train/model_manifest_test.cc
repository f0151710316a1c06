#include "hemiola/train/model_manifest.h"

#include <gtest/gtest.h>

#include "hemiola/core/random.h"
#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

Manifest example() {
  Manifest m;
  m.job = "a \"job\"";
  m.model = "kge";
  m.settings = {{"model.dim", "8"}, {"model.scorer", "complex"}};
  m.facts = {{"mean", 3.25}};
  m.tables = {{"entities",
               5,
               16,
               1,
               {"names.entities.txt", 30, 77},
               {{{"entities.0.safetensors", 300, 4'000'000'000}, 3},
                {{"entities.1.safetensors", 200, 5}, 2}}},
              {"relations", 1, 16, 0, {}, {{{"relations.0.safetensors", 100, 9}, 1}}}};
  return m;
}

// What is said of the example's text with one piece of it changed.
std::string said_of(const std::string& from, const std::string& to) {
  std::string text = to_json(example());
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  text.replace(at, from.size(), to);
  return refusal_of([&] { parse_manifest(text, "m.json"); });
}

TEST(ModelManifest, What_is_written_is_read_back) {
  EXPECT_TRUE(parse_manifest(to_json(example()), "m.json") == example());
  EXPECT_EQ(example().bytes(), 300U + 200 + 30 + 100);
}

TEST(ModelManifest, Files_are_called_after_table_and_node) {
  EXPECT_EQ(shard_name("entities", 12), "entities.12.safetensors");
  EXPECT_EQ(names_file_name("entities"), "names.entities.txt");
}

TEST(ModelManifest, Each_contradiction_is_one_sentence) {
  const std::string begin = "m.json is no manifest of a model: ";
  EXPECT_EQ(said_of("\"hemiola model\"", "\"other\""), begin + "its `format` is not that of one");
  EXPECT_EQ(said_of("\"version\": 1", "\"version\": 2"),
            "m.json is of version 2; this program reads version 1");
  EXPECT_EQ(said_of("\"job\"", "\"jobs\""), begin + "`job` is missing");
  EXPECT_EQ(said_of("\"model\": \"kge\"", "\"model\": 3"), begin + "`model` is no text");
  EXPECT_EQ(said_of("\"8\"", "8"), begin + "`settings.model.dim` is no text");
  EXPECT_EQ(said_of("3.25", "\"3\""), begin + "`facts.mean` is no number");
  EXPECT_EQ(said_of("\"rows\": 5", "\"rows\": 5.5"), begin + "`rows` is no whole number");
  EXPECT_EQ(said_of("4000000000", "5000000000"), begin + "`crc32` is too large");
  EXPECT_EQ(said_of("\"rows\": 5", "\"rows\": 6"),
            begin + "table `entities` has 6 rows, but its shards have 5");
  EXPECT_EQ(said_of("\"columns\": 16", "\"columns\": 0"),
            begin + "table `entities` has no rows or no columns");
  EXPECT_EQ(said_of("\"relations\"", "\"entities\""), begin + "it has table `entities` twice");
  for (const char* name : {"../x", "/x", ".x", "a/b", "", "a\\u0000b"}) {
    EXPECT_NE(said_of("\"names.entities.txt\"", "\"" + std::string(name) + "\"")
                  .find("is no name of a file beside it"),
              std::string::npos)
        << name;
  }
  Manifest empty = example();
  empty.tables.clear();
  EXPECT_EQ(refusal_of([&] { parse_manifest(to_json(empty), "m.json"); }),
            begin + "it has no tables");
  EXPECT_EQ(refusal_of([&] { parse_manifest("[]", "m.json"); }),
            begin + "its `format` is not that of one");
  EXPECT_EQ(refusal_of([&] { parse_manifest("{", "m.json"); }),
            begin + "expected a key in quotes, at byte 1");
}

TEST(ModelManifest, A_damaged_text_is_refused_or_consistent) {
  const std::string good = to_json(example());
  Random random(3);
  int refused = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string text = good;
    for (uint64_t n = 1 + random.below(3); n > 0; --n) {
      text[random.below(text.size())] =
          static_cast<char>(random.below(random.chance(0.5) ? 256 : 58));
    }
    const std::string said = refusal_of([&] {
      const Manifest m = parse_manifest(text, "m.json");
      EXPECT_TRUE(parse_manifest(to_json(m), "m.json") == m);
    });
    EXPECT_EQ(said.find('\n'), said.npos);
    refused += said != "no error";
  }
  EXPECT_GT(refused, 1'000);
}

}  // namespace
}  // namespace hemiola
