#include "hemiola/net/etcd_client.h"

#include <curl/curl.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

using nlohmann::json;

constexpr long kConnectMs = 1000;
// A member without a majority takes its time to say so; another may have one.
constexpr long kAnswerMs = 2000;
constexpr size_t kMostBytes = size_t{16} << 20;

std::string base64(const std::string& plain) {
  std::string text(4 * ((plain.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                reinterpret_cast<const unsigned char*>(plain.data()),
                                static_cast<int>(plain.size()));
  text.resize(static_cast<size_t>(n));
  return text;
}

std::string plain(const std::string& text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) throw std::invalid_argument("not base64");
  const size_t padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
  bytes.resize(static_cast<size_t>(n) - padding);
  return bytes;
}

int64_t number(const json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? 0 : std::stoll(at->get<std::string>());
}

json key_is_unchanged(const std::string& key, int64_t revision) {
  return json::array({{{"target", "MOD"},
                       {"key", base64(key)},
                       {"result", "EQUAL"},
                       {"mod_revision", std::to_string(revision)}}});
}

bool succeeded(const json& answer) { return answer.value("succeeded", false); }

}  // namespace

// One connection, made again when it must be.
class EtcdClient::Http {
 public:
  explicit Http(const std::atomic<bool>* ended) : ended_(ended) {
    curl_ = ::curl_easy_init();
    HEMIOLA_CHECK(curl_ != nullptr);
    ::curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
    ::curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
    ::curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, kAnswerMs);
    ::curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, error_);
    ::curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, take);
    ::curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &body_);
    ::curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
    ::curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, is_ended);
    ::curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, ended_);
  }
  ~Http() { ::curl_easy_cleanup(curl_); }
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // The answer's body, or nothing and `why`.
  std::optional<std::string> post(const std::string& url, const std::string& question,
                                  std::string& why) {
    body_.clear();
    error_[0] = '\0';
    ::curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(question.size()));
    ::curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, question.c_str());
    const CURLcode code = ::curl_easy_perform(curl_);
    if (code != CURLE_OK) {
      why = error_[0] != '\0' ? error_ : ::curl_easy_strerror(code);
      return std::nullopt;
    }
    long status = 0;
    ::curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200) return body_;
    why = "HTTP status " + std::to_string(status) + ": " + body_.substr(0, 200);
    return std::nullopt;
  }

 private:
  static size_t take(const char* data, size_t size, size_t count, void* body) {
    auto& text = *static_cast<std::string*>(body);
    if (text.size() + size * count > kMostBytes) return 0;
    text.append(data, size * count);
    return size * count;
  }
  static int is_ended(void* ended, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return *static_cast<const std::atomic<bool>*>(ended) ? 1 : 0;
  }

  const std::atomic<bool>* ended_;
  CURL* curl_ = nullptr;
  std::string body_;
  char error_[CURL_ERROR_SIZE] = {};
};

EtcdClient::EtcdClient(const std::string& endpoints, const std::atomic<bool>* ended)
    : endpoints_(etcd_endpoints(endpoints)), http_(std::make_unique<Http>(ended)) {}

EtcdClient::~EtcdClient() = default;

// Asks member after member until one gives an answer that `read` understands.
template <class Json, class Read>
auto EtcdClient::ask(const char* path, const Json& question, Read&& read)
    -> std::optional<decltype(read(question))> {
  const std::string text = question.dump();
  std::string reasons;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const std::string& endpoint = endpoints_[at_];
    std::string reason;
    if (const auto answer = http_->post(endpoint + path, text, reason)) {
      try {
        return read(json::parse(*answer));
      } catch (const std::exception& e) {
        reason = std::string("it does not answer as etcd does: ") + e.what();
      }
    }
    reasons += (reasons.empty() ? "" : "; ") + endpoint + ": " + reason;
    at_ = (at_ + 1) % endpoints_.size();
  }
  why_ = reasons;
  return std::nullopt;
}

std::optional<EtcdEntry> EtcdClient::get(const std::string& key) {
  return ask("/v3/kv/range", json{{"key", base64(key)}}, [](const json& answer) {
    answer.at("header");
    const auto found = answer.find("kvs");
    if (found == answer.end() || found->empty()) return EtcdEntry{};
    const json& kv = found->front();
    return EtcdEntry{plain(kv.value("value", "")), number(kv, "mod_revision"), number(kv, "lease")};
  });
}

std::optional<bool> EtcdClient::swap(const std::string& key, int64_t revision,
                                     const std::string& value, int64_t lease) {
  const json put = {
      {"key", base64(key)}, {"value", base64(value)}, {"lease", std::to_string(lease)}};
  return ask("/v3/kv/txn",
             json{{"compare", key_is_unchanged(key, revision)},
                  {"success", json::array({{{"request_put", put}}})}},
             succeeded);
}

std::optional<int64_t> EtcdClient::lease(std::chrono::seconds lasts) {
  return ask("/v3/lease/grant", json{{"TTL", std::to_string(lasts.count())}},
             [](const json& answer) { return std::stoll(answer.at("ID").get<std::string>()); });
}

bool EtcdClient::renew(int64_t lease) {
  const auto left = ask("/v3/lease/keepalive", json{{"ID", std::to_string(lease)}},
                        [](const json& answer) { return number(answer.at("result"), "TTL"); });
  return left && *left > 0;
}

std::string watch_request(const std::string& key) {
  return json{{"create_request", {{"key", base64(key)}}}}.dump();
}

std::vector<std::string> etcd_endpoints(const std::string& list) {
  std::vector<std::string> endpoints;
  std::istringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of("/ ") + 1);
    const size_t scheme = part.starts_with("http://") ? 7 : part.starts_with("https://") ? 8 : 0;
    if (scheme == 0 || part.size() == scheme || part.find('/', scheme) != std::string::npos) {
      throw UserError("`cluster.etcd` is \"" + list +
                      "\" and should be like http://HOST:2379, or several of these with commas");
    }
    endpoints.push_back(part);
  }
  if (endpoints.empty()) throw UserError("`cluster.etcd` names no address");
  return endpoints;
}

}  // namespace hemiola::net
