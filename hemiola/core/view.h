// Who is here: one small value that all machines of a node share.
#pragma once

#include <string>
#include <vector>

#include "hemiola/core/types.h"

namespace hemiola {

struct Member {
  NodeId node;
  std::string address;    // where its peers reach it: "unix:/path" or "tcp:host:port"
  uint32_t workers = 0;   // worker threads on it
  WorkerId first_worker;  // its workers are first_worker .. first_worker + workers - 1
};

// A view changes only as a whole: a later one has a larger epoch. Members are in order of node.
struct View {
  Epoch epoch;
  std::vector<Member> members;

  size_t nodes() const { return members.size(); }
  uint32_t workers() const {
    uint32_t sum = 0;
    for (const Member& m : members) sum += m.workers;
    return sum;
  }
};

}  // namespace hemiola
