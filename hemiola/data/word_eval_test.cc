#include "hemiola/data/word_eval.h"

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;
using test::TempFolder;

Dictionary words_of(std::initializer_list<const char*> names) {
  Dictionary words;
  for (const char* name : names) words.add(name);
  return words;
}

TEST(WordEval, Analogies_come_with_their_kind_and_unknown_words_are_counted) {
  TempFolder folder;
  const auto path = folder.write("q",
                                 ": capital-world\nAthens Greece Oslo Norway\nAthens Greece "
                                 "Rome Italy\r\n\n: gram1-adverb\ncalm calmly oslo Norway\n");
  const auto words = words_of({"athens", "greece", "oslo", "norway", "Norway", "calm", "calmly"});
  const Analogies analogies = read_analogies(path, words);
  using Fours = std::vector<std::array<uint32_t, 4>>;
  EXPECT_EQ(analogies.semantic, (Fours{{0, 1, 2, 4}}));  // as written before small letters
  EXPECT_EQ(analogies.syntactic, (Fours{{5, 6, 2, 4}}));
  EXPECT_EQ(analogies.unknown, 1u);
}

TEST(WordEval, Similarities_come_with_scores_and_a_name_for_the_metric) {
  TempFolder folder;
  const auto path =
      folder.write("EN-WS-353-ALL.txt", "tiger\tcat\t7.35\nTiger tiger 10\nx cat 1\n");
  const Similarities set = read_similarities(path, words_of({"cat", "tiger"}));
  EXPECT_EQ(set.name, "ws353");
  EXPECT_EQ(set.pairs, (std::vector<std::array<uint32_t, 2>>{{1, 0}, {1, 1}}));
  EXPECT_EQ(set.scores, (std::vector<float>{7.35f, 10}));
  EXPECT_EQ(set.unknown, 1u);
  const Similarities other = read_similarities(folder.write("my set.tsv", ""), Dictionary());
  EXPECT_EQ(other.name, "myset");
}

TEST(WordEval, A_line_of_another_kind_is_an_error_with_its_place) {
  TempFolder folder;
  const auto q = folder.write("q", ": a\nw x y z\nw x y\n"), s = folder.write("s", "a b much\n");
  EXPECT_EQ(error_of([&] { read_analogies(q, Dictionary()); }),
            q + ":3: expected four words, or `: section`, found `w x y`");
  EXPECT_EQ(error_of([&] { read_similarities(s, Dictionary()); }),
            s + ":1: expected `word word score`, found `a b much`");
}

TEST(WordEval, The_public_sets_have_the_sizes_that_their_page_says) {
  const std::string questions = test::shared_data("word-eval/questions-words.txt");
  if (questions.empty()) GTEST_SKIP() << "no ../shared/data/word-eval";
  EXPECT_EQ(read_analogies(questions, Dictionary()).unknown, 19'544u);
  const auto set = read_similarities(test::shared_data("word-eval/EN-MEN-TR-3k.txt"), Dictionary());
  EXPECT_EQ(set.unknown, 3000u);
  EXPECT_EQ(set.name, "mentr3k");
}

}  // namespace
}  // namespace hemiola
