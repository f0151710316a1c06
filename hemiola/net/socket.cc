#include "hemiola/net/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr int kBacklog = 256;

void set(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

// A socket file outlives a process that was killed. It is stale when nobody accepts behind it.
bool is_stale(const SocketAddress& at) {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), at.get(), at.size) != 0 && errno == ECONNREFUSED;
}

[[noreturn]] void cannot_listen(const std::string& address, int error) {
  if (error == EADDRINUSE) {
    throw UserError("cannot listen on " + address +
                    ": it is in use by another program; choose another port or path");
  }
  throw UserError("cannot listen on " + address + ": " + system_text(error));
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string system_text(int error) { return std::generic_category().message(error); }

namespace {

std::string host_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return text;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]";
}

}  // namespace

// The kernel chooses the interface when a datagram socket is told its peer.
std::string own_host_towards(const std::string& host) {
  Address peer;
  peer.host = host;
  peer.port = 9;
  const SocketAddress to = resolve(peer).front();
  const Fd fd(::socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SocketAddress own;
  if (!fd || ::connect(fd.get(), to.get(), to.size) != 0 ||
      ::getsockname(fd.get(), own.get(), &own.size) != 0) {
    throw UserError("there is no way to " + host + ": " + std::generic_category().message(errno));
  }
  return host_of(own.storage);
}

Fd start_connect(const SocketAddress& to) {
  Fd fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fd;
  if (::connect(fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    fd.reset();
    errno = error;
  }
  return fd;
}

void tune(int fd, bool tcp, int silence_ms) {
  if (!tcp) {
    set(fd, SOL_SOCKET, SO_SNDBUF, 1 << 20);
    return;
  }
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  const int probe_s = std::max(1, silence_ms / 4000);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, probe_s);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, probe_s);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, silence_ms);
}

Listener Listener::open(const std::string& text) {
  Address address = Address::parse(text);
  const SocketAddress at = resolve(address).front();
  Fd fd(::socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) cannot_listen(text, errno);
  const bool tcp = address.kind == Address::Kind::tcp;
  if (tcp) set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(fd.get(), at.get(), at.size) != 0) {
    const int error = errno;
    if (tcp || error != EADDRINUSE || !is_stale(at)) cannot_listen(text, error);
    ::unlink(address.host.c_str());
    if (::bind(fd.get(), at.get(), at.size) != 0) cannot_listen(text, errno);
  }
  if (!tcp) ::chmod(address.host.c_str(), S_IRUSR | S_IWUSR);
  if (::listen(fd.get(), kBacklog) != 0) cannot_listen(text, errno);
  if (tcp) {
    SocketAddress bound;
    ::getsockname(fd.get(), bound.get(), &bound.size);
    address.port = Address::parse(bound.text()).port;
  }
  return Listener(std::move(fd), address.text(), tcp ? "" : address.host);
}

Listener::~Listener() { close(); }

void Listener::close() {
  if (fd_ && !path_.empty()) ::unlink(path_.c_str());
  fd_.reset();
}

Fd Listener::accept(SocketAddress& from) {
  return Fd(::accept4(fd_.get(), from.get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

}  // namespace hemiola::net
