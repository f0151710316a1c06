#include "hemiola/data/text.h"

#include "hemiola/core/random.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;
using test::TempFolder;

Corpus read(const std::string& path, uint64_t min_count, const Runner& run = in_order) {
  return read_text({&path, 1}, {min_count}, run);
}

std::string text_of(const Corpus& corpus) {
  std::string text;
  size_t sentence = 0;
  for (size_t i = 0; i < corpus.tokens.size(); ++i) {
    text += std::string(corpus.word(corpus.tokens[i]));
    const bool ends = i + 1 == corpus.sentence_ends.at(sentence);
    text += ends ? '\n' : ' ';
    sentence += ends;
  }
  EXPECT_EQ(sentence, corpus.sentence_ends.size());
  return text;
}

TEST(Text, Words_are_numbered_by_how_common_they_are_and_rare_ones_are_not_there) {
  TempFolder folder;
  const auto path = folder.write("t", "b a c\ta \r\n\n  c b a x\n\nx2 y");
  const Corpus corpus = read(path, 2);
  EXPECT_EQ(corpus.words.size(), 3u);
  EXPECT_EQ(corpus.word(0), "a");
  EXPECT_EQ(corpus.word(1), "b");  // as common as c, but first
  EXPECT_EQ(corpus.word(2), "c");
  EXPECT_EQ(corpus.counts, (std::vector<uint64_t>{3, 2, 2}));
  EXPECT_EQ(corpus.words_read, 10u);
  EXPECT_EQ(text_of(corpus), "b a c a\nc b a\n");
}

TEST(Text, A_file_without_a_line_end_reads_the_same_in_any_packing_and_with_any_number_of_threads) {
  TempFolder folder;
  Random random(1);
  std::string text;
  while (text.size() < 5'000'000) {
    const uint64_t w = random.below(3000) * random.below(3000) / 3000;
    text += "w" + std::to_string(w * w) + " ";
  }
  const Corpus plain = read(folder.write("plain", text), 5);
  EXPECT_EQ(plain.sentence_ends, std::vector<uint64_t>{plain.tokens.size()});
  uint64_t sum = 0;
  for (const uint64_t count : plain.counts) sum += count;
  EXPECT_EQ(sum, plain.tokens.size());
  EXPECT_TRUE(std::is_sorted(plain.counts.rbegin(), plain.counts.rend()));
  for (const auto& packed : {test::gzip(text), test::zstd(text), test::bzip2(text)}) {
    const Corpus other = read(folder.write("packed", packed), 5, test::on_threads);
    EXPECT_EQ(other.tokens, plain.tokens);
    EXPECT_EQ(other.counts, plain.counts);
    EXPECT_EQ(other.words_read, plain.words_read);
    EXPECT_EQ(other.word(17), plain.word(17));
  }
}

TEST(Text, Shards_are_one_text_and_each_ends_a_sentence) {
  TempFolder folder;
  folder.write("part2.txt", "c c a");
  folder.write("part1.txt", "a b");
  folder.write("other", "b a\n");
  const auto files = text_files(folder.path("part*.txt") + "," + folder.path("other"));
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0], folder.path("part1.txt"));
  const Corpus corpus = read_text(files, {1});
  EXPECT_EQ(text_of(corpus), "a b\nc c a\nb a\n");
}

TEST(Text, A_pattern_that_matches_nothing_is_an_error) {
  TempFolder folder;
  EXPECT_EQ(error_of([&] { text_files(folder.path("*.txt")); }),
            "no file matches " + folder.path("*.txt"));
  EXPECT_EQ(error_of([&] { text_files(","); }), "`,` names no text file");
  EXPECT_EQ(text_files("a,b"), (std::vector<std::string>{"a", "b"}));
}

TEST(Text, A_text_of_which_nothing_is_left_is_an_error) {
  TempFolder folder;
  const auto blank = folder.write("blank", " \n\t\n"), rare = folder.write("rare", "a b a\n");
  EXPECT_EQ(error_of([&] { read(blank, 1); }), "there are no words in " + blank);
  EXPECT_EQ(error_of([&] { read(rare, 3); }),
            "no word occurs 3 times in " + rare + "; lower data.min_count");
}

TEST(Text, A_word_is_never_cut_where_a_chunk_ends) {
  TempFolder folder;
  std::string text;
  for (int i = 0; text.size() < 5000; ++i) text += std::to_string(i * i) + (i % 7 ? " " : "\n");
  text += "last";
  const auto path = folder.write("t", text);
  for (const size_t bytes : {1, 7, 64, 1000}) {
    Chunks chunks(path, bytes, Chunks::Cut::words);
    TextBuffer chunk;
    std::string all;
    while (chunks.next(chunk)) {
      all += chunk.text();
      const char end = chunk.text().back();
      EXPECT_TRUE(end == ' ' || end == '\n' || all.size() == text.size());
    }
    EXPECT_EQ(all, text);
  }
}

}  // namespace
}  // namespace hemiola
