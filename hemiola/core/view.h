// Who is here: one small value that all machines of a node share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hemiola/core/bytes.h"
#include "hemiola/core/types.h"

namespace hemiola {

struct Member {
  NodeId node;
  std::string address;    // where its peers reach it: "unix:/path" or "tcp:host:port"
  uint32_t workers = 0;   // worker threads on it
  WorkerId first_worker;  // its workers are first_worker .. first_worker + workers - 1
  uint64_t instance = 0;  // tells the process from another one that is this node later
};

// A view changes only as a whole: a later one has a larger epoch. Members are in order of
// seniority, and the first of them leads: it deals out work and decides who comes and goes.
//
// Those that leave were members before. None of their workers works and they own nothing; until the
// members start under this view they are there to hand over what they have. Each party has a seat:
// the members by rank, behind them those that leave.
struct View {
  Epoch epoch;
  std::vector<Member> members;
  std::vector<Member> leaving;
  bool begun = false;  // workers have run under an earlier one

  size_t nodes() const { return members.size(); }
  uint32_t workers() const {
    uint32_t sum = 0;
    for (const Member& m : members) sum += m.workers;
    return sum;
  }
  // The node's place among the members: what the machines of shared state know as its NodeId.
  std::optional<uint32_t> rank_of(NodeId node) const {
    const auto seat = seat_of(node);
    return seat && *seat < members.size() ? seat : std::nullopt;
  }

  size_t parties() const { return members.size() + leaving.size(); }
  const Member& party(size_t seat) const {
    return seat < members.size() ? members[seat] : leaving[seat - members.size()];
  }
  std::optional<uint32_t> seat_of(NodeId node) const {
    for (size_t seat = 0; seat < parties(); ++seat) {
      if (party(seat).node == node) return static_cast<uint32_t>(seat);
    }
    return std::nullopt;
  }
  bool has(NodeId node) const { return seat_of(node).has_value(); }
  // That very process, and no other that is this node.
  bool has(NodeId node, uint64_t instance) const {
    const auto seat = seat_of(node);
    return seat && party(*seat).instance == instance;
  }
  bool leaves(NodeId node) const { return has(node) && !rank_of(node); }
  // Some process is in both.
  bool meets(const View& other) const {
    for (size_t seat = 0; seat < parties(); ++seat) {
      if (other.has(party(seat).node, party(seat).instance)) return true;
    }
    return false;
  }
  // What a keeper of views holds when the job has ended well.
  bool over() const { return epoch > Epoch{0} && parties() == 0; }
};

// As nodes send it to each other, and as a keeper of views holds it. What has a node twice, or
// numbers workers in another way than in the order of members, does not decode.
Bytes encode_view(const View& view);
std::optional<View> decode_view(const Bytes& body);

}  // namespace hemiola
