// The bodies of the messages by which rows survive: backups while all is well, and what nodes trade
// at the begin of a generation. Each begins with a StreamHead and is taken in exactly once, in
// order on each pair of nodes (table/streams.h).
//
//   backup       owner -> backup   rows as they are now, and the units in them
//   backup_gone  owner -> backup   rows that went to another owner, and are safe there
//   backup_end   owner -> backup   the end of a round: say at once that you have it
//   safe         owner -> origin   so many of the updates of a batch are in the row and its backup
//   safe_gift    owner -> giver    the rows that you gave away are here and in their backups
//   keeps_from   origin -> owner   of my batches to you I have dropped those below this one
//
//   survivor     all -> all        what I have got from the generation before
//   offer        all -> new owner  a row, from its owner, a backup or who gave it away
//   offered      all -> all        that is all that I can offer
//   all_offered  all -> all        I know the best of all my rows: send what is to be added
//   add          all -> new owner  an update that may not be in, or has never been sent
//   added        all -> all        that is all; a node with everybody's has its rows complete
//
//   survival_acked  both ways      bare acknowledgement
#pragma once

#include "hemiola/table/streams.h"
#include "hemiola/table/units.h"

namespace hemiola {

// How a unit travels behind its row.
struct UnitRecord {
  uint32_t origin : 30;
  uint32_t gift : 1;
  uint32_t told : 1;
  uint32_t batch = 0;
};

// backup, offer: a list of RowVersions, each with its units and row_length floats behind it.
struct RowsOfTable {
  StreamHead stream;
  TableId table;
};

// How good an offered row is among those of the same number of moves.
enum class Version : uint32_t { given_away, backup, own };

struct RowVersion {
  Key key;
  uint32_t moves = 0;  // how often it had changed its owner
  Version version{};
  uint32_t units = 0;  // UnitRecords that follow
};

struct GoneRecord {  // backup_gone: RowsOfTable, then a list of these
  Key key;
  uint32_t moves = 0;  // the number of the move away
};

struct SafeHead {  // a list of SafeRecord follows
  StreamHead stream;
  uint32_t moving =
      0;  // 1: batches of tables whose rows may move, which are numbered for all nodes
};

struct SafeRecord {
  uint32_t batch = 0;
  uint32_t rows = 0;
};

struct KeepsFromBody {
  StreamHead stream;
  uint32_t low = 0;
};

// Numbers of generations (table/salvage.h); 0: none.
struct SurvivorBody {
  StreamHead stream;
  uint32_t valid = 0;   // workers ran in it
  uint32_t latest = 0;  // of which the sender has anything
  uint32_t source = 0;  // of rows that nobody has (RowSource::newest)
};

struct OfferedHead {  // then two lists of uint32_t: the old ranks for which the sender vouches, and
                      // by old rank the last batch that it has had, of rows that stay in place
  StreamHead stream;
  uint32_t old_nodes = 0;  // 0: it has nothing
  uint32_t old_rank = 0;
};

struct AddRecord {  // add: RowsOfTable, then a list of these, each with row_length floats
  Key key;
  uint32_t origin = 0;  // kUnsent: was never sent, so it is in no row
  uint32_t batch = 0;
  static constexpr uint32_t kUnsent = UINT32_MAX;
};

}  // namespace hemiola
