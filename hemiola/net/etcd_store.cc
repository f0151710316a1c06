#include "hemiola/net/etcd_store.h"

#include <openssl/evp.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/view.h"
#include "hemiola/net/etcd_client.h"
#include "hemiola/net/etcd_watch.h"

namespace hemiola::net {
namespace {

using std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(200);
// While a member tells of changes. Whether there is a majority it does not tell.
constexpr auto kLookRarely = std::chrono::milliseconds(1000);
// A cluster that has lost a member may take so long to agree on another leader.
constexpr auto kPatience = std::chrono::seconds(2);
constexpr auto kLease = std::chrono::seconds(kViewLeaseSeconds);
constexpr auto kRenew = std::chrono::seconds(10);
// A node that slept for less hears that the job is over.
constexpr auto kOverLease = std::chrono::hours(24);

std::string text_of(const View& view) {
  const Bytes bytes = encode_view(view);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A key that is not there stands for the view that all begin with.
std::optional<View> view_in(const EtcdEntry& entry) {
  if (entry.revision == 0) return View{};
  return decode_view(Bytes::copy_of(entry.value));
}

class EtcdStore final : public ViewStore {
 public:
  explicit EtcdStore(const EtcdPlace& place)
      : key_(place.key),
        instance_(place.instance),
        client_(place.endpoints, &ended_),
        watch_(place.endpoints, place.key) {}

  ~EtcdStore() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    watch_.wake();
    if (thread_.joinable()) thread_.join();
  }

  void start(std::function<void(Event)> tell) override {
    tell_ = std::move(tell);
    thread_ = std::thread([this] { run(); });
  }

  void propose(Outbox::Proposal proposal) override {
    {
      const std::lock_guard lock(mutex_);
      proposal_ = std::move(proposal);
    }
    watch_.wake();
  }

  void job_over(NodeId self) override {
    std::unique_lock lock(mutex_);
    over_for_ = self;
    watch_.wake();
    closed_.wait_for(lock, kPatience, [this] { return ended_.load(); });
  }

 private:
  void run() {
    answered_ = steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!ended_ && !over_for_) {
      const auto proposal = std::exchange(proposal_, std::nullopt);
      lock.unlock();
      look(proposal);
      watch_.wait(watch_.holds() ? kLookRarely : kLook);
      lock.lock();
    }
    if (ended_) return;
    lock.unlock();
    close();
    lock.lock();
    ended_ = true;
    closed_.notify_all();
  }

  // Reads the view, and changes it when it is the one that is to be followed. Either way what then
  // holds is told.
  void look(const std::optional<Outbox::Proposal>& proposal) {
    auto entry = client_.get(key_);
    if (!entry) return unanswered(client_.why());
    auto view = view_in(*entry);
    if (!view) return unanswered("what stands at " + key_ + " is no view");
    if (proposal && may_follow(*proposal, *view)) {
      told_.reset();  // whatever comes of it is news
      if (!write(*entry, proposal->view)) return unanswered(client_.why());
      entry = client_.get(key_);
      if (!entry) return unanswered(client_.why());
      view = view_in(*entry);
      if (!view) return unanswered("what stands at " + key_ + " is no view");
    }
    answered_ = steady_clock::now();
    if (has_us(*view)) renew(entry->lease);
    const bool vanished = told_ && *told_ != 0 && entry->revision == 0;
    const bool news = lost_ || told_ != entry->revision || proposal;
    lost_ = false;
    told_ = entry->revision;
    if (news) tell_(ViewStored{*view});
    if (vanished) tell_(StoreLost{"the view is gone from etcd"});
  }

  // Another run may be at the same epoch; behind the end of one a first view may stand.
  static bool may_follow(const Outbox::Proposal& proposal, const View& kept) {
    if (kept.over()) return proposal.after == Epoch{0} && proposal.view.epoch == Epoch{1};
    return proposal.after == kept.epoch && (kept.parties() == 0 || kept.meets(proposal.view));
  }

  // A view whose processes are all gone is forgotten when its lease runs out, so that the job can
  // begin anew.
  bool has_us(const View& view) const {
    for (size_t i = 0; i < view.parties(); ++i) {
      if (view.party(i).instance == instance_) return true;
    }
    return false;
  }

  // False: nobody answered. Another who was quicker is an answer.
  bool write(const EtcdEntry& entry, const View& view) {
    int64_t lease = view_in(entry)->over() ? 0 : entry.lease;
    if (lease == 0) {
      const auto made = client_.lease(kLease);
      if (!made) return false;
      lease = *made;
      renewed_ = steady_clock::now();
    }
    return client_.swap(key_, entry.revision, text_of(view), lease).has_value();
  }

  void renew(int64_t lease) {
    const auto now = steady_clock::now();
    if (lease == 0 || now < renewed_ + kRenew) return;
    renewed_ = now;
    client_.renew(lease);
  }

  // Not removed: who sleeps now would take it for forgotten, and tell it again.
  void close() {
    const auto entry = client_.get(key_);
    const auto view = entry ? view_in(*entry) : std::nullopt;
    const bool leads = view && !view->members.empty() && view->members[0].node == *over_for_;
    if (!leads) return;
    const auto lease = client_.lease(kOverLease);
    const View over{Epoch{view->epoch.value + 1}, {}};
    if (lease) client_.swap(key_, entry->revision, text_of(over), *lease);
  }

  void unanswered(const std::string& why) {
    if (ended_ || lost_ || steady_clock::now() < answered_ + kPatience) return;
    lost_ = true;
    tell_(StoreLost{why});
  }

  const std::string key_;
  const uint64_t instance_;
  std::atomic<bool> ended_{false};
  std::function<void(Event)> tell_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable closed_;            // when the job is over
  std::optional<Outbox::Proposal> proposal_;  // the latest is the one that counts
  std::optional<NodeId> over_for_;

  // The thread's own.
  EtcdClient client_;
  EtcdWatch watch_;
  std::optional<int64_t> told_;  // the revision of the view that was told last
  bool lost_ = false;            // was told
  steady_clock::time_point answered_;
  steady_clock::time_point renewed_;
};

}  // namespace

std::string etcd_key(const std::string& job, const std::string& secret,
                     const std::string& rendezvous) {
  const std::string all = "views of a run\n" + rendezvous + "\n" + secret;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HEMIOLA_CHECK(EVP_Digest(all.data(), all.size(), digest.data(), &size, EVP_sha256(), nullptr));
  constexpr char kHex[] = "0123456789abcdef";
  std::string run;
  for (size_t i = 0; i < 8; ++i) {
    run += kHex[digest[i] >> 4];
    run += kHex[digest[i] & 15];
  }
  return "hemiola/" + job + "/" + run + "/view";
}

std::unique_ptr<ViewStore> views_in_etcd(const EtcdPlace& place) {
  return std::make_unique<EtcdStore>(place);
}

void etcd_must_answer(const EtcdPlace& place, double within_s) {
  const std::atomic<bool> ended{false};
  EtcdClient client(place.endpoints, &ended);
  const auto until = steady_clock::now() + std::chrono::duration<double>(within_s);
  while (!client.get(place.key)) {
    if (steady_clock::now() >= until) {
      throw UserError("no etcd answers, which `cluster.etcd` says keeps the view: " + client.why());
    }
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace hemiola::net
