// Hears from an etcd cluster when a key changes, without asking again and again.
//
// Source: etcd.io/docs/v3.4/dev-guide/api_grpc_gateway: POST /v3/watch, whose answer is a line for
// each change and does not end. It is held open to one member, and made again with the next one
// when it breaks. A member that is cut off from the others keeps it open and says nothing: so who
// must know asks now and then all the same.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace hemiola::net {

// For one thread, but for wake().
class EtcdWatch {
 public:
  // `endpoints`, `key`: as for EtcdClient.
  EtcdWatch(const std::string& endpoints, const std::string& key);
  ~EtcdWatch();

  // Until the key may have changed, wake() is called or was since the last wait, or so long.
  void wait(std::chrono::milliseconds most);
  // From any thread.
  void wake();

  // A member tells of changes.
  bool holds() const { return holds_; }

 private:
  class Stream;
  void begin();
  void end();

  const std::vector<std::string> endpoints_;
  const std::string question_;
  size_t at_ = 0;  // the member to ask next
  std::unique_ptr<Stream> stream_;
  std::chrono::steady_clock::time_point again_;  // not begun before
  std::atomic<bool> woken_{false};
  bool holds_ = false;
};

}  // namespace hemiola::net
