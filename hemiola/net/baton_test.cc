#include "hemiola/net/baton.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hemiola::net {
namespace {

TEST(Baton, Only_one_thread_holds_it) {
  Baton baton;
  int plain = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20'000; ++i) {
        if (t % 2 == 0) {
          baton.lock();
        } else if (!baton.try_lock()) {
          --i;
          std::this_thread::yield();
          continue;
        }
        ++plain;
        baton.unlock();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(plain, 80'000);
}

}  // namespace
}  // namespace hemiola::net
