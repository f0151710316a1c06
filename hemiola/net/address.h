// Where a node listens: "unix:/path" or "tcp:host:port".
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hemiola::net {

struct Address {
  enum class Kind : uint8_t { unix_path, tcp };

  Kind kind = Kind::tcp;
  std::string host;  // for unix_path: the path
  uint16_t port = 0;

  // Throws UserError that says what an address looks like.
  static Address parse(std::string_view text);
  std::string text() const;
};

// What the kernel calls an address.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  // Never leaves this machine: a Unix socket, 127.0.0.0/8 or ::1.
  bool is_local() const;
  std::string text() const;
};

// All addresses behind a name, at least one. May ask the name service, so it can block; numeric
// addresses and Unix paths never do. Throws UserError.
std::vector<SocketAddress> resolve(const Address& address);

}  // namespace hemiola::net
