#include "hemiola/train/background.h"

#include <gtest/gtest.h>

#include <atomic>

namespace hemiola {
namespace {

TEST(Background, Work_is_done_in_order_by_another_thread) {
  std::vector<int> done;
  std::thread::id who;
  {
    Background background(1, 10);
    EXPECT_TRUE(background.idle());
    for (int i = 0; i < 100; ++i) {
      background.post([&, i](const auto&) {
        done.push_back(i);
        who = std::this_thread::get_id();
      });
    }
    background.wait();
    EXPECT_TRUE(background.idle());
    EXPECT_EQ(done.size(), 100U);
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<size_t>(i)], i);
  EXPECT_NE(who, std::this_thread::get_id());
}

TEST(Background, What_was_posted_is_done_before_it_goes) {
  std::atomic<int> done{0};
  {
    Background background(1, 10);
    for (int i = 0; i < 50; ++i) background.post([&](const auto&) { ++done; });
  }
  EXPECT_EQ(done, 50);
}

TEST(Background, No_more_buffers_are_out_than_allowed) {
  std::atomic<int> out{0}, most{0};
  size_t bytes = 0;
  Background background(3, 8);
  for (int i = 0; i < 1000; ++i) {
    Background::Buffer buffer = background.buffer();
    most = std::max<int>(most, ++out);
    EXPECT_EQ(buffer.size(), 0U);
    EXPECT_GE(buffer.capacity(), 8U);
    buffer.resize(i % 9);
    background.post(
        [&](const Background::Buffer& b) {
          bytes += b.size();
          --out;
        },
        std::move(buffer));
  }
  background.wait();
  EXPECT_LE(most, 3);
  size_t expected = 0;
  for (int i = 0; i < 1000; ++i) expected += static_cast<size_t>(i % 9);
  EXPECT_EQ(bytes, expected);
}

}  // namespace
}  // namespace hemiola
