#include "hemiola/data/wordnet_files.h"

#include <gtest/gtest.h>

#include "hemiola/data/wordnet_for_test.h"

namespace hemiola {
namespace {

using test::error_of;
using test::SmallWordnet;

TEST(WordnetFiles, A_synset_has_words_a_gloss_and_the_number_of_its_first_word) {
  const SmallWordnet small;
  const WordnetFiles files = read_wordnet_files(small.folder());
  ASSERT_EQ(files.synsets.size(), 7u);
  const WordnetSynset& dog = files.synsets[1];
  EXPECT_EQ(dog.type, 'n');
  EXPECT_EQ(dog.offset, 200u);
  EXPECT_EQ(dog.word, "dog");
  EXPECT_EQ(dog.words, "Dog, domestic dog");
  EXPECT_EQ(dog.gloss, "it barks; \"a | dog\"");
  EXPECT_EQ(dog.meaning, 2u);
  EXPECT_EQ(files.synsets[0].meaning, 1u);
}

TEST(WordnetFiles, The_note_behind_an_adjective_is_no_part_of_it) {
  const SmallWordnet small;
  const WordnetFiles files = read_wordnet_files(small.folder());
  EXPECT_EQ(files.synsets[5].word, "doggy");
  EXPECT_EQ(files.synsets[5].words, "doggy");
  EXPECT_EQ(files.synsets[6].type, 's');
  EXPECT_EQ(files.synsets[6].file(), 'a');
}

TEST(WordnetFiles, A_pointer_leads_into_the_file_that_it_names) {
  const SmallWordnet small;
  const WordnetFiles files = read_wordnet_files(small.folder());
  ASSERT_EQ(files.pointers.size(), 10u);
  EXPECT_EQ(files.pointers[0], (WordnetPointer{0, 1, {'~'}}));
  EXPECT_EQ(files.pointers[2], (WordnetPointer{1, 0, {'@'}}));
  // Offset 200 is a noun too.
  EXPECT_EQ(files.pointers[3], (WordnetPointer{1, 3, {'+'}}));
  EXPECT_EQ(files.pointers[5], (WordnetPointer{2, 1, {'@', 'i'}}));
}

TEST(WordnetFiles, What_is_missing_is_told_with_the_package_that_brings_it) {
  const SmallWordnet small;
  std::filesystem::remove(small.folder() + "/index.verb");
  EXPECT_EQ(error_of([&] { read_wordnet_files(small.folder()); }),
            "WordNet is not on this machine (" + small.folder() +
                "/index.verb is missing); `apt-get install wordnet-base` brings it");
}

TEST(WordnetFiles, A_broken_line_is_told_with_file_and_number) {
  const SmallWordnet small;
  for (const char* line :
       {"00000900 03 n 01 cow", "x 03 n 01 cow 0 000 | gives milk", "00000900", "00000900 03",
        "00000900 03 v 01 cow 0 000 | gives milk", "00000900 03 n 00 000 | gives milk",
        "00000900 03 n 02 cow 0 000 | gives milk", "00000900 03 n 01 cow 0 001 @ 00000100 n",
        "00000900 03 n 01 cow 0 001 @@@ 00000100 n 0000 | gives milk",
        "00000900 03 n 01  cow 0 000 | gives milk", "00000900 03 nn 01 cow 0 000 | gives milk"}) {
    small.write("data.noun", small.nouns() + line + "\n");
    const std::string error = error_of([&] { read_wordnet_files(small.folder()); });
    EXPECT_TRUE(error.starts_with(small.folder() + "/data.noun:6: expected a synset")) << error;
  }
  small.write("data.noun", small.nouns());
  for (const char* line : {"cow n 1 0 1 0", "cow n 1 0 1 0 00000999", "cow n x 0 1 0 00000100",
                           "cow n 1 3 @ ~", "cow"}) {
    small.write("index.noun", small.noun_index() + line + "\n");
    const std::string error = error_of([&] { read_wordnet_files(small.folder()); });
    EXPECT_TRUE(error.starts_with(small.folder() + "/index.noun:5: expected a word's")) << error;
  }
}

TEST(WordnetFiles, A_pointer_into_nothing_is_told) {
  const SmallWordnet small;
  small.write("data.adv", "00000100 02 r 01 well 0 001 ! 00000999 r 0000 | so\n");
  small.write("index.adv", "well r 1 0 1 0 00000100\n");
  const std::string error = error_of([&] { read_wordnet_files(small.folder()); });
  EXPECT_NE(error.find("the synset of well"), std::string::npos) << error;
}

}  // namespace
}  // namespace hemiola
