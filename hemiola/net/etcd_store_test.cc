#include "hemiola/net/etcd_store.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/net/etcd_for_test.h"

namespace hemiola::net {
namespace {

struct Listening {
  explicit Listening(const EtcdForTest& etcd, const std::string& key = "hemiola/j/1/view")
      : store(views_in_etcd({etcd.endpoints(), key})) {
    store->start([this](Event event) {
      const std::lock_guard lock(mutex);
      if (const auto* stored = std::get_if<ViewStored>(&event)) views.push_back(stored->view);
      if (std::holds_alternative<StoreLost>(event)) ++lost;
      changed.notify_all();
    });
  }
  // False: it did not come to be so in 20 s.
  template <class F>
  bool await(F&& is_so) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return is_so(*this); });
  }
  int losses() {
    const std::lock_guard lock(mutex);
    return lost;
  }
  View last() {
    const std::lock_guard lock(mutex);
    return views.back();
  }
  bool await_epoch(uint32_t epoch) {
    return await([=](const Listening& l) {
      return !l.views.empty() && l.views.back().epoch == Epoch{epoch};
    });
  }
  size_t heard() {
    const std::lock_guard lock(mutex);
    return views.size();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<View> views;
  int lost = 0;
  std::unique_ptr<ViewStore> store;
};

View view_of(uint32_t epoch, uint32_t node) {
  return {Epoch{epoch}, {{NodeId{node}, "unix:/x", 1, WorkerId{0}, 5}}};
}

TEST(EtcdStoreTest, Of_many_who_want_to_follow_the_same_view_one_wins_and_all_hear_who) {
  SKIP_WITHOUT_ETCD();
  const EtcdForTest etcd;
  std::vector<std::unique_ptr<Listening>> all;
  for (int i = 0; i < 6; ++i) all.push_back(std::make_unique<Listening>(etcd));
  for (auto& one : all) ASSERT_TRUE(one->await_epoch(0));
  for (uint32_t epoch = 0; epoch < 5; ++epoch) {
    for (uint32_t n = 0; n < all.size(); ++n) {
      all[n]->store->propose({Epoch{epoch}, view_of(epoch + 1, n)});
    }
    for (auto& one : all) ASSERT_TRUE(one->await_epoch(epoch + 1));
  }
  const auto winners = [](Listening& l) {
    const std::lock_guard lock(l.mutex);
    std::map<uint32_t, std::set<uint32_t>> found;
    for (const View& v : l.views) {
      if (!v.members.empty()) found[v.epoch.value].insert(v.members[0].node.value);
    }
    return found;
  };
  const auto first = winners(*all[0]);
  EXPECT_EQ(first.size(), 5u);
  for (const auto& [epoch, nodes] : first) EXPECT_EQ(nodes.size(), 1u) << "two views " << epoch;
  for (auto& one : all) {
    for (const auto& [epoch, nodes] : winners(*one)) EXPECT_EQ(nodes, first.at(epoch));
  }
}

TEST(EtcdStoreTest, A_proposal_is_answered_even_when_it_changes_nothing) {
  SKIP_WITHOUT_ETCD();
  const EtcdForTest etcd;
  Listening a(etcd);
  ASSERT_TRUE(a.await_epoch(0));
  a.store->propose({Epoch{0}, view_of(1, 1)});
  ASSERT_TRUE(a.await_epoch(1));
  const size_t before = a.heard();
  a.store->propose({Epoch{0}, view_of(1, 9)});
  ASSERT_TRUE(a.await([=](const Listening& l) { return l.views.size() > before; }));
  EXPECT_EQ(a.last().members[0].node, NodeId{1});
}

TEST(EtcdStoreTest, One_killed_member_of_three_is_not_even_a_loss_and_views_still_change) {
  SKIP_WITHOUT_ETCD();
  EtcdForTest etcd(3);
  Listening a(etcd);
  ASSERT_TRUE(a.await_epoch(0));
  a.store->propose({Epoch{0}, view_of(1, 1)});
  ASSERT_TRUE(a.await_epoch(1));
  etcd.kill(0);
  for (uint32_t epoch = 1; epoch < 4; ++epoch) {
    for (int tries = 0; tries < 50; ++tries) {
      a.store->propose({Epoch{epoch}, view_of(epoch + 1, 1)});
      std::unique_lock lock(a.mutex);
      if (a.changed.wait_for(lock, std::chrono::seconds(1),
                             [&] { return a.views.back().epoch == Epoch{epoch + 1}; })) {
        break;
      }
    }
    ASSERT_TRUE(a.await_epoch(epoch + 1));
  }
}

TEST(EtcdStoreTest, An_etcd_that_was_away_still_knows_the_view_and_both_are_said_once) {
  SKIP_WITHOUT_ETCD();
  EtcdForTest etcd;
  Listening a(etcd);
  ASSERT_TRUE(a.await_epoch(0));
  a.store->propose({Epoch{0}, view_of(1, 1)});
  ASSERT_TRUE(a.await_epoch(1));
  const int lost_before = a.losses();
  etcd.kill(0);
  ASSERT_TRUE(a.await([=](const Listening& l) { return l.lost == lost_before + 1; }));
  const size_t heard_before = a.heard();
  etcd.start(0);
  ASSERT_TRUE(a.await([=](const Listening& l) { return l.views.size() > heard_before; }));
  EXPECT_EQ(a.last().epoch, Epoch{1});
  EXPECT_EQ(a.losses(), lost_before + 1);
}

TEST(EtcdStoreTest, When_the_job_is_over_its_leader_says_so_and_who_slept_hears_it) {
  SKIP_WITHOUT_ETCD();
  const EtcdForTest etcd;
  Listening leader(etcd), other(etcd), sleeper(etcd);
  ASSERT_TRUE(leader.await_epoch(0));
  leader.store->propose({Epoch{0}, view_of(1, 3)});
  ASSERT_TRUE(other.await_epoch(1));
  ASSERT_TRUE(sleeper.await_epoch(1));
  other.store->job_over(NodeId{4});
  Listening late(etcd);
  EXPECT_TRUE(late.await_epoch(1)) << "another than the leader took it away";
  leader.store->job_over(NodeId{3});
  const auto hears_the_end = [](const Listening& l) {
    return !l.views.empty() && l.views.back().over();
  };
  EXPECT_TRUE(sleeper.await(hears_the_end));
  Listening next(etcd);
  EXPECT_TRUE(next.await(hears_the_end));
  sleeper.store->propose({Epoch{0}, view_of(1001, 8)});  // as if it had been forgotten
  next.store->propose({Epoch{0}, view_of(1, 9)});
  ASSERT_TRUE(next.await_epoch(1));
  EXPECT_EQ(next.last().members[0].node, NodeId{9});
  sleeper.store->propose({Epoch{1}, view_of(2, 3)});  // of the job before
  next.store->propose({Epoch{1}, view_of(2, 9)});
  ASSERT_TRUE(next.await_epoch(2));
  EXPECT_EQ(next.last().members[0].node, NodeId{9});
}

TEST(EtcdStoreTest, Runs_have_keys_of_their_own_which_do_not_tell_the_secret) {
  const std::string key = etcd_key("job", "secret-of-the-job", "tcp:a:1");
  EXPECT_EQ(key, etcd_key("job", "secret-of-the-job", "tcp:a:1"));
  EXPECT_NE(key, etcd_key("job", "secret-of-the-job", "tcp:a:2"));
  EXPECT_NE(key, etcd_key("job", "another", "tcp:a:1"));
  EXPECT_TRUE(key.starts_with("hemiola/job/"));
  EXPECT_EQ(key.find("secret"), std::string::npos);
}

TEST(EtcdStoreTest, Without_any_answer_a_node_does_not_begin) {
  EXPECT_THROW(etcd_must_answer({"http://127.0.0.1:1", "k"}, 0.3), UserError);
}

}  // namespace
}  // namespace hemiola::net
