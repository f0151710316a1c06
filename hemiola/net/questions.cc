#include "hemiola/net/questions.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr int kPatienceSeconds = 2;
constexpr size_t kMostBytes = 64 << 10;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw UserError("the path of a socket is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

void be_patient(int fd) {
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

void send_text(int fd, const std::string& text) {
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    sent += static_cast<size_t>(n);
  }
}

// Until the other end has said all.
std::string read_text(int fd) {
  std::string text;
  char some[4096];
  while (text.size() < kMostBytes) {
    const ssize_t n = ::recv(fd, some, sizeof some, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(some, static_cast<size_t>(n));
  }
  return text;
}

}  // namespace

Questions::Questions(const std::string& path)
    : path_(path), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  const sockaddr_un address = address_of(path);
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (!listener_ || ::bind(listener_.get(), where, sizeof address) != 0 ||
      ::listen(listener_.get(), 16) != 0) {
    throw UserError("cannot listen at " + path + ": " + system_text(errno));
  }
}

Questions::~Questions() { ::unlink(path_.c_str()); }

void Questions::serve(const std::function<std::string(const std::string&)>& answer) {
  for (;;) {
    const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    be_patient(client.get());
    send_text(client.get(), answer(read_text(client.get())));
  }
}

std::optional<std::string> ask(const std::string& path, const std::string& question) {
  const sockaddr_un address = address_of(path);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (!socket || ::connect(socket.get(), where, sizeof address) != 0) return std::nullopt;
  be_patient(socket.get());
  send_text(socket.get(), question);
  ::shutdown(socket.get(), SHUT_WR);
  return read_text(socket.get());
}

}  // namespace hemiola::net
