#include "hemiola/net/send_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "hemiola/core/random.h"

namespace hemiola::net {
namespace {

std::string front(const SendQueue& queue, size_t limit) {
  std::array<iovec, 8> parts;
  std::string text;
  for (size_t i = 0, n = queue.parts(parts); i < n; ++i) {
    text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  return text.substr(0, limit);
}

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(SendQueue, Small_messages_become_one_part_and_large_ones_are_not_copied) {
  SendQueue queue;
  std::array<iovec, 8> parts;
  for (int i = 0; i < 100; ++i) queue.add(bytes("head"), Bytes::copy_of("body"));
  EXPECT_EQ(queue.parts(parts), 1u);
  EXPECT_EQ(queue.bytes(), 800u);
  const Bytes large = Bytes::copy_of(std::string(100'000, 'x'));
  queue.add(bytes("head"), large);
  queue.add(bytes("tail"), Bytes());
  ASSERT_EQ(queue.parts(parts), 3u);
  EXPECT_EQ(parts[1].iov_base, large.data());
}

TEST(SendQueue, What_comes_out_is_what_went_in_whatever_the_socket_takes) {
  Random random(1);
  SendQueue queue;
  std::string in, out;
  for (int step = 0; step < 5000; ++step) {
    if (random.chance(0.5)) {
      const size_t sizes[] = {0, 10, 200, SendQueue::kShareFrom, 30'000};
      std::string body(sizes[random.below(5)], static_cast<char>('a' + step % 26));
      queue.add(bytes("head"), Bytes::copy_of(body));
      in += "head" + body;
    }
    const std::string taken = front(queue, random.below(20'000));
    queue.sent(taken.size());
    out += taken;
    ASSERT_EQ(queue.bytes(), in.size() - out.size());
  }
  for (std::string taken; !(taken = front(queue, 1 << 30)).empty(); out += taken) {
    queue.sent(taken.size());
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(in, out);
}

}  // namespace
}  // namespace hemiola::net
