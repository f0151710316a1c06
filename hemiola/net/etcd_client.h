// One key of an etcd cluster, over the JSON gateway of its API version 3.
//
// Source: etcd.io/docs/v3.4/dev-guide/api_grpc_gateway: POST /v3/kv/range, /v3/kv/txn,
// /v3/kv/deleterange, /v3/lease/grant, /v3/lease/keepalive; keys and values in base64, 64-bit
// numbers as text.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hemiola::net {

// What stands under a key. A key that is not there has revision 0.
struct EtcdEntry {
  std::string value;
  int64_t revision = 0;  // of its last change
  int64_t lease = 0;
};

// Calls block until a member answers, or each has been tried once: then they return nothing and
// why() says the reason. Not for several threads, but for *ended, which ends a call early.
class EtcdClient {
 public:
  // `endpoints`: "http://a:2379,https://b:2379". Throws UserError when that is no such list.
  EtcdClient(const std::string& endpoints, const std::atomic<bool>* ended);
  ~EtcdClient();

  // As the majority of the members has it.
  std::optional<EtcdEntry> get(const std::string& key);
  // Writes if the key's revision is still `revision`. Returns whether it was.
  std::optional<bool> swap(const std::string& key, int64_t revision, const std::string& value,
                           int64_t lease);

  // Keys that hang on a lease go when nobody has renewed it for so long.
  std::optional<int64_t> lease(std::chrono::seconds lasts);
  bool renew(int64_t lease);

  const std::string& why() const { return why_; }

 private:
  class Http;
  template <class Json, class Read>
  auto ask(const char* path, const Json& question, Read&& read)
      -> std::optional<decltype(read(question))>;

  std::vector<std::string> endpoints_;
  size_t at_ = 0;  // the member that answered last
  std::unique_ptr<Http> http_;
  std::string why_;
};

// What to ask /v3/watch, to hear of a key (net/etcd_watch.h).
std::string watch_request(const std::string& key);

// "http://a:2379/, http://b:2379" → its parts, without a slash at the end. Throws UserError.
std::vector<std::string> etcd_endpoints(const std::string& list);

}  // namespace hemiola::net
