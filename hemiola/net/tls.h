// TLS 1.3 on a connection that is already authenticated: with a pre-shared key, or with
// certificates on both sides.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace hemiola::net {

struct TlsSettings {
  enum class Use : uint8_t {
    automatic,  // for every connection that leaves the machine
    always,
    never,
  };
  Use use = Use::automatic;

  // PEM files. All three or none; none: the key is derived from the job's secret. With them each
  // side shows its certificate and accepts those that `ca` has signed.
  std::string cert;
  std::string key;
  std::string ca;
};

using SessionKey = std::array<uint8_t, 32>;

// One per node; immutable once made.
class TlsContext {
 public:
  // Throws UserError for files that cannot be used.
  explicit TlsContext(const TlsSettings& settings);

 private:
  friend class TlsSession;
  std::shared_ptr<ssl_ctx_st> context_;
};

// The encryption of one connection. It does not touch the socket: encrypted bytes go in and out
// through two buffers, so a write carries many records.
class TlsSession {
 public:
  // The context must outlive the session.
  TlsSession(const TlsContext& context, bool client, const SessionKey& key);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Where the next bytes from the socket belong.
  std::span<std::byte> incoming_space();
  void received(size_t bytes) { in_end_ += bytes; }
  // What the socket should send next.
  std::span<const std::byte> outgoing() const { return std::span(out_).subspan(out_begin_); }
  void sent(size_t bytes);

  enum class Status : uint8_t { done, blocked, broken };
  // Goes on with the handshake; blocked: more bytes must go in or out first.
  Status shake();
  bool ready() const { return ready_; }

  // Encrypts the beginning of `plain`; blocked when enough is outgoing already.
  Status write(std::span<const std::byte> plain, size_t& taken);
  // Decrypts into `plain`; blocked: more must come in. Broken with no error(): the peer's end.
  Status read(std::span<std::byte> plain, size_t& given);

  const std::string& error() const { return error_; }

 private:
  friend struct TlsPipe;
  Status judge(int result, const char* doing);

  static constexpr size_t kBufferBytes = 64 << 10;

  ssl_st* ssl_ = nullptr;  // freed by the destructor
  SessionKey key_;
  bool ready_ = false;
  std::string error_;
  std::vector<std::byte> in_;  // received and not yet decrypted: [in_begin_, in_end_)
  size_t in_begin_ = 0;
  size_t in_end_ = 0;
  std::vector<std::byte> out_;  // encrypted and not yet sent: from out_begin_ on
  size_t out_begin_ = 0;
};

}  // namespace hemiola::net
