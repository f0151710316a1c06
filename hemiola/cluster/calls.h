// What a worker may ask of its node's cluster machine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/cluster/agenda.h"
#include "hemiola/core/block_plan.h"
#include "hemiola/core/machine.h"

namespace hemiola {

enum class ClusterOp : uint8_t { begin, next_block, reduce, finish, fail };

struct ClusterCall : Call {
  explicit ClusterCall(ClusterOp o) : Call(MachineId::cluster), op(o) {}
  ClusterOp op;
};

// Where the job stands. When a view changes the workers of all nodes end, and begin again.
struct Begin : ClusterCall {
  Begin() : ClusterCall(ClusterOp::begin) {}
  std::vector<PassTotals> totals;  // out: of the passes that are done; theirs is the next
  uint64_t view_changes = 0;       // out: since the job began
  History::Counts history;         // out: the same in detail
};

// The next block of pass `pass` (passes count from 0 and are worked in order), or none when all
// blocks of the pass are dealt out. Each block is given to exactly one worker; to another one when
// the first is lost before it said that the block is done. Blocks that are in nobody's hands when a
// view changes are dealt out again.
// plan: the same on every node; needed to be known by the node that deals.
// fixed: block b goes to worker b mod workers, a pure function (for bit-reproducible runs).
struct NextBlock : ClusterCall {
  NextBlock() : ClusterCall(ClusterOp::next_block) {}
  uint32_t pass = 0;
  uint64_t seed = 0;  // of the order in which blocks are dealt
  bool fixed = false;
  std::shared_ptr<const BlockPlan> plan;
  std::vector<BlockDone> done;  // of this pass, by this worker, that were not told of before

  std::optional<uint32_t> block;  // out
  bool cut = false;               // out: there would be one, but the job is to end
};

// Sum over all workers of the job, added in order of WorkerId (so the same bits everywhere).
// Every worker must call with the same `round` (0, 1, 2, ... in each view) and length; all get the
// sum. closes: it ends the pass too, and all get what the pass came to; but for a pass of which
// some worker says that it was cut: that one stays open, for all workers alike. REQUIRES: no worker
// works in that pass any more.
struct Reduce : ClusterCall {
  Reduce() : ClusterCall(ClusterOp::reduce) {}
  uint32_t round = 0;
  std::optional<uint32_t> closes;  // in, and out: none when the pass was cut
  bool cut = false;                // this worker was refused a block of the pass
  std::vector<BlockDone> done;     // as above
  std::vector<double> values;      // in, and out

  PassTotals totals;      // out, when a pass is closed
  bool winds_up = false;  // out, the same for all workers: the job is to end, no pass begins
};

// The worker has done its part; completes when all workers of all nodes have.
struct Finish : ClusterCall {
  Finish() : ClusterCall(ClusterOp::finish) {}
};

// The worker failed: the job ends on all nodes with this text, node and worker named.
struct Fail : ClusterCall {
  Fail() : ClusterCall(ClusterOp::fail) {}
  std::string text;
  bool alone = false;  // no reason for the others to end: where they may go on, this node leaves
};

}  // namespace hemiola
