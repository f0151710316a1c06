// A table of a job: its shape, how stale reads of it may be, and how its rows are changed.
#pragma once

#include "hemiola/core/place.h"
#include "hemiola/core/table_spec.h"
#include "hemiola/table/placement.h"
#include "hemiola/table/row_coding.h"
#include "hemiola/table/staleness.h"

namespace hemiola {

// Deliberate defects: the tests of the protocol switch one on and must then fail.
enum class Sabotage : uint8_t {
  none,
  refresh_overwrites,  // a refresh forgets updates that were not sent yet
  bound_off_by_one,    // a read accepts a copy that is one clock too old
  applied_twice,       // a batch that arrives again is added again (and some are sent twice)
  acked_but_lost,      // a batch is acknowledged and forgotten
  rest_forgotten,      // what a coding has left out of an update is never sent
  // of rows that move:
  moved_without_own_updates,  // what the new owner had sent is not in the row that it takes over
  moved_and_added_twice,      // the old owner sends on what the new one has added already
  lost_when_moved,            // an update that finds the row gone is forgotten
  two_owners,                 // the row stays with the one who gave it away
  never_released,             // copies that nobody wants are kept for ever
  // of what survives a death:
  backup_skipped,   // changed rows are not sent to their backup, and said to be there
  units_forgotten,  // rows do not say which updates are in them
  stale_copy_wins,  // of a row that is offered twice, the older value is taken
};

struct TableOptions {
  TableSpec spec;
  StalenessRule staleness;
  Placement placement;

  // true: changes of one row by several threads are latched, none is lost. false: lock-free;
  // concurrent changes of the same float may lose one of them (Hogwild).
  bool exact = true;

  // Most rows of other nodes of which this node keeps copies; 0: keeps none, so each pull asks
  // the owner and in-place work on remote rows is refused.
  uint32_t copies_max = UINT32_MAX;

  // How updates and rows that are read travel. Not under strict staleness.
  RowCoding coding;

  // Updates of kept copies whose norm is more than so many times the usual one are scaled down to
  // that; 0: never. For placements other than static.
  double clip = 0;

  // For placements other than static, with a staleness that has no bound:
  // Others must change a row so often, since the workers of this node last wanted it, until it is
  // let go of; 0 to 7. More saves moves where all nodes use all rows in turn, and sends more where
  // each has its own: with 4 two nodes send 2.5 kB for a triple of WN18, with 0 they send 1.0.
  uint8_t lingers = 0;

  // For placements intent and nups: so often an owner keeps a row that two others wanted at once,
  // rather than give it to the only one that wants it now; 0 to 3. And the first time of any row,
  // so that hot rows stay spread over their homes: else the node whose workers begin first would
  // get all, and send their changes to everybody.
  uint8_t clings = 0;

  // An owner sends a node changed rows at most once in this time, so that rows which several nodes
  // change go once for all of them. What nodes do to a hot row without each other's changes adds
  // up, so they must not for much longer.
  Duration pace = milliseconds(10);

  Sabotage sabotage = Sabotage::none;
};

}  // namespace hemiola
