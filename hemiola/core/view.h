// Who is here: one small value that all machines of a node share.
#pragma once

#include <algorithm>
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
struct View {
  Epoch epoch;
  std::vector<Member> members;

  size_t nodes() const { return members.size(); }
  uint32_t workers() const {
    uint32_t sum = 0;
    for (const Member& m : members) sum += m.workers;
    return sum;
  }
  // The node's place among the members: what the machines of shared state know as its NodeId.
  std::optional<uint32_t> rank_of(NodeId node) const {
    const auto at = std::find_if(members.begin(), members.end(),
                                 [node](const Member& m) { return m.node == node; });
    if (at == members.end()) return std::nullopt;
    return static_cast<uint32_t>(at - members.begin());
  }
  bool has(NodeId node) const { return rank_of(node).has_value(); }
};

// As nodes send it to each other, and as a keeper of views holds it. What has a node twice, or
// numbers workers in another way than in the order of members, does not decode.
Bytes encode_view(const View& view);
std::optional<View> decode_view(const Bytes& body);

}  // namespace hemiola
