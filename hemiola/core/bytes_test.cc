#include "hemiola/core/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace hemiola {
namespace {

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Bytes, Without_content_it_is_empty) {
  const Bytes none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.span().size(), 0u);
  EXPECT_TRUE(Bytes::copy_of("").empty());
  EXPECT_TRUE(none.slice(0, 0).empty());
}

TEST(Bytes, A_copy_does_not_depend_on_what_it_was_copied_from) {
  std::string source = "three against two";
  const Bytes bytes = Bytes::copy_of(source);
  source.assign(source.size(), '-');
  EXPECT_EQ(text_of(bytes), "three against two");
}

TEST(Bytes, Copying_and_slicing_share_the_memory) {
  const Bytes whole = Bytes::copy_of("three against two");
  const Bytes same = whole;
  const Bytes part = whole.slice(6, 7);
  EXPECT_EQ(same.data(), whole.data());
  EXPECT_EQ(part.data(), whole.data() + 6);
  EXPECT_EQ(text_of(part), "against");
  EXPECT_EQ(text_of(part.slice(2, 3)), "ain");
}

TEST(Bytes, A_slice_keeps_its_memory_when_the_whole_is_gone) {
  Bytes part;
  {
    const Bytes whole = Bytes::copy_of(std::string(1000, 'x') + "end");
    part = whole.slice(1000, 3);
  }
  EXPECT_EQ(text_of(part), "end");
}

TEST(MutableBytes, Freezing_neither_copies_nor_moves_the_memory) {
  MutableBytes block(8);
  std::memcpy(block.data(), "12345678", 8);
  const std::byte* at = block.data();
  const Bytes frozen = std::move(block).freeze();
  EXPECT_EQ(frozen.data(), at);
  EXPECT_EQ(text_of(frozen), "12345678");
}

TEST(MutableBytes, Only_the_used_part_is_frozen) {
  MutableBytes block(8);
  std::memcpy(block.data(), "123", 3);
  EXPECT_EQ(text_of(std::move(block).freeze(3)), "123");
}

}  // namespace
}  // namespace hemiola
