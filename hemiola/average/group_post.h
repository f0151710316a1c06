// Messages between the workers of `groups`, and their way: each arrives once and in order, even if
// links are lost or messages come twice. What a node has sent to another is kept until a message
// of the other says that it has come.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "hemiola/average/messages.h"
#include "hemiola/core/machine.h"
#include "hemiola/core/place.h"

namespace hemiola {

// Two things that members of a group do together.
enum class GroupWork : uint32_t {
  fuse,   // the mean of those who are ready
  trade,  // of the group's mean with another group's
};

// Begins every message. What follows it, between members and the controller of their group:
//   member_ready: ReadyTail; to the controller
//   fuse:         to members: Seat for each who takes part
//   done:         to the controller: all deltas are here; close: to members: take them
//   ended:        to the controller: taken
//   may_rest:     to a member at rest: nothing is under way; `id` is the seat's
//   regroup:      to a member: it is in another plan now; number, sizes and workers of all groups
// between members: block: floats, to the block's owner; block_delta: floats, from it
// between controllers of two groups:
//   propose, accept: size of the group, workers that own the blocks of its mean; busy
//   done, close, ended: as above, for whole groups
//   trade:        to members: TradeTail, workers that own blocks here and there
//   block_mean:   between owners of the two groups: floats, where their blocks overlap
// speeds: to worker 0: seconds per step, by member; regroup: from it to controllers
// received: has no meaning but its head's.
struct GroupHead {
  WorkerId from;
  WorkerId to;
  uint32_t number = 0;    // of the message, between the two nodes
  uint32_t received = 0;  // the last number that came the other way
  uint32_t plan = 0;
  GroupWork work{};
  uint32_t group = 0;  // that began the work
  uint32_t id = 0;     // of the work, counted by that group
};

struct ReadyTail {
  uint32_t seat = 0;  // counts what a worker says
  uint32_t pass = 0;
  uint32_t rests = 0;
};

struct Seat {
  WorkerId worker;
  uint32_t seat = 0;  // what it had said last
};

struct TradeTail {
  uint32_t round = 0;  // of which the mean is traded
  uint32_t own_size = 0, other_size = 0;
};

struct GroupMessage {
  Kind kind{};
  GroupHead head;
  Bytes tail;
};

inline std::span<const float> floats_of(const Bytes& bytes) {
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

class GroupPost {
 public:
  explicit GroupPost(const Place& place) : place_(place), peers_(place.nodes) {}

  // All that is sent until the next call goes to `out`.
  void open(Outbox& out) { out_ = &out; }

  // `fill(std::byte*)` writes the tail.
  template <class Fill>
  void send(Kind kind, GroupHead head, size_t bytes, Fill&& fill) {
    MutableBytes body(sizeof head + bytes);
    stamp(head);
    std::memcpy(body.data(), &head, sizeof head);
    fill(body.data() + sizeof head);
    dispatch(kind, head, std::move(body).freeze());
  }
  void send(Kind kind, GroupHead head, std::span<const std::byte> tail = {}) {
    send(kind, head, tail.size(), [&](std::byte* to) {
      if (!tail.empty()) std::memcpy(to, tail.data(), tail.size());
    });
  }
  void send(Kind kind, const GroupHead& head, Writer tail) {
    send(kind, head, std::move(tail).take().span());
  }

  // Nothing for a message that was here before, or in front of which one was lost.
  // Throws std::runtime_error for one that cannot be.
  std::optional<GroupMessage> take(const Envelope& message);

  // Sends again what may have been lost.
  void up_again(NodeId peer);

 private:
  static constexpr uint32_t kSilence = 16;  // after so many messages of a peer it is told so

  struct Sent {
    uint32_t number = 0;
    Kind kind{};
    Bytes body;
  };
  struct Peer {
    uint32_t sent = 0;      // the last number
    uint32_t received = 0;  // the last number
    uint32_t told = 0;      // of received
    std::deque<Sent> kept;
  };

  void stamp(GroupHead& head);
  void dispatch(Kind kind, const GroupHead& head, Bytes body);

  const Place place_;
  std::vector<Peer> peers_;
  Outbox* out_ = nullptr;
};

}  // namespace hemiola
