#include "hemiola/net/checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "hemiola/core/random.h"

namespace hemiola::net {
namespace {

std::vector<std::byte> noise(size_t size, uint64_t seed) {
  Random random(seed);
  std::vector<std::byte> bytes(size);
  for (auto& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

TEST(Checksum, The_fast_one_equals_its_plain_twin_at_every_length) {
  for (size_t size = 0; size < 300; ++size) {
    const auto bytes = noise(size, size);
    EXPECT_EQ(checksum(bytes), checksum_portable(bytes)) << size;
  }
  const auto large = noise(1'000'003, 1);
  EXPECT_EQ(checksum(large), checksum_portable(large));
  EXPECT_EQ(checksum(std::span(large).subspan(1)), checksum_portable(std::span(large).subspan(1)));
}

TEST(Checksum, Every_flipped_bit_is_seen) {
  for (const size_t size : {1u, 7u, 8u, 24u, 33u, 100u}) {
    auto bytes = noise(size, size);
    const uint32_t right = checksum(bytes);
    for (size_t bit = 0; bit < size * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      EXPECT_NE(checksum(bytes), right) << size << " bytes, bit " << bit;
      bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    }
  }
}

TEST(Checksum, Zeros_of_other_length_and_exchanged_words_are_seen) {
  const std::vector<std::byte> zeros(100);
  EXPECT_NE(checksum(std::span(zeros).first(8)), checksum(std::span(zeros).first(16)));
  EXPECT_NE(checksum({}), checksum(std::span(zeros).first(1)));
  auto bytes = noise(64, 5);
  const uint32_t right = checksum(bytes);
  for (size_t lane = 1; lane < 8; ++lane) {
    auto other = bytes;
    std::swap_ranges(other.begin(), other.begin() + 8,
                     other.begin() + static_cast<ptrdiff_t>(8 * lane));
    EXPECT_NE(checksum(other), right);
  }
}

}  // namespace
}  // namespace hemiola::net
