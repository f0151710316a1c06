// What the tables of a node know when the view changes: the end of one generation of table
// machines, and the begin of the next.
//
// When a node dies, leaves or comes, workers are parked, and every survivor asks its table machine
// for its salvage and destroys it. The machines of the new view are made from that, and trade
// before anybody goes on (table/restore.h): rows go to their new owners, rows of dead nodes come
// from their backups, and updates that were under way are added, each once.
//
// With copies = 2 what was done before is all there after one death, but for changes in place of
// the dead node's own workers since its last backup round. With copies = 1 the rows that only the
// dead node had are filled by a RowSource, or go back to their initial values.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/core/types.h"

namespace hemiola {

struct TableGeneration;  // table/generation.h

// Empty, or all that a node has. Moves; the rows in it are those of the old TableSet, which is of
// no further use.
class TableSalvage {
 public:
  TableSalvage();
  ~TableSalvage();
  TableSalvage(TableSalvage&&) noexcept;
  TableSalvage& operator=(TableSalvage&&) noexcept;

  // Mostly one. Two, when the last generation ended before workers ran here: then nobody here
  // knows which of them is to go on, and the nodes find out together.
  std::vector<std::unique_ptr<TableGeneration>> generations;
  uint32_t valid = 0;  // the number of the last generation in which workers ran, as known here
};

// A machine that a generation of tables leaves something behind with.
class TableSurvivor : public Machine {
 public:
  // What the next generation goes on from. The workers are parked, and their calls forgotten;
  // neither this machine nor its tables are of any further use.
  virtual TableSalvage salvage() = 0;
};

// Rows that no node has any more.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // What this node has to take rows from, by a number that grows; 0: nothing of its own.
  virtual uint32_t newest() { return 0; }
  // Before rows are asked for, so that all nodes take them from the same: `number` is the newest
  // that any of them has told. Gives what it is, for people ("the checkpoint of epoch 3"); empty:
  // there is nothing, and nothing is asked for.
  virtual std::string open(uint32_t number) = 0;
  // Fills the row. False: it goes back to its initial value.
  virtual bool fill(TableId table, Key key, std::span<float> row) = 0;
  // No more rows are asked for.
  virtual void close() {}
};

// How a table machine goes on from the one before it.
struct TableRestore {
  TableSalvage salvage;  // empty: this node is new
  // By seat in the last view (the one whose machine gave the salvage): the seat in the new one,
  // nullopt: it is gone. Nodes of the new view that stand nowhere here are new. A new node may
  // leave it empty.
  std::vector<std::optional<NodeId>> now;
  RowSource* lost_rows = nullptr;  // may be nullptr; outlives the machine
};

}  // namespace hemiola
