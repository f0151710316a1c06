#include "hemiola/net/view_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

namespace hemiola::net {
namespace {

// The service in a process of its own.
class ViewStoreTest : public testing::Test {
 protected:
  ViewStoreTest() { EXPECT_NE(::mkdtemp(folder_.data()), nullptr); }
  ~ViewStoreTest() override {
    kill_service();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/views"; }

  void start_service() {
    service_ = ::fork();
    if (service_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve_views(path());
  }
  void kill_service() {
    if (service_ <= 0) return;
    ::kill(service_, SIGKILL);
    ::waitpid(service_, nullptr, 0);
    service_ = 0;
  }

 private:
  std::string folder_ = "/tmp/hemiola-views-XXXXXX";
  pid_t service_ = 0;
};

struct Listener {
  explicit Listener(const std::string& path) : store(view_service_at(path)) {
    store->start([this](Event event) {
      const std::lock_guard lock(mutex);
      if (const auto* stored = std::get_if<ViewStored>(&event)) views.push_back(stored->view);
      if (std::holds_alternative<StoreLost>(event)) ++lost;
      changed.notify_all();
    });
  }
  // False: it did not come to be so in 10 s.
  template <class F>
  bool await(F&& is_so) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return is_so(*this); });
  }
  std::pair<int, size_t> counts() {
    const std::lock_guard lock(mutex);
    return {lost, views.size()};
  }
  View last() {
    const std::lock_guard lock(mutex);
    return views.back();
  }
  bool await_epoch(uint32_t epoch) {
    return await([=](const Listener& l) {
      return !l.views.empty() && l.views.back().epoch == Epoch{epoch};
    });
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

TEST_F(ViewStoreTest, Of_two_who_want_to_follow_the_same_view_one_wins_and_both_hear_who) {
  start_service();
  Listener a(path()), b(path());
  ASSERT_TRUE(a.await_epoch(0));
  ASSERT_TRUE(b.await_epoch(0));
  a.store->propose({Epoch{0}, view_of(1, 1)});
  b.store->propose({Epoch{0}, view_of(1, 2)});
  ASSERT_TRUE(a.await_epoch(1));
  ASSERT_TRUE(b.await_epoch(1));
  EXPECT_EQ(a.last().members[0].node, b.last().members[0].node);
}

TEST_F(ViewStoreTest, A_service_that_is_killed_and_started_again_still_knows_the_view) {
  start_service();
  Listener a(path());
  ASSERT_TRUE(a.await_epoch(0));
  a.store->propose({Epoch{0}, view_of(1, 1)});
  ASSERT_TRUE(a.await_epoch(1));
  const auto [lost_before, heard_before] = a.counts();
  kill_service();
  ASSERT_TRUE(a.await([before = lost_before](const Listener& l) { return l.lost > before; }));
  start_service();
  ASSERT_TRUE(
      a.await([before = heard_before](const Listener& l) { return l.views.size() > before; }));
  EXPECT_EQ(a.last().epoch, Epoch{1});
  a.store->propose({Epoch{0}, view_of(1, 9)});  // of who slept meanwhile
  a.store->propose({Epoch{1}, view_of(2, 1)});
  ASSERT_TRUE(a.await_epoch(2));
  EXPECT_EQ(a.last().members[0].node, NodeId{1});
}

TEST_F(ViewStoreTest, Without_a_service_it_is_said_once_and_tried_until_there_is_one) {
  Listener a(path());
  ASSERT_TRUE(a.await([](const Listener& l) { return l.lost == 1; }));
  start_service();
  ASSERT_TRUE(a.await_epoch(0));
  EXPECT_EQ(a.counts().first, 1);
}

}  // namespace
}  // namespace hemiola::net
