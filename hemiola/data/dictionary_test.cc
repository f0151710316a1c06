#include "hemiola/data/dictionary.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

TEST(Dictionary, Numbers_follow_first_appearance) {
  Dictionary d;
  EXPECT_EQ(d.add("dog"), 0u);
  EXPECT_EQ(d.add("cat"), 1u);
  EXPECT_EQ(d.add("dog"), 0u);
  EXPECT_EQ(d.add("cow"), 2u);
  EXPECT_EQ(d.size(), 3u);
  EXPECT_EQ(d.name(1), "cat");
  EXPECT_EQ(d.find("cow"), 2u);
  EXPECT_EQ(d.find("sheep"), Dictionary::kNone);
  EXPECT_EQ(d.characters(), 9u);
}

TEST(Dictionary, An_empty_one_finds_nothing) {
  const Dictionary d;
  EXPECT_EQ(d.size(), 0u);
  EXPECT_EQ(d.find(""), Dictionary::kNone);
  EXPECT_EQ(d.find("a"), Dictionary::kNone);
}

TEST(Dictionary, Any_bytes_are_a_name) {
  Dictionary d;
  const std::string zeros("\0\0\0", 3);
  EXPECT_EQ(d.add(zeros), 0u);
  EXPECT_EQ(d.add(std::string_view(zeros).substr(1)), 1u);
  EXPECT_EQ(d.add(""), 2u);
  EXPECT_EQ(d.add("\xc3\xa9t\xc3\xa9"), 3u);
  EXPECT_EQ(d.find(""), 2u);
  EXPECT_EQ(d.find(zeros), 0u);
  EXPECT_EQ(d.name(2), "");
}

// Lengths around the eight bytes that are hashed at a time, and names that differ in one place.
TEST(Dictionary, It_does_what_an_ordered_map_does) {
  Random random(5);
  Dictionary d;
  std::map<std::string, uint32_t> plain;
  for (int i = 0; i < 50'000; ++i) {
    std::string name(random.below(20), 'a');
    for (int changes = 0; changes < 3 && !name.empty(); ++changes) {
      name[random.below(name.size())] = static_cast<char>('a' + random.below(6));
    }
    const auto [known, is_new] = plain.emplace(name, static_cast<uint32_t>(plain.size()));
    ASSERT_EQ(d.find(name), is_new ? Dictionary::kNone : known->second) << name;
    ASSERT_EQ(d.add(name), known->second) << name;
  }
  ASSERT_EQ(d.size(), plain.size());
  for (const auto& [name, id] : plain) ASSERT_EQ(d.name(id), name);
}

TEST(Dictionary, All_names_at_once_get_the_numbers_that_they_get_one_by_one) {
  Random random(9);
  Dictionary at_once, one_by_one;
  for (const uint32_t size : {0U, 1U, 7U, 31U, 32U, 33U, 1000U, 50'000U}) {
    Dictionary part;
    for (uint32_t i = 0; i < size; ++i) part.add(std::to_string(random.below(60'000)));
    std::vector<uint32_t> numbers = {99};
    at_once.add_all(part, numbers);
    ASSERT_EQ(numbers.size(), part.size());
    for (uint32_t id = 0; id < part.size(); ++id) {
      ASSERT_EQ(numbers[id], one_by_one.add(part.name(id))) << size;
    }
  }
  ASSERT_EQ(at_once.size(), one_by_one.size());
  for (uint32_t id = 0; id < at_once.size(); ++id) {
    ASSERT_EQ(at_once.name(id), one_by_one.name(id));
  }
}

TEST(Dictionary, Cleared_it_begins_anew) {
  Dictionary d;
  for (int i = 0; i < 1000; ++i) d.add(std::to_string(i));
  d.clear();
  EXPECT_EQ(d.size(), 0u);
  EXPECT_EQ(d.find("7"), Dictionary::kNone);
  EXPECT_EQ(d.add("999"), 0u);
  EXPECT_EQ(d.name(0), "999");
}

// Numbers in a row are the worst case of a weak hash with linear probing.
TEST(Dictionary, Many_numbers_in_a_row_are_found_again) {
  Dictionary d;
  for (uint32_t i = 0; i < 300'000; ++i) ASSERT_EQ(d.add(std::to_string(i)), i);
  for (uint32_t i = 0; i < 300'000; ++i) ASSERT_EQ(d.find(std::to_string(i)), i);
}

}  // namespace
}  // namespace hemiola
