#include "hemiola/net/link.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "hemiola/net/socket.h"

namespace hemiola::net {
namespace {

constexpr size_t kParts = 64;

std::string closed_text() { return "it closed the connection"; }

std::string lost_text(int error) {
  if (error == ECONNRESET || error == EPIPE) return "the connection was reset";
  return "the connection failed: " + system_text(error);
}

}  // namespace

Link::Link(int fd, NodeId self, NodeId peer, size_t max_frame_bytes, BytePool& pool,
           std::unique_ptr<TlsSession> tls)
    : fd_(fd), self_(self), parser_(peer, self, max_frame_bytes, pool), tls_(std::move(tls)) {}

void Link::add(Kind kind, Epoch epoch, const Bytes& body) {
  if (!broken_.empty()) return;
  queue_.add(encode_header(kind, self_, epoch, body.span()), body);
}

void Link::flush() {
  if (!broken_.empty()) return;
  blocked_ = false;
  tls_ ? flush_tls() : flush_plain();
}

void Link::flush_plain() {
  std::array<iovec, kParts> parts;
  while (!queue_.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = queue_.parts(parts);
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      queue_.sent(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      blocked_ = true;
      return;
    } else if (errno != EINTR) {
      return fail(lost_text(errno));
    }
  }
}

// Sends what is encrypted already. True: all of it.
bool Link::flush_records() {
  while (!tls_->outgoing().empty()) {
    const auto part = tls_->outgoing();
    const ssize_t sent = ::send(fd_, part.data(), part.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      tls_->sent(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      blocked_ = true;
      return false;
    } else if (errno != EINTR) {
      fail(lost_text(errno));
      return false;
    }
  }
  return true;
}

void Link::flush_tls() {
  if (!tls_->ready()) {
    if (tls_->shake() == TlsSession::Status::broken) fail(tls_->error());
    flush_records();
    if (!tls_->ready()) return;
  }
  while (!queue_.empty()) {
    iovec first;
    queue_.parts(std::span(&first, 1));
    size_t taken = 0;
    const auto* data = static_cast<const std::byte*>(first.iov_base);
    if (tls_->write({data, first.iov_len}, taken) == TlsSession::Status::broken) {
      return fail(tls_->error().empty() ? closed_text() : tls_->error());
    }
    queue_.sent(taken);
    if (tls_->outgoing().size() >= SendQueue::kChunkBytes && !flush_records()) return;
  }
  flush_records();
}

bool Link::receive(bool to_the_end, const std::function<void(Envelope&&)>& sink) {
  if (!broken_.empty()) return false;
  return tls_ ? receive_tls(sink) : receive_plain(to_the_end, sink);
}

void Link::parse(size_t bytes, const std::function<void(Envelope&&)>& sink) {
  parser_.filled(bytes);
  while (broken_.empty()) {
    auto envelope = parser_.next();
    if (!envelope) break;
    sink(std::move(*envelope));
  }
  if (!parser_.error().empty()) fail(parser_.error());
}

bool Link::receive_plain(bool to_the_end, const std::function<void(Envelope&&)>& sink) {
  for (size_t total = 0; broken_.empty();) {
    const auto space = parser_.space();
    const iovec parts[2] = {{space[0].data(), space[0].size()}, {space[1].data(), space[1].size()}};
    const size_t room = space[0].size() + space[1].size();
    const ssize_t got = ::readv(fd_, parts, space[1].empty() ? 1 : 2);
    if (got > 0) {
      parse(static_cast<size_t>(got), sink);
      // A short read emptied the socket: what comes later, an end included, is a new event.
      if (static_cast<size_t>(got) < room && !to_the_end) return false;
      total += static_cast<size_t>(got);
      if (total >= kTurnBytes) return true;
    } else if (got == 0) {
      fail(closed_text());
    } else if (errno == EAGAIN) {
      return false;
    } else if (errno != EINTR) {
      fail(lost_text(errno));
    }
  }
  return false;
}

bool Link::receive_tls(const std::function<void(Envelope&&)>& sink) {
  for (size_t total = 0; broken_.empty();) {
    const auto room = tls_->incoming_space();
    const ssize_t got = room.empty() ? 0 : ::recv(fd_, room.data(), room.size(), 0);
    const bool dry = got < 0 && errno == EAGAIN;
    if (got == 0 && !room.empty()) return fail(closed_text()), false;
    if (got < 0 && !dry && errno != EINTR) return fail(lost_text(errno)), false;
    if (got > 0) tls_->received(static_cast<size_t>(got));
    if (!tls_->ready()) {
      flush();
      if (!tls_->ready()) {
        if (dry) return false;
        continue;
      }
    }
    for (auto status = TlsSession::Status::done; status == TlsSession::Status::done;) {
      const auto space = parser_.space();
      size_t given = 0;
      status = tls_->read(space[0], given);
      if (given > 0) parse(given, sink);
      if (status == TlsSession::Status::broken) {
        fail(tls_->error().empty() ? closed_text() : tls_->error());
      }
      if (!broken_.empty()) return false;
      total += given;
    }
    if (dry) return false;
    if (total >= kTurnBytes) return true;
  }
  return false;
}

void Link::end_sending() { ::shutdown(fd_, SHUT_WR); }

}  // namespace hemiola::net
