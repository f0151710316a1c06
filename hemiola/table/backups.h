// A node as the owner of rows that have backups, and as the one who holds those of the node before
// it. What is changed here is sent to the next node in rounds; what a round has brought there is
// safe, and those who sent updates of it are told, so that they need keep them no longer.
//
// Rounds are at least `pace` apart and at most kRoundsOpen of them are on their way; a row that
// changes meanwhile goes once, as it is then, so a slow backup makes rounds larger, not longer
// queues. A sweep is what was to be sent when it began, perhaps in several rounds: when it has
// come, all units logged before it began are safe, for each of their rows was sent since.
//
// The log of units is also kept for rows that may move without backups: they are given away with
// their units.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/table/backup_shelf.h"

namespace hemiola {

class Backups {
 public:
  static constexpr uint64_t kTimer = 2;  // tag of the timers that it sets

  explicit Backups(TableSet& tables);

  // Rows have backups.
  bool on() const { return on_; }
  NodeId kept_by() const { return next(tables_.place().self); }
  // How often a row that may move has moved; set once.
  void set_moves(std::function<uint32_t(TableId, Key)> moves) { moves_ = std::move(moves); }

  // Owner's side. An owned row changed; what was added to it is a unit.
  void changed(TableId table, Key key);
  void added(TableId table, Key key, Unit unit) {
    if (!logs_[table.value]) return;
    logs_[table.value]->add(key, unit);
  }

  // The row goes away: writes its units, which are the taker's to tell of from now on.
  uint32_t give(TableId table, Key key, Writer& writer);
  // It has come, as `giver` gave it at its move number `moves`.
  void take(TableId table, Key key, std::span<const UnitRecord> units, NodeId giver,
            uint32_t moves);
  // It was given away and is safe where it is.
  void forget_backup(TableId table, GoneRecord gone);
  // The units in an owned row.
  void units(TableId table, Key key, std::vector<UnitRecord>& into) const;

  // An origin has dropped its batches below `low`.
  void keeps_from(NodeId origin, bool moving, uint32_t low);

  // Sends a round when it is time. hurry: without pace.
  void round(Instant now, bool hurry, Outbox& out);
  void on_timer() { timer_set_ = false; }
  // Everything has come.
  bool idle() const { return queue_.empty() && rounds_.empty() && gone_.empty() && !sweep_; }

  // Messages of the owner before this node. False: cannot be read.
  bool on_backup(Reader& reader);
  bool on_gone(Reader& reader);
  // After each message: a round may have come there.
  void collect(Outbox& out);
  // Units of this node itself that are safe, since the last call.
  std::vector<SafeRecord> take_own_safe() { return std::exchange(own_safe_, {}); }

  // What has changed until now has come to the backup when this sweep has.
  uint64_t sweep_of_now() const {
    const bool all_taken = queue_.size() == (sweep_ ? sweep_->left : 0);
    return sweeps_begun_ + (all_taken ? 0 : 1);
  }
  // So many have come.
  uint64_t sweeps() const { return sweeps_; }

  // Units that are remembered, of all tables.
  size_t units_logged() const;

  Streams& streams() { return streams_; }
  BackupShelf* shelf() { return shelf_.get(); }
  std::unique_ptr<BackupShelf> take_shelf() { return std::move(shelf_); }
  std::vector<std::unique_ptr<UnitLog>> take_logs() { return std::move(logs_); }

 private:
  static constexpr uint32_t kRoundsOpen = 2;
  static constexpr size_t kChunkBytes = size_t{1} << 20;
  static constexpr size_t kRoundBytes = size_t{4} << 20;

  struct Queued {
    TableId table;
    Key key;
  };
  struct Sweep {
    size_t left = 0;             // of the queue
    std::vector<uint64_t> ends;  // by table: of the log when it began
  };
  struct Round {
    uint32_t number = 0;                          // of its last message
    std::optional<std::vector<uint64_t>> covers;  // a sweep that ended with it
  };

  NodeId next(NodeId node) const { return NodeId{(node.value + 1) % tables_.place().nodes}; }
  const float* owned(TableId table, Key key) const;
  bool put_row(Writer& writer, TableId table, Key key);
  void send_round(Outbox& out);
  void send_gone(Outbox& out);
  void report(const std::vector<uint64_t>& covers, Outbox& out);
  void report_units(UnitLog& log, uint64_t from, uint64_t end,
                    std::vector<std::vector<SafeRecord>>& safe,
                    std::vector<std::vector<GoneRecord>>& gifts) const;

  TableSet& tables_;
  bool on_;
  Duration pace_;
  Streams streams_;
  std::function<uint32_t(TableId, Key)> moves_;
  std::vector<std::unique_ptr<UnitLog>> logs_;  // by table, where units are logged
  std::vector<std::vector<uint32_t>> low_;      // by moving and origin
  std::vector<Arena<uint64_t>> queued_;         // by table: a bit per key
  std::deque<Queued> queue_;
  std::vector<std::vector<GoneRecord>> gone_records_;  // by table, to be sent
  std::vector<TableId> gone_;                          // tables that have some
  std::optional<Sweep> sweep_;
  uint64_t sweeps_begun_ = 0;
  uint64_t sweeps_ = 0;
  std::deque<Round> rounds_;        // on their way
  std::vector<uint64_t> reported_;  // by table: place in the log through which was told
  std::vector<SafeRecord> own_safe_;
  std::vector<UnitRecord> units_;
  Instant next_round_;
  bool timer_set_ = false;
  std::unique_ptr<BackupShelf> shelf_;
};

}  // namespace hemiola
