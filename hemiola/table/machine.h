// The table machine of a node: joins the owner's side, the holder's side and the clocks.
//
// The life of a clock: a worker's TickCall brings the keys it may have changed; their differences
// go to the owners, a mark behind them to everybody. When marks of all nodes have passed a clock,
// the rows here are complete through it: waiting pulls are answered, holders are refreshed, and
// workers that were too far ahead go on.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/table/backups.h"
#include "hemiola/table/clock_board.h"
#include "hemiola/table/holder.h"
#include "hemiola/table/keeper.h"
#include "hemiola/table/owner.h"
#include "hemiola/table/restore.h"
#include "hemiola/table/safe_points.h"
#include "hemiola/table/salvage.h"

namespace hemiola {

class TableMachine : public TableSurvivor {
 public:
  // The tables are shared with the workers of this node and outlive the machine.
  explicit TableMachine(TableSet& tables);

  ~TableMachine() override;

  // Of a later generation: goes on from what the nodes know. All nodes of the view must be made so.
  // Once told Connected it trades with the others, and tells StateReady when this node has all of
  // its rows, with their backups.
  TableMachine(TableSet& tables, TableRestore restore);

  // Before any event, of a first generation on all nodes: the rows are not the initial ones, and so
  // have to have backups before anybody goes on.
  void rows_were_loaded();

  void on(Event& event, Instant now, Outbox& out) override;

  TableSalvage salvage() override;

  // By table: rows that nobody had when this generation began, and no RowSource either.
  const std::vector<uint64_t>& rows_lost() const { return rows_lost_; }
  const RowsRecovered& rows_recovered() const { return rows_recovered_; }

  // What is remembered for the case that somebody dies; little, once all is quiet.
  struct Remembered {
    size_t units = 0;          // updates known to be in rows
    size_t journal_bytes = 0;  // own updates that might have to be sent again
    size_t gifts = 0;          // rows given away
  };
  Remembered remembered() const {
    return {backups_.units_logged(), holder_.journal_bytes() + keeper_.journal_bytes(),
            keeper_.gifts()};
  }

 private:
  TableMachine(TableSet& tables, bool initial);

  static constexpr Duration kLongWait = seconds(10);

  struct Waiting {
    TableCall* call = nullptr;
    Instant since;
    Instant said;
  };

  void on_call(TableCall& call, Instant now, Outbox& out);
  void on_message(const Envelope& envelope, Instant now, Outbox& out);
  void flush(WorkerId worker, Clock clock, std::vector<DirtyKeys>& dirty, Outbox& out);
  void add_what_was_left_out(std::vector<DirtyKeys>& dirty);
  void worker_is_at(WorkerId worker, Clock clock, bool barrier);
  bool clocks_settled();
  void on_notice(const Notice& notice, Instant now, Outbox& out);
  // machine_survival.cc
  void on_survival(const Envelope& envelope, Instant now, Outbox& out);
  bool take_survival(const Envelope& envelope, Outbox& out);
  bool on_safe(NodeId from, Reader& reader);
  bool on_safe_gift(Reader& reader);
  void tell_what_is_kept(NodeId to, Outbox& out);
  void restored(Instant now, Outbox& out);
  void on_pull(NodeId from, const Bytes& body, bool subscribe, Outbox& out);
  void on_timer(Instant now, Outbox& out);
  void on_link_again(NodeId peer, Outbox& out);
  void send_mark(NodeId to, Outbox& out);
  void clocks_moved(Outbox& out);
  void release_waiting(Outbox& out);
  std::optional<NodeId> backlog() const;
  bool may_go_on(const TableCall& call) const;
  std::string why_waits(const TableCall& call) const;
  void wait(TableCall& call, Instant now, Outbox& out);

  TableSet& tables_;
  Backups backups_;
  Owner owner_;
  Holder holder_;
  Keeper keeper_;
  SafePoints safe_points_;
  ClockBoard board_;
  // Clocks of workers here that do not count yet: their updates of rows that move are not all in.
  struct Unsettled {
    WorkerId worker;
    Clock clock;
    bool barrier = false;
    uint32_t batch = 0;
  };
  std::deque<Unsettled> unsettled_;
  // Of a later generation, until workers run in it.
  std::unique_ptr<Restore> restore_;
  uint32_t generation_ = 1;
  bool complete_ = true;  // the rows are here
  bool ready_ = true;     // and so are their backups
  bool connected_ = false;
  bool loaded_ = false;   // from a checkpoint
  bool started_ = false;  // workers have run
  std::vector<uint64_t> rows_lost_;
  RowsRecovered rows_recovered_;
  std::vector<uint32_t> told_kept_;  // by node: Holder::low() as it was told
  MarkBody told_;                    // the last mark that was sent
  std::vector<Waiting> waiting_;     // ticks, barriers, pushes and fetches that are not done
  bool timer_set_ = false;
};

}  // namespace hemiola
