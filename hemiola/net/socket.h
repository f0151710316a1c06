// File descriptors that close themselves, and the sockets that links are made of.
#pragma once

#include <string>
#include <utility>

#include "hemiola/net/address.h"

namespace hemiola::net {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// The system's words for an errno value.
std::string system_text(int error);

// This machine's address as one that listens at `host` sees it: a number. Sends nothing. Throws
// UserError when there is no way to it.
std::string own_host_towards(const std::string& host);

// A non-blocking socket that has begun to connect. No Fd: refused at once, errno says why.
Fd start_connect(const SocketAddress& to);

// No delay for small messages; a peer whose machine is silent for `silence_ms` is given up,
// data in flight or not. Nothing to do on a Unix socket.
void tune(int fd, bool tcp, int silence_ms);

// The end of a node that others connect to. It exists before the node, so that the port of
// "tcp:host:0" is known when the node introduces itself.
class Listener {
 public:
  // Throws UserError: the address is in use, not of this machine, or too long.
  static Listener open(const std::string& address);
  // Nobody can connect: for a job of one node, which has no address.
  static Listener none() { return Listener(Fd(), "", ""); }
  ~Listener();
  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = delete;

  // With the port that was chosen.
  const std::string& address() const { return address_; }
  int fd() const { return fd_.get(); }

  // The next waiting connection, non-blocking; no Fd when there is none (errno says).
  Fd accept(SocketAddress& from);

  // Takes no more connections, and gives the address free.
  void close();

 private:
  Listener(Fd fd, std::string address, std::string path)
      : fd_(std::move(fd)), address_(std::move(address)), path_(std::move(path)) {}

  Fd fd_;
  std::string address_;
  std::string path_;  // to be removed at the end; empty for TCP
};

}  // namespace hemiola::net
