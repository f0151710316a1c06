// Ordered streams of messages between this node and each other one: every message is taken in
// exactly once and in order, whatever happens to the link.
//
// Numbers count from 1 on each pair of nodes, and on from 0 when 32 bits are full. A message is
// kept until the other side says that it has it, and sent again when the link was lost. What a
// message says about the other direction (acked: "I had your messages through this when I wrote
// it") is part of its meaning: it tells which of our updates are in the rows that it carries.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/core/wire.h"

namespace hemiola {

// At the begin of each body.
struct StreamHead {
  uint32_t number = 0;  // in a bare acknowledgement: the last one sent before it
  uint32_t acked = 0;
};

class Streams {
 public:
  struct Sent {
    uint32_t number = 0;
    Kind kind{};
    Bytes body;
    // Made by the sender's owner when first needed: where in the body each key's row is.
    bool indexed = false;
    TableId table;
    NodeId origin;
    uint32_t batch = 0;
    std::unordered_multimap<uint32_t, uint32_t> index;
  };

  // As if so many messages had been sent and come on each pair.
  explicit Streams(uint32_t nodes, uint32_t before = 0, Kind acked = Kind::acked)
      : acked_(acked), peers_(nodes, Peer{before, before, before, before, 0, {}, 0}) {}

  // Sends what `writer` holds, which begins with an empty StreamHead; the number of the message.
  uint32_t send(NodeId to, Kind kind, Writer&& writer, Outbox& out);

  // True: the message is the next one, to be acted on now. False: a repeat, one from behind a
  // gap, or an acknowledgement.
  bool accept(const Envelope& envelope);

  // Says what has come, when there is reason to: much is unacknowledged, or `now`.
  void acknowledge(NodeId to, bool now, Outbox& out);

  // What we sent and the other side did not have when it sent its last message; oldest first.
  std::deque<Sent>& unacked(NodeId to) { return peers_[to.value].unacked; }
  size_t unacked_bytes(NodeId to) const { return peers_[to.value].unacked_bytes; }
  bool has(NodeId peer, uint32_t number) const {
    return !is_after(number, peers_[peer.value].acked);
  }

  void link_again(NodeId peer, Outbox& out);

 private:
  static constexpr uint32_t kUntold = 16;
  static constexpr size_t kUntoldBytes = size_t{256} << 10;

  struct Peer {
    uint32_t sent = 0;      // number of our last message
    uint32_t acked = 0;     // of ours, that the peer has
    uint32_t received = 0;  // of its, that we have
    uint32_t told = 0;      // of its, that it knows we have
    size_t untold_bytes = 0;
    std::deque<Sent> unacked;
    size_t unacked_bytes = 0;
  };

  static bool is_after(uint32_t number, uint32_t other) {
    return static_cast<int32_t>(number - other) > 0;
  }
  static void drop_acked(Peer& peer, uint32_t through);

  Kind acked_;  // of bare acknowledgements
  std::vector<Peer> peers_;
};

}  // namespace hemiola
