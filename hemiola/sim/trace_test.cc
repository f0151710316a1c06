#include "hemiola/sim/trace.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace hemiola::sim {
namespace {

TEST(Trace, The_hash_depends_on_every_word_and_their_order) {
  const auto hash = [](std::initializer_list<uint64_t> words) {
    Trace trace(false);
    for (const uint64_t word : words) trace.note(word);
    return trace.hash();
  };
  EXPECT_EQ(hash({1, 2, 3}), hash({1, 2, 3}));
  EXPECT_NE(hash({1, 2, 3}), hash({1, 3, 2}));
  EXPECT_NE(hash({1, 2, 3}), hash({1, 2, 4}));
  EXPECT_NE(hash({1, 2, 3}), hash({1, 2}));
}

TEST(Trace, Every_byte_of_a_body_counts) {
  for (size_t size : {1, 7, 8, 9, 31, 32, 33, 100}) {
    std::vector<std::byte> bytes(size);
    std::set<uint64_t> hashes{hash_of(bytes)};
    for (size_t i = 0; i < size; ++i) {
      bytes[i] = std::byte{1};
      hashes.insert(hash_of(bytes));
      bytes[i] = std::byte{0};
    }
    bytes.push_back(std::byte{0});
    hashes.insert(hash_of(bytes));
    EXPECT_EQ(hashes.size(), size + 2) << size;
  }
}

TEST(Trace, Lines_have_fixed_columns) {
  Trace trace(true);
  trace.line(Instant{1'234'567}, NodeId{2}, "message", "from n1");
  trace.line(Instant{2'000'000}, NodeId{12}, "lost", "");
  EXPECT_EQ(trace.text(),
            "      1234.567  n2    message     from n1\n"
            "      2000.000  n12   lost\n");
}

TEST(Trace, Nothing_is_written_unless_asked_for) {
  Trace trace(false);
  trace.line(Instant{1}, NodeId{0}, "message", "");
  EXPECT_EQ(trace.text(), "");
}

}  // namespace
}  // namespace hemiola::sim
