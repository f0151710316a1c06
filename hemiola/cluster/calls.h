// What a worker may ask of its node's cluster machine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/core/block_plan.h"
#include "hemiola/core/machine.h"

namespace hemiola {

enum class ClusterOp : uint8_t { next_block, reduce, finish, fail };

struct ClusterCall : Call {
  explicit ClusterCall(ClusterOp o) : Call(MachineId::cluster), op(o) {}
  ClusterOp op;
};

// The next block of pass `pass` (passes count from 0 and are worked in order), or none when all
// blocks of the pass are dealt out. Each block is given to exactly one worker. Asking for the
// next block says that the previous one is done.
// plan: the same on every node; needed to be known by the node that deals.
// fixed: block b goes to worker b mod workers, a pure function (for bit-reproducible runs).
struct NextBlock : ClusterCall {
  NextBlock() : ClusterCall(ClusterOp::next_block) {}
  uint32_t pass = 0;
  uint64_t seed = 0;  // of the order in which blocks are dealt
  bool fixed = false;
  std::shared_ptr<const BlockPlan> plan;

  std::optional<uint32_t> block;  // out
};

// Sum over all workers of the job, added in order of WorkerId (so the same bits everywhere).
// Every worker must call with the same `round` (0, 1, 2, ...) and length; all get the sum.
struct Reduce : ClusterCall {
  Reduce() : ClusterCall(ClusterOp::reduce) {}
  uint32_t round = 0;
  std::vector<double> values;  // in, and out
};

// The worker has done its part; completes when all workers of all nodes have.
struct Finish : ClusterCall {
  Finish() : ClusterCall(ClusterOp::finish) {}
};

// The worker failed: the job ends on all nodes with this text, node and worker named.
struct Fail : ClusterCall {
  Fail() : ClusterCall(ClusterOp::fail) {}
  std::string text;
};

}  // namespace hemiola
