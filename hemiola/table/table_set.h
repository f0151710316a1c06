// The tables of one node, and the clocks that its loop publishes to its workers.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/table/rows.h"
#include "hemiola/table/sampling.h"

namespace hemiola {

class TableSet {
 public:
  // Throws UserError for tables that cannot be. copies: on how many nodes each row is to be, 1 or
  // 2, where there are so many nodes.
  TableSet(std::vector<TableOptions> tables, Place place, Sampling sampling = {},
           uint32_t copies = 1);

  const Place& place() const { return place_; }
  uint32_t size() const { return static_cast<uint32_t>(tables_.size()); }
  // 2: the next node has a backup of each row that this one owns (table/backups.h).
  uint32_t copies() const { return copies_; }
  Rows& rows(TableId table) const { return *tables_[table.value]; }
  // The rows leave: the set is of no further use.
  std::vector<std::unique_ptr<Rows>> take_rows() { return std::move(tables_); }
  TableId find(std::string_view name) const;

  // What workers draw from; each Client makes its samplers from it.
  const Sampling& sampling() const { return sampling_; }

  // The tightest bound of all tables: how far a worker may be ahead of the slowest.
  const StalenessRule& gate() const { return gate_; }
  bool any_push() const { return any_push_; }  // of tables whose rows stay where they are
  bool any_adapts() const { return any_adapts_; }
  bool any_async() const { return any_async_; }
  // Workers need not tell anybody when they tick.
  bool ticks_alone() const { return ticks_alone_; }

  // The clock of the slowest worker of the job; written by the loop thread behind the rows that
  // it speaks of.
  std::atomic<int32_t> slowest{0};

  // Counted by the loop whenever rows have been unlinked. A worker that reads it when it holds no
  // pointers, as at a tick, cannot find any more what was unlinked by then.
  std::atomic<uint64_t> unlinkings{0};

  // With backups: all that workers of this node changed before the call that gave this point
  // (SecureCall) is on two nodes.
  std::atomic<uint64_t> safe_point{0};

  // The clock through which our copies of a node's rows are complete, in tables with push.
  Clock refreshed_by(NodeId node) const {
    return Clock{refreshed_by_[node.value].load(std::memory_order_acquire)};
  }
  void set_refreshed_by(NodeId node, Clock clock) {
    refreshed_by_[node.value].store(clock.value, std::memory_order_release);
  }

  // The clock through which a node's last round has brought our copies of its rows, in tables
  // whose placement adapts.
  Clock round_of(NodeId node) const {
    return Clock{rounds_[node.value].load(std::memory_order_acquire)};
  }
  void set_round(NodeId node, Clock clock) {
    rounds_[node.value].store(clock.value, std::memory_order_release);
  }

  // What the loop counts of a table whose rows may move; read when the run is over.
  struct Moves {
    std::atomic<uint64_t> moved{0};  // rows that became this node's
    std::atomic<uint64_t> kept{0};   // copies that were asked for to be kept
    std::atomic<uint32_t> hops{0};   // the longest way of a request to the owner, forwards only
  };
  Moves& moves(TableId table) { return *moves_[table.value]; }

 private:
  void check(const Sampling::Source& source) const;

  Place place_;
  Sampling sampling_;
  uint32_t copies_;
  std::vector<std::unique_ptr<Rows>> tables_;
  StalenessRule gate_;
  bool any_push_ = false;
  bool any_adapts_ = false;
  bool any_async_ = false;
  bool ticks_alone_ = true;
  Arena<std::atomic<int32_t>> refreshed_by_;
  Arena<std::atomic<int32_t>> rounds_;
  std::vector<std::unique_ptr<Moves>> moves_;
};

}  // namespace hemiola
