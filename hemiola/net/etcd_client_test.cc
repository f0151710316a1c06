#include "hemiola/net/etcd_client.h"

#include <gtest/gtest.h>

#include <thread>

#include "hemiola/core/check.h"
#include "hemiola/net/etcd_for_test.h"

namespace hemiola::net {
namespace {

using std::chrono::seconds;

// Until there is a majority.
template <class F>
auto insist(F&& call) {
  for (int tries = 0; tries < 100; ++tries) {
    if (auto answer = call()) return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return call();
}

TEST(EtcdClientTest, Endpoints_are_read_and_what_is_none_is_refused_with_an_example) {
  EXPECT_EQ(etcd_endpoints("http://a:2379/, https://b:1"),
            (std::vector<std::string>{"http://a:2379", "https://b:1"}));
  for (const char* wrong : {"", "a:2379", "http://", "http://a/v3", "ftp://a"}) {
    EXPECT_THROW(etcd_endpoints(wrong), UserError) << wrong;
  }
}

TEST(EtcdClientTest, A_value_of_any_bytes_is_written_only_over_the_revision_that_was_read) {
  SKIP_WITHOUT_ETCD();
  const EtcdForTest etcd;
  const std::atomic<bool> ended{false};
  EtcdClient client(etcd.endpoints(), &ended);
  const auto none = insist([&] { return client.get("k"); });
  ASSERT_TRUE(none) << client.why();
  EXPECT_EQ(none->revision, 0);
  for (size_t length = 0; length < 7; ++length) {
    std::string value("\0\xff=ab\n\0", length);
    const auto before = client.get("k");
    ASSERT_TRUE(before);
    EXPECT_EQ(client.swap("k", before->revision, value, 0), true);
    EXPECT_EQ(client.swap("k", before->revision, "late", 0), false);
    const auto after = client.get("k");
    ASSERT_TRUE(after);
    EXPECT_EQ(after->value, value);
    EXPECT_GT(after->revision, before->revision);
  }
}

TEST(EtcdClientTest, What_hangs_on_a_lease_stays_while_it_is_renewed_and_goes_then) {
  SKIP_WITHOUT_ETCD();
  const EtcdForTest etcd;
  const std::atomic<bool> ended{false};
  EtcdClient client(etcd.endpoints(), &ended);
  const auto lease = insist([&] { return client.lease(seconds(2)); });
  ASSERT_TRUE(lease) << client.why();
  EXPECT_EQ(client.swap("k", 0, "v", *lease), true);
  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(seconds(1));
    EXPECT_TRUE(client.renew(*lease));
  }
  EXPECT_EQ(client.get("k")->lease, *lease);
  const auto gone = insist([&] {
    const auto entry = client.get("k");
    return entry && entry->revision == 0 ? entry : std::nullopt;
  });
  EXPECT_TRUE(gone);
  EXPECT_FALSE(client.renew(*lease));
}

TEST(EtcdClientTest, Of_three_members_two_suffice_and_one_does_not) {
  SKIP_WITHOUT_ETCD();
  EtcdForTest etcd(3);
  const std::atomic<bool> ended{false};
  EtcdClient client(etcd.endpoints(), &ended);
  ASSERT_TRUE(insist([&] { return client.swap("k", 0, "v", 0); })) << client.why();
  etcd.kill(0);
  const auto still = insist([&] { return client.get("k"); });
  ASSERT_TRUE(still) << client.why();
  EXPECT_EQ(still->value, "v");
  etcd.kill(1);
  EXPECT_FALSE(client.get("k"));
  EXPECT_NE(client.why().find("http://127.0.0.1:"), std::string::npos) << client.why();
  etcd.start(1);
  ASSERT_TRUE(insist([&] { return client.get("k"); })) << client.why();
}

TEST(EtcdClientTest, What_is_no_etcd_is_said_so) {
  const std::atomic<bool> ended{false};
  const Listener nobody = Listener::open("tcp:127.0.0.1:0");
  std::string address = "http://" + nobody.address().substr(4);
  EtcdClient client(address, &ended);
  EXPECT_FALSE(client.get("k"));  // it accepts, and is silent
  EXPECT_NE(client.why().find(address), std::string::npos) << client.why();
}

}  // namespace
}  // namespace hemiola::net
