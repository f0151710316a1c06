#include "hemiola/net/etcd_watch.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "hemiola/net/etcd_client.h"
#include "hemiola/net/etcd_for_test.h"

namespace hemiola::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto kLong = seconds(30);

bool begins_to_hold(EtcdWatch& watch) {
  for (const auto end = steady_clock::now() + kLong; steady_clock::now() < end;) {
    watch.wait(milliseconds(100));
    if (watch.holds()) return true;
  }
  return false;
}

class WatchTest : public testing::Test {
 protected:
  // Until there is a majority.
  void write(EtcdForTest& etcd, const std::string& key) {
    EtcdClient client(etcd.endpoints(), &ended_);
    for (int tries = 0; tries < 100; ++tries) {
      const auto entry = client.get(key);
      if (entry && client.swap(key, entry->revision, "v", 0)) return;
      std::this_thread::sleep_for(milliseconds(100));
    }
    FAIL() << client.why();
  }

  const std::atomic<bool> ended_{false};
};

// False: it slept on.
bool wakes(EtcdWatch& watch, const std::function<void()>& change) {
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(50));
    change();
  });
  const auto begin = steady_clock::now();
  watch.wait(kLong);
  later.join();
  return steady_clock::now() - begin < kLong;
}

TEST_F(WatchTest, Who_waits_for_a_key_wakes_when_it_changes_and_for_no_other) {
  SKIP_WITHOUT_ETCD();
  EtcdForTest etcd;
  EtcdWatch watch(etcd.endpoints(), "k");
  ASSERT_TRUE(begins_to_hold(watch));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(wakes(watch, [&] { write(etcd, "k"); }));
  }
  write(etcd, "another");
  const auto begin = steady_clock::now();
  watch.wait(milliseconds(300));
  EXPECT_GE(steady_clock::now() - begin, milliseconds(300));
  EXPECT_TRUE(watch.holds());
}

TEST_F(WatchTest, When_the_member_that_tells_is_killed_another_one_does) {
  SKIP_WITHOUT_ETCD();
  EtcdForTest etcd(3);
  EtcdWatch watch(etcd.endpoints(), "k");
  ASSERT_TRUE(begins_to_hold(watch));
  write(etcd, "k");
  etcd.kill(0);
  for (int i = 0; i < 20 && watch.holds(); ++i) watch.wait(milliseconds(100));
  ASSERT_TRUE(begins_to_hold(watch));
  EXPECT_TRUE(wakes(watch, [&] { write(etcd, "k"); }));
}

TEST_F(WatchTest, Without_any_member_it_waits_as_long_as_it_is_told_and_can_be_woken) {
  EtcdWatch watch("http://127.0.0.1:1,http://127.0.0.1:2", "k");
  const auto begin = steady_clock::now();
  watch.wait(milliseconds(500));
  EXPECT_GE(steady_clock::now() - begin, milliseconds(500));
  EXPECT_FALSE(watch.holds());
  EXPECT_TRUE(wakes(watch, [&] { watch.wake(); }));
  watch.wake();  // before it waits
  const auto again = steady_clock::now();
  watch.wait(kLong);
  EXPECT_LT(steady_clock::now() - again, kLong);
}

}  // namespace
}  // namespace hemiola::net
