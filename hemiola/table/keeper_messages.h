// The bodies of the messages about rows that may move. Each begins with a StreamHead and is taken
// in exactly once, in order on each pair of nodes (table/streams.h).
//
//   ask      anyone -> owner    send me these rows: to have for now, or because I want them
//   give     owner -> asker     the rows: a copy for now, a copy that is kept fresh, or the row
//                               itself, which is the asker's from now on
//   taken    new -> old owner   I have taken these rows over: updates of mine from before this
//                               message that you find for them are in them already
//   change   anyone -> owner    add these
//   settled  owner -> origin    so many of the updates of a batch are in
//   renew    owner -> holder    rows that changed and of which you keep a copy
//   round    owner -> holder    my rows that you keep are complete through `complete`
//   leave    holder -> owner    I keep these no more
//   located  old owner -> home  who owns these now
//   heat     anyone -> home     how often rows were wanted here
//   hot      home -> anyone     rows that everyone keeps from now on, or no more
//   acked    both ways          bare acknowledgement
//
// Whoever gets an ask or a change for a row that is not his sends it on to where he last knew the
// row to be.
#pragma once

#include <optional>
#include <vector>

#include "hemiola/table/messages.h"
#include "hemiola/table/streams.h"

namespace hemiola {

struct AskHead {
  StreamHead stream;
  TableId table;
  NodeId origin;
  Clock needed;
  uint32_t want = 0;  // 1: the asker's workers said that they will use them
  uint32_t hops = 0;
  // uint32_t count, keys
};

enum class GiveKind : uint32_t { passing, kept, owned };

struct GiveHead {
  StreamHead stream;
  TableId table;
  Clock complete;
};

struct GiveRecord {  // UnitRecords and the row follow; one that is given away is floats
  Key key;
  uint32_t moves = 0;  // how often the row has changed its owner
  GiveKind kind{};
  uint32_t units = 0;  // of a row that is given away: which updates are in it (table/units.h)
};

struct ChangeHead {  // RowRecords follow
  StreamHead stream;
  TableId table;
  NodeId origin;
  uint32_t batch = 0;  // the origin's number for it
  uint32_t hops = 0;
  uint32_t packed = 0;  // as in UpdateHead
};

struct SettledBody {
  StreamHead stream;
  uint32_t batch = 0;
  uint32_t rows = 0;
};

struct KeysHead {  // taken, leave: uint32_t count and keys follow
  StreamHead stream;
  TableId table;
};

struct RenewHead {  // RowRecords follow
  StreamHead stream;
  TableId table;
};

struct RoundBody {
  StreamHead stream;
  Clock complete;
  uint32_t low = 0;  // the sender keeps none of its batches below this one
};

struct LocatedRecord {
  Key key;
  uint32_t moves = 0;
  NodeId owner;
};

struct HeatHead {  // a list of HeatRecord follows
  StreamHead stream;
  TableId table;
};

struct HeatRecord {
  Key key;
  float share = 0;  // of the sender's clocks in which the row was wanted
};

struct HotHead {  // a list of keys that became hot and one of those that are hot no more follow
  StreamHead stream;
  TableId table;
};

}  // namespace hemiola
