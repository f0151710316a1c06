#include "hemiola/net/etcd_watch.h"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/net/etcd_client.h"

namespace hemiola::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kBetween = milliseconds(200);  // two tries
constexpr long kConnectMs = 1000;
// A member whose machine is gone says nothing either.
constexpr long kIdleSeconds = 5, kProbeSeconds = 2;

}  // namespace

// The connection, and what came over it since it was last asked.
class EtcdWatch::Stream {
 public:
  Stream() : multi_(::curl_multi_init()), curl_(::curl_easy_init()) {
    HEMIOLA_CHECK(multi_ != nullptr && curl_ != nullptr);
    ::curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
    ::curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
    ::curl_easy_setopt(curl_, CURLOPT_TCP_KEEPALIVE, 1L);
    ::curl_easy_setopt(curl_, CURLOPT_TCP_KEEPIDLE, kIdleSeconds);
    ::curl_easy_setopt(curl_, CURLOPT_TCP_KEEPINTVL, kProbeSeconds);
    ::curl_easy_setopt(curl_, CURLOPT_FAILONERROR, 1L);
    ::curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, take);
    ::curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &heard_);
  }
  ~Stream() {
    close();
    ::curl_easy_cleanup(curl_);
    ::curl_multi_cleanup(multi_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool is_open() const { return open_; }
  void open(const std::string& url, const std::string& question) {
    ::curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(question.size()));
    ::curl_easy_setopt(curl_, CURLOPT_COPYPOSTFIELDS, question.c_str());
    HEMIOLA_CHECK(::curl_multi_add_handle(multi_, curl_) == CURLM_OK);
    open_ = true;
  }
  void close() {
    if (std::exchange(open_, false)) ::curl_multi_remove_handle(multi_, curl_);
  }

  // Something has come; what, is asked of the client.
  bool heard() {
    int running = 0;
    ::curl_multi_perform(multi_, &running);
    return std::exchange(heard_, false);
  }
  bool has_ended() {
    int left = 0;
    const CURLMsg* message = ::curl_multi_info_read(multi_, &left);
    return message != nullptr && message->msg == CURLMSG_DONE;
  }
  void wait(milliseconds most) {
    ::curl_multi_poll(multi_, nullptr, 0, static_cast<int>(most.count()), nullptr);
  }
  void wake() { ::curl_multi_wakeup(multi_); }

 private:
  static size_t take(const char*, size_t size, size_t count, void* heard) {
    *static_cast<bool*>(heard) = true;
    return size * count;
  }

  CURLM* multi_;
  CURL* curl_;
  bool open_ = false;
  bool heard_ = false;
};

EtcdWatch::EtcdWatch(const std::string& endpoints, const std::string& key)
    : endpoints_(etcd_endpoints(endpoints)),
      question_(watch_request(key)),
      stream_(std::make_unique<Stream>()) {}

EtcdWatch::~EtcdWatch() = default;

void EtcdWatch::begin() {
  again_ = steady_clock::now() + kBetween;
  stream_->open(endpoints_[at_] + "/v3/watch", question_);
}

void EtcdWatch::end() {
  stream_->close();
  holds_ = false;
  at_ = (at_ + 1) % endpoints_.size();
}

void EtcdWatch::wait(milliseconds most) {
  const auto until = steady_clock::now() + most;
  while (true) {
    auto next = until;
    if (!stream_->is_open() && steady_clock::now() >= again_) begin();
    const bool heard = stream_->heard();
    holds_ = holds_ || heard;
    if (stream_->is_open() && stream_->has_ended()) end();
    if (heard || woken_.exchange(false)) return;
    if (!stream_->is_open()) next = std::min(next, again_);
    const auto now = steady_clock::now();
    if (now >= until) return;
    // A little more than is left, lest it come back a moment too soon, again and again.
    stream_->wait(std::chrono::ceil<milliseconds>(std::max(next, now) - now));
  }
}

void EtcdWatch::wake() {
  woken_ = true;
  stream_->wake();
}

}  // namespace hemiola::net
