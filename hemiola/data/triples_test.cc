#include "hemiola/data/triples.h"

#include <gtest/gtest.h>

#include <tuple>

#include "hemiola/core/random.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;
using test::TempFolder;

std::string fact(const TripleData& data, const Triples& set, size_t i) {
  std::string text(data.entities.name(set.head[i]));
  text.append(" ").append(data.relations.name(set.relation[i]));
  return text.append(" ").append(data.entities.name(set.tail[i]));
}

TEST(Triples, Numbers_follow_first_appearance_over_train_valid_test) {
  TempFolder folder;
  const TripleData data =
      read_triples(folder.write("train", "b\tlikes\ta\na\tlikes\tb\n"),
                   folder.write("valid", "c\tlikes\tb\n"), folder.write("test", "a\thates\td\n"));
  EXPECT_EQ(data.train, (Triples{{0, 1}, {0, 0}, {1, 0}}));
  EXPECT_EQ(data.valid, (Triples{{2}, {0}, {0}}));
  EXPECT_EQ(data.test, (Triples{{1}, {1}, {3}}));
  EXPECT_EQ(data.entities.name(0), "b");
  EXPECT_EQ(data.entities.size(), 4u);
  EXPECT_EQ(data.relations.size(), 2u);
  EXPECT_EQ(data.trained_entities, 2u);
  EXPECT_EQ(data.trained_relations, 1u);
}

TEST(Triples, Valid_and_test_may_be_absent) {
  TempFolder folder;
  const TripleData data = read_triples(folder.write("train", "a\tr\tb\n"), "", "");
  EXPECT_EQ(data.train.size(), 1u);
  EXPECT_EQ(data.valid.size() + data.test.size(), 0u);
}

TEST(Triples, Between_tabs_a_name_may_hold_blanks) {
  TempFolder folder;
  const TripleData data =
      read_triples(folder.write("train", "New York\tlies in\tthe US\r\n\r\n\nx  y   z \n"), "", "");
  ASSERT_EQ(data.train.size(), 2u);
  EXPECT_EQ(data.entities.name(0), "New York");
  EXPECT_EQ(data.relations.name(0), "lies in");
  EXPECT_EQ(data.entities.name(1), "the US");
  EXPECT_EQ(fact(data, data.train, 1), "x y z");
}

TEST(Triples, A_byte_order_mark_is_no_part_of_a_name) {
  TempFolder folder;
  const TripleData data = read_triples(folder.write("train",
                                                    "\xEF\xBB\xBF"
                                                    "a\tr\tb"),
                                       "", "");
  EXPECT_EQ(data.entities.name(0), "a");
}

TEST(Triples, A_broken_line_is_told_with_file_and_number) {
  TempFolder folder;
  const std::string good = folder.write("good", "a\tr\tb\n");
  for (const char* line :
       {"a\tr", "a", "a b", "a\tr\tb\tc", "a b c d", "\tr\tb", "a\t\tb", "a\tr\t", "a\tr\tb\t"}) {
    const std::string path = folder.write("bad", std::string("a\tr\tb\n\n") + line + "\n");
    const std::string begin = path + ":3: expected `head TAB relation TAB tail`, found `";
    EXPECT_TRUE(error_of([&] { read_triples(path, "", ""); }).starts_with(begin)) << line;
    EXPECT_TRUE(error_of([&] { read_triples(good, path, ""); }).starts_with(begin)) << line;
    EXPECT_TRUE(error_of([&] { read_triples(good, "", path); }).starts_with(begin)) << line;
  }
}

TEST(Triples, A_file_without_triples_is_told) {
  TempFolder folder;
  EXPECT_EQ(error_of([&] { read_triples(folder.write("e", ""), "", ""); }),
            folder.path("e") + " is empty");
  EXPECT_EQ(error_of([&] { read_triples(folder.write("e", "\n\n"), "", ""); }),
            folder.path("e") + " holds no triples");
  EXPECT_NE(error_of([&] { read_triples(folder.path("none"), "", ""); }).find("none"),
            std::string::npos);
}

// More than one wave of chunks, so that numbers of parts are translated.
std::string many_lines(std::vector<std::tuple<uint32_t, uint32_t, uint32_t>>& facts) {
  Random random(3);
  std::string text;
  for (int i = 0; i < 150'000; ++i) {
    const auto h = static_cast<uint32_t>(random.below(40'000));
    const auto r = static_cast<uint32_t>(random.below(20));
    const auto t = static_cast<uint32_t>(random.below(40'000));
    facts.emplace_back(h, r, t);
    text += "entity_" + std::to_string(h) + "\trelation_" + std::to_string(r) + "\tentity_" +
            std::to_string(t) + "\n";
  }
  return text;
}

TEST(Triples, Threads_and_packing_change_nothing) {
  TempFolder folder;
  std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> facts;
  const std::string text = many_lines(facts);
  const TripleData plain = read_triples(folder.write("a", text), "", "");
  ASSERT_EQ(plain.train.size(), facts.size());
  uint32_t known = 0;  // numbers appear in order
  for (size_t i = 0; i < facts.size(); ++i) {
    const auto [h, r, t] = facts[i];
    ASSERT_EQ(fact(plain, plain.train, i), "entity_" + std::to_string(h) + " relation_" +
                                               std::to_string(r) + " entity_" + std::to_string(t));
    for (const uint32_t id : {plain.train.head[i], plain.train.tail[i]}) {
      ASSERT_LE(id, known);
      known += id == known;
    }
  }
  for (const std::string& packed : {test::gzip(text), test::zstd(text), test::bzip2(text)}) {
    const TripleData other = read_triples(folder.write("b", packed), "", "", test::on_threads);
    ASSERT_EQ(other.train, plain.train);
    ASSERT_EQ(other.entities.size(), plain.entities.size());
    for (uint32_t id = 0; id < plain.entities.size(); id += 97) {
      ASSERT_EQ(other.entities.name(id), plain.entities.name(id));
    }
  }
}

TEST(Triples, A_broken_line_in_a_late_chunk_is_counted_from_the_first) {
  TempFolder folder;
  std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> facts;
  const std::string path = folder.write("a", many_lines(facts) + "only two\n");
  EXPECT_EQ(error_of([&] { read_triples(path, "", "", test::on_threads); }),
            path + ":150001: expected `head TAB relation TAB tail`, found `only two`");
}

TEST(Triples, The_public_sets_are_read_whole) {
  struct Known {
    const char* folder;
    uint32_t entities, trained, relations;
    size_t train, valid, test;
  };
  for (const Known& k : {Known{"fb15k-237", 14'541, 14'505, 237, 272'115, 17'535, 20'466},
                         Known{"wn18rr", 40'943, 40'559, 11, 86'835, 3'034, 3'134},
                         Known{"umls", 135, 135, 46, 5'216, 652, 661},
                         Known{"nations", 14, 14, 55, 1'592, 199, 201}}) {
    const std::string folder = test::shared_data(k.folder);
    if (folder.empty()) GTEST_SKIP() << "no shared data";
    const auto file = [&](const char* name) {
      for (const char* packing : {".txt", ".txt.zst", ".txt.gz", ".txt.bz2"}) {
        const std::string path = folder + "/" + name + packing;
        if (std::filesystem::exists(path)) return path;
      }
      return folder + "/" + name;
    };
    const TripleData data = read_triples(file("train"), file("valid"), file("test"));
    EXPECT_EQ(data.entities.size(), k.entities) << k.folder;
    EXPECT_EQ(data.trained_entities, k.trained) << k.folder;
    EXPECT_EQ(data.relations.size(), k.relations) << k.folder;
    EXPECT_EQ(data.train.size(), k.train) << k.folder;
    EXPECT_EQ(data.valid.size(), k.valid) << k.folder;
    EXPECT_EQ(data.test.size(), k.test) << k.folder;
  }
}

}  // namespace
}  // namespace hemiola
