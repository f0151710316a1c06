#include "hemiola/net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kTcp = "tcp:";

[[noreturn]] void refuse(std::string_view text) {
  throw UserError("address \"" + std::string(text) +
                  "\" is not understood: write unix:/path or tcp:host:port");
}

std::string tcp_text(const std::string& host, const std::string& port) {
  std::string text(kTcp);
  const bool v6 = host.find(':') != std::string::npos;
  if (v6) text += '[';
  text += host;
  if (v6) text += ']';
  return text + ':' + port;
}

SocketAddress unix_address(const std::string& path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.size() >= sizeof(un.sun_path)) {
    throw UserError("the socket path " + path + " has " + std::to_string(path.size()) +
                    " characters, the system allows " + std::to_string(sizeof(un.sun_path) - 1) +
                    ": choose a shorter directory");
  }
  std::memcpy(un.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &un, sizeof(un));
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

}  // namespace

Address Address::parse(std::string_view text) {
  Address address;
  if (text.starts_with(kUnix)) {
    address.kind = Kind::unix_path;
    address.host = text.substr(kUnix.size());
    if (address.host.empty()) refuse(text);
    return address;
  }
  if (!text.starts_with(kTcp)) refuse(text);
  const std::string_view rest = text.substr(kTcp.size());
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) refuse(text);
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size()) refuse(text);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) refuse(text);
  address.host = host;
  return address;
}

std::string Address::text() const {
  if (kind == Kind::unix_path) return std::string(kUnix) + host;
  return tcp_text(host, std::to_string(port));
}

bool SocketAddress::is_local() const {
  if (storage.ss_family == AF_UNIX) return true;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof(in));
    return ntohl(in.sin_addr.s_addr) >> 24 == 127;
  }
  sockaddr_in6 in6{};
  std::memcpy(&in6, &storage, sizeof(in6));
  if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) return in6.sin6_addr.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

std::string SocketAddress::text() const {
  if (storage.ss_family == AF_UNIX) {
    sockaddr_un un{};
    std::memcpy(&un, &storage, std::min(sizeof(un), static_cast<size_t>(size)));
    un.sun_path[sizeof(un.sun_path) - 1] = 0;
    const bool named = size > offsetof(sockaddr_un, sun_path) && un.sun_path[0] != 0;
    return named ? std::string(kUnix) + un.sun_path : "a unix socket";
  }
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(get(), size, host, sizeof(host), port, sizeof(port),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "an unknown address";
  }
  return tcp_text(host, port);
}

std::vector<SocketAddress> resolve(const Address& address) {
  if (address.kind == Address::Kind::unix_path) return {unix_address(address.host)};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    throw UserError("the host of " + address.text() + " is not known: " + gai_strerror(error));
  }
  std::vector<SocketAddress> all;
  for (const addrinfo* at = found; at; at = at->ai_next) {
    SocketAddress one;
    std::memcpy(&one.storage, at->ai_addr, at->ai_addrlen);
    one.size = at->ai_addrlen;
    all.push_back(one);
  }
  freeaddrinfo(found);
  if (all.empty()) throw UserError("the host of " + address.text() + " has no address");
  return all;
}

}  // namespace hemiola::net
