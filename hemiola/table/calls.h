// What a worker asks of its node's table machine. Filled by table/client, answered by
// table/machine.
#pragma once

#include <span>
#include <vector>

#include "hemiola/core/bytes.h"
#include "hemiola/core/machine.h"
#include "hemiola/core/types.h"
#include "hemiola/table/intents.h"

namespace hemiola {

enum class TableOp : uint8_t { fetch, push, intend, tick, barrier, secure };

struct TableCall : Call {
  explicit TableCall(TableOp o) : Call(MachineId::table), op(o) {}
  TableOp op;
  // Out: the node whose answer ended the wait, the one that was waited for longest.
  NodeId waited_for{UINT32_MAX};
};

// Rows of other nodes, complete through `needed`. With `sink` empty they become copies (in the
// view of the calling worker); else row i is written to sink[i] and no copy is kept.
struct FetchCall : TableCall {
  FetchCall() : TableCall(TableOp::fetch) {}
  TableId table;
  Clock needed;
  std::vector<Key> keys;
  std::vector<float*> sink;

  uint32_t open = 0;  // the machine's: answers that are still missing
};

// Adds to rows of other nodes of which no copy is kept; done when the updates are on their way
// and the owner is not too far behind with earlier ones.
struct PushCall : TableCall {
  PushCall() : TableCall(TableOp::push) {}
  TableId table;
  Clock clock;
  std::vector<Key> keys;
  std::vector<float> deltas;  // row after row
};

// The rows that a worker may have changed since its last tick; each key at most once.
struct DirtyKeys {
  TableId table;
  std::vector<Key> keys;
  bool whole = false;       // nothing may be left out of what is sent
  uint64_t sent_bytes = 0;  // out: of the batches that were made of them
};

// Rows that the worker will use; done at once.
struct IntendCall : TableCall {
  IntendCall() : TableCall(TableOp::intend) {}
  Clock clock;  // the worker's own
  std::vector<Intent> intents;
};

// The worker ends its clock: its changes are sent, and it may go on when the slowest worker is
// near enough. `clock` is the new one.
struct TickCall : TableCall {
  TickCall() : TableCall(TableOp::tick) {}
  Clock clock;
  uint64_t unlinkings = 0;  // TableSet::unlinkings, read when the worker held no pointers
  std::vector<DirtyKeys> dirty;
  std::vector<Intent> intents;
};

// The worker waits until all have come here and all changes are in. `clock` is the worker's when
// it came, and afterwards the clock at which all go on.
struct BarrierCall : TableCall {
  BarrierCall() : TableCall(TableOp::barrier) {}
  Clock clock;
  std::vector<DirtyKeys> dirty;
};

// What this node has changed until now, `dirty` included, is to outlive its death. Out: `point`, a
// number that rises; all before it is on two nodes once TableSet::safe_point is as high. Done at
// once, or with `wait` when it is so.
struct SecureCall : TableCall {
  SecureCall() : TableCall(TableOp::secure) {}
  bool wait = false;
  uint64_t point = 0;
  Clock clock;
  std::vector<DirtyKeys> dirty;
};

}  // namespace hemiola
