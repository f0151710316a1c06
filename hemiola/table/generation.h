// All that the tables of one node held when their generation ended. Nothing in it changes any more.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "hemiola/core/place.h"
#include "hemiola/table/backup_shelf.h"
#include "hemiola/table/journal.h"
#include "hemiola/table/rows.h"

namespace hemiola {

// A row that was given away and is perhaps nowhere else: where it stands in a `give` message, and
// what came since from the taker, who added it when he took the row.
struct Gift {
  NodeId to;
  uint32_t moves = 0;   // the number of the move
  uint64_t number = 0;  // of the giver's gifts
  Bytes message;
  size_t at = 0;
  std::vector<float> more;
  std::vector<UnitRecord> more_units;
};

struct TableGeneration {
  struct Unsent {  // changes that are in no copy
    TableId table;
    Key key;
    std::vector<float> delta;
  };
  struct Given {
    TableId table;
    Key key;
    Gift gift;
  };

  uint32_t number = 1;
  Place place;
  // By rank then: the rank now, nullopt: it is gone.
  std::vector<std::optional<NodeId>> now;
  std::vector<std::unique_ptr<Rows>> tables;

  // Of rows that stayed where their keys said; by rank then.
  std::vector<BatchSeq> received;  // the last batch of each node that is in
  std::vector<Journal> sent;       // what each node may not have, or not safely
  // Of rows that could move.
  Journal moving;
  std::vector<Arena<uint32_t>> moves;  // by table and key: how often it had moved
  std::vector<Given> given;
  std::vector<Unsent> unsent;

  std::vector<std::unique_ptr<UnitLog>> logs;  // by table, where units were logged
  std::unique_ptr<BackupShelf> backups;        // of the node before this one; or nullptr
  bool vouches = true;                         // rows that are not in backups were never changed

  bool gone(NodeId then) const { return !now[then.value]; }
  NodeId backed() const { return NodeId{(place.self.value + place.nodes - 1) % place.nodes}; }
};

}  // namespace hemiola
