// All connections of one node: the listener, the strangers in front of it, the dials, and one
// link to each peer.
//
// A connection costs its file and a few hundred bytes until it has proven that it knows the
// job's secret; at most `max_strangers` may try at once, `hello_ms` each.
// Thread safety: none; the holder of the node's baton uses it. Calls of the sink come out of
// ready(), read_on(), tick() and settle() only, and may call send() and dial().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/net/handshake.h"
#include "hemiola/net/link.h"
#include "hemiola/net/poller.h"
#include "hemiola/net/socket.h"

namespace hemiola::net {

struct LinksOptions {
  Identity identity;
  TlsSettings tls;
  size_t max_frame_bytes = size_t{256} << 20;
  size_t high_water_bytes = size_t{64} << 20;  // of what waits for a peer that is being dialled
  size_t max_strangers = 64;
  int hello_ms = 5'000;
  int join_ms = 60'000;     // a peer that could not be reached for so long is lost
  int silence_ms = 15'000;  // a machine that sends no sign of life for so long is gone
};

class LinkSink {
 public:
  virtual ~LinkSink() = default;
  virtual void message(Envelope&& envelope) = 0;
  virtual void peer_up(NodeId peer, bool again) = 0;
  // final: the peer refused this node, so dialling again will not help.
  virtual void peer_lost(NodeId peer, std::string why, bool final) = 0;
  virtual void say(Level level, std::string text) = 0;
};

struct LinkStats {
  uint64_t bytes_sent = 0;  // frames, headers included
  uint64_t messages_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t messages_received = 0;
};

class Links {
 public:
  // `options`, `poller` and `sink` must outlive it.
  Links(const LinksOptions& options, Listener listener, Poller& poller, LinkSink& sink);
  ~Links();

  // peer_up or peer_lost follows, unless the link is there already.
  void dial(NodeId peer, const std::string& address, Instant now);

  // Closes the link, once what is queued is with the system, and ends a dial; peer_lost may follow.
  void hang_up(NodeId peer);

  // Queues a message; it leaves with the next flush(). Without a link: kept while the peer is
  // being dialled, else dropped. Throws UserError when the body is larger than a frame may be.
  void send(NodeId to, Kind kind, Epoch epoch, Bytes body);

  // What the poller told about a socket.
  void ready(uint64_t token, uint32_t events, Instant now);
  // Goes on with sockets that had more to read than one turn takes; has_more() says so.
  void read_on(Instant now);
  bool has_more() const { return !reading_.empty(); }

  void flush();
  // Closes what is broken and tells. True: something was.
  bool settle(Instant now);
  // Time has passed: retries, deadlines. Wanted at next_tick().
  void tick(Instant now);
  Instant next_tick() const { return next_tick_; }

  // Bytes that wait to be sent.
  size_t backlog() const { return backlog_; }
  const LinkStats& stats() const { return stats_; }
  size_t connections() const { return connections_.size(); }

  // Takes no more connections, tells the peers why this node goes, and sends what is queued.
  void leave(const std::string& reason);
  // After leave(): everything is sent and the peers have closed their sides.
  bool all_closed() const { return connections_.empty(); }

 private:
  struct Connection;
  struct Peer;
  static constexpr uint64_t kListener = 0;
  static constexpr size_t kKeepBytes = 16 << 20;  // of large messages that arrived, to be reused
  static constexpr Instant kNever{INT64_MAX};

  Connection& open(Fd fd, bool tcp, Handshake handshake, std::string where, Instant now);
  void accept_all(Instant now);
  void attempt(NodeId peer, Instant now);
  void connected(Connection& connection);
  void greet(Connection& connection, Instant now);
  void answer(Connection& connection, Instant now);
  void commit(Connection& connection, Instant now);
  void up(Connection& connection, Instant now);
  void receive(Connection& connection, bool to_the_end, Instant now);
  void arrived(Connection& connection, Envelope&& envelope);
  void flush(Connection& connection);
  void account(Connection& connection);
  void fail(Connection& connection, std::string why, bool retry);
  void bury(Connection& connection, Instant now);
  void lost(NodeId peer, std::string why, bool final = false);
  void retry_dial(NodeId peer, std::string why, Instant now);
  void end_dial(NodeId peer, const std::string& why, bool final = false);
  void want_tick(Instant when) { next_tick_ = std::min(next_tick_, when); }
  bool wants_tls(const SocketAddress& other) const;
  void stranger_failed(const Connection& connection);

  const LinksOptions& options_;
  Listener listener_;
  Poller& poller_;
  LinkSink& sink_;
  TlsContext tls_;
  BytePool pool_{kKeepBytes};
  std::vector<Peer> peers_;                                      // by rank
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;  // by token
  uint64_t next_token_ = kListener + 1;
  size_t strangers_ = 0;
  uint64_t strangers_refused_ = 0;
  bool leaving_ = false;
  std::vector<Connection*> dirty_;    // have queued bytes since the last flush
  std::vector<Connection*> reading_;  // have more to read
  std::vector<Connection*> broken_;   // to be buried by settle()
  size_t backlog_ = 0;
  Instant next_tick_ = kNever;
  LinkStats stats_;
};

}  // namespace hemiola::net
