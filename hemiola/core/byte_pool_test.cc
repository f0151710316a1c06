#include "hemiola/core/byte_pool.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

TEST(BytePool, A_block_is_used_again_once_no_message_refers_to_it) {
  BytePool pool(1 << 20);
  Bytes message = pool.get(20'000).freeze();
  const std::byte* at = message.data();
  Bytes part = message.slice(100, 5);
  message = {};
  const Bytes other = pool.get(20'000).freeze();
  EXPECT_NE(other.data(), at);
  part = {};
  EXPECT_EQ(pool.get(19'000).data(), at);
}

TEST(BytePool, It_keeps_no_more_than_it_may) {
  BytePool pool(64 << 10);
  std::vector<Bytes> held;
  for (int i = 0; i < 20; ++i) held.push_back(pool.get(16 << 10).freeze());
  EXPECT_EQ(pool.kept_bytes(), size_t{64} << 10);
  held.clear();
  EXPECT_EQ(pool.get(60 << 10).size(), size_t{60} << 10);  // in the place of the smaller ones
  EXPECT_EQ(pool.kept_bytes(), size_t{60} << 10);
}

TEST(BytePool, A_small_message_does_not_hold_a_large_block) {
  BytePool pool(1 << 20);
  const std::byte* large = pool.get(512 << 10).data();
  EXPECT_NE(pool.get(4 << 10).data(), large);
  EXPECT_EQ(pool.get(500 << 10).data(), large);
}

}  // namespace
}  // namespace hemiola
