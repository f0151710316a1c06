// One authenticated connection to a peer: frames out, frames in, encrypted or not.
//
// Thread safety: none; the holder of the node's baton uses it. Never blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "hemiola/net/framing.h"
#include "hemiola/net/send_queue.h"
#include "hemiola/net/tls.h"

namespace hemiola::net {

class Link {
 public:
  // tls: none for a plain connection. The socket and the pool, for large messages that arrive, live
  // longer than the link.
  Link(int fd, NodeId self, NodeId peer, size_t max_frame_bytes, BytePool& pool,
       std::unique_ptr<TlsSession> tls);

  // May be used: encryption, if any, has been agreed on.
  bool ready() const { return !tls_ || tls_->ready(); }

  void add(Kind kind, Epoch epoch, const Bytes& body);

  // Sends as much as the socket takes.
  void flush();
  // Bytes wait for the socket to take more; an EPOLLOUT must call flush().
  bool blocked() const { return blocked_; }
  size_t backlog() const { return queue_.bytes(); }

  // Receives up to about kTurnBytes and gives each message to `sink`. True: there may be more.
  // to_the_end: the socket's event spoke of an end, so reads on even when the socket seems empty.
  bool receive(bool to_the_end, const std::function<void(Envelope&&)>& sink);

  // The link is of no use any more, and why; never empties again.
  const std::string& broken() const { return broken_; }
  void fail(std::string why) {
    if (broken_.empty()) broken_ = std::move(why);
  }

  // The last bytes have been sent: tells the peer's system that no more will come.
  void end_sending();

 private:
  static constexpr size_t kTurnBytes = 4 << 20;

  bool receive_plain(bool to_the_end, const std::function<void(Envelope&&)>& sink);
  bool receive_tls(const std::function<void(Envelope&&)>& sink);
  void parse(size_t bytes, const std::function<void(Envelope&&)>& sink);
  void flush_plain();
  void flush_tls();
  bool flush_records();

  int fd_;
  NodeId self_;
  FrameParser parser_;
  SendQueue queue_;
  std::unique_ptr<TlsSession> tls_;
  bool blocked_ = false;
  std::string broken_;
};

}  // namespace hemiola::net
