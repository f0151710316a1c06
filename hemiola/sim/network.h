// The modelled network: when a message that leaves now will arrive, and whether it may at all.
//
// It holds no messages and no clock: the world asks it on departure and on arrival.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/types.h"

namespace hemiola::sim {

inline constexpr Instant kForever{std::numeric_limits<int64_t>::max()};
inline constexpr Duration kWithoutEnd{std::numeric_limits<int64_t>::max()};

// at + span, where a span without end stays so.
constexpr Instant until(Instant at, Duration span) {
  return span.ns >= kForever.ns - at.ns ? kForever : at + span;
}

struct NetworkModel {
  Duration latency = microseconds(50);   // one way, of every link
  Duration jitter = microseconds(10);    // up to so much more, drawn for each message
  double tail_chance = 0;                // this share of the messages takes longer still,
  Duration tail = milliseconds(1);       // by up to so much
  double link_bytes_per_second = 0;      // of each link and direction; 0: no limit
  double nic_bytes_per_second = 1.25e9;  // of each node and direction; 0: no limit
  uint32_t frame_bytes = 24;             // what a frame adds to its body
  Duration notice = milliseconds(1);     // an end learns of a lost connection within so much

  // Throws UserError for values that make no sense.
  void validate() const;
};

// One direction between two nodes. Messages on it keep their order.
struct Link {
  int64_t free_at = 0;        // the sender may start the next message
  int64_t last_arrival = 0;   // nothing sent later arrives before or at this
  int64_t last_admitted = 0;  // what has arrived last is with the receiver by then
  int64_t clogged_until = 0;
  int64_t clog = 0;         // added to the latency until then
  Instant held_until{};     // one-way cut: arrivals wait until then
  Instant down_until{};     // the connection cannot be made before
  uint32_t generation = 0;  // a message of an earlier one was lost
  uint32_t ended = 0;       // so many connections were ended by the sending end itself
  bool open = false;        // the sending end has a connection
  bool connecting = false;
  bool dialled = false;  // by the sending end: what it sends waits for the connection
  bool was_open = false;
  bool nowhere = false;           // the sending end does not know yet that its connection is gone
  std::vector<uint32_t> waiting;  // for the connection, in order; the world's slots
  std::vector<uint32_t> held;     // what waits behind a cut, in order; the world's slots
};

class Network {
 public:
  Network(NetworkModel model, size_t nodes, uint64_t seed);

  // The arrival at the peer's network card of a message that leaves at `at`, or nothing when
  // there is no connection. Arrivals on one link strictly increase.
  std::optional<Instant> depart(NodeId from, NodeId to, size_t body_bytes, Instant at);

  // The delivery of what reached the card of `to` at `at`: the card takes one after another.
  // To be called in order of arrival; what is not delivered at once is so later than all before.
  Instant admit(NodeId to, size_t body_bytes, Instant at);

  // Latency and jitter of a bare packet that leaves now.
  Duration delay(const Link& link, Instant at);
  // A draw from [0, most].
  Duration up_to(Duration most);

  // How long the node's card has been sending, and receiving, so far.
  Duration sending(NodeId node) const { return Duration{out_busy_[node.value]}; }
  Duration receiving(NodeId node) const { return Duration{in_busy_[node.value]}; }

  Link& link(NodeId from, NodeId to) { return links_[from.value * nodes_ + to.value]; }
  const NetworkModel& model() const { return model_; }
  size_t wire_bytes(size_t body_bytes) const { return body_bytes + model_.frame_bytes; }

 private:
  NetworkModel model_;
  size_t nodes_;
  Random random_;
  std::vector<Link> links_;
  std::vector<int64_t> out_free_;            // by node: the card can begin to send
  std::vector<int64_t> in_free_;             // by node: the card has received all that came so far
  std::vector<int64_t> out_busy_, in_busy_;  // by node: nanoseconds in all
};

}  // namespace hemiola::sim
