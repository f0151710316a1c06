// The tables' side of a node that leaves: it hands over its rows, and what it has for rows of
// others, as all nodes do at the begin of a generation (table/restore.h); but it owns nothing in
// that.
#pragma once

#include <optional>

#include "hemiola/table/restore.h"
#include "hemiola/table/salvage.h"
#include "hemiola/table/streams.h"
#include "hemiola/table/table_set.h"

namespace hemiola {

class TableLeaver : public TableSurvivor {
 public:
  // REQUIRES: tables.place().leaves(). The tables, which hold no row, outlive the machine.
  TableLeaver(TableSet& tables, TableRestore restore);
  // Of tables that nobody has trained: there is nothing to hand over.
  explicit TableLeaver(TableSet& tables);

  // Tells StateReady when all it had is with others, which have said so.
  void on(Event& event, Instant now, Outbox& out) override;

  TableSalvage salvage() override { return restore_ ? restore_->give_back() : TableSalvage(); }

 private:
  void go_on(Outbox& out);

  Streams streams_;
  std::optional<Restore> restore_;
  bool ready_ = false;
};

}  // namespace hemiola
