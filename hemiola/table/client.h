// What a worker calls: rows to read and add to, and the clock that bounds how old they may be.
//
// Thread safety: a Client belongs to one worker. Calls block while they must and throw JobEnded
// when the job is over, UserError for a key or a length that cannot be.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hemiola/core/stats.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/table/calls.h"
#include "hemiola/table/sampler_set.h"
#include "hemiola/table/table_set.h"

namespace hemiola {

class Client final : public SampledRows {
 public:
  Client(TableSet& tables, WorkerPort& port);
  // Waits for what is still under way.
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Clock clock() const { return clock_; }
  TableSet& tables() { return tables_; }

  // Copies the rows, one after the other, to `out`: keys.size() * row length floats.
  void pull(TableId table, std::span<const Key> keys, std::span<float> out);

  // Adds to the rows, one after the other in `deltas`. Keys may repeat. Returns when `deltas` may
  // be reused; others see the change when this worker has ticked, or earlier.
  void push(TableId table, std::span<const Key> keys, std::span<const float> deltas);

  // As pull, but returns at once; the rows are in `out` when wait() has returned. `keys` and
  // `out` must stay until then.
  struct Ticket {
    uint32_t number = 0;
  };
  Ticket pull_async(TableId table, std::span<const Key> keys, std::span<float> out);
  void wait(Ticket ticket);

  // Pointers to the rows themselves, for work in place; valid until the next tick or barrier.
  // With Access::write what is added to a row counts as pushed. Change rows under a LatchGuard.
  void rows(TableId table, std::span<const Key> keys, Access access, std::span<float*> out);
  float* row(TableId table, Key key, Access access = Access::write);
  Latches& latches(TableId table) { return tables_.rows(table).latches(); }

  // A hint: this worker will use the rows while its clock is in [first, last). Returns at once; may
  // be given far ahead, since it is acted on just in time. Never needed: without it reads wait.
  void intend(TableId table, std::span<const Key> keys, Clock first, Clock last) override;

  // A hint that rows will be asked for soon; fetches those that are missing and returns.
  void prefetch(TableId table, std::span<const Key> keys);

  // The row would be reached without waiting.
  bool here(TableId table, Key key) const;
  void here(TableId table, std::span<const Key> keys, std::span<uint8_t> out) const override;
  bool all_here(TableId table) const override { return tables_.rows(table).direct(); }

  // See table/sampler_set.h.
  void begin_pass(uint32_t pass) { samplers_.begin_pass(pass); }

  // Announces draws of a sampler of the job (TableSet::sampling) for clocks in [first, last), and
  // gives them; see table/sampling.h.
  struct Samples {
    uint32_t ticket = 0;
  };
  Samples prepare_sample(uint32_t sampler, uint32_t n, Clock first, Clock last);
  void sample(Samples samples, std::span<Key> keys);

  // Ends the worker's clock. Returns when it may start the next one.
  void tick();

  // Returns when all workers of the job have come here and all their changes are in: reads see
  // every update from before.
  void barrier();

  // With backups: what this worker has changed until now gets a number, which rises; it is on two
  // nodes, so that the death of one does not lose it, once safe_point() is as high. wait: returns
  // when it is. Without backups nothing is ever safer than it is: returns 0.
  uint64_t secure(bool wait);
  uint64_t safe_point() const { return tables_.safe_point.load(std::memory_order_acquire); }

  // By table.
  const std::vector<TableStats>& stats() const { return stats_; }

 private:
  // Rows that were changed and not sent yet.
  class Dirty {
   public:
    explicit Dirty(uint32_t rows = 0) : used_(rows) {}

    void mark(Key key) {
      uint8_t& used = used_[key.value];
      if (used == now_) return;
      if (used == 0) keys_.push_back(key);
      used = now_;
      ++uses_;
    }
    void tick() {
      ++ticks_;
      if (++now_ == 0) now_ = 1;
    }
    void take(std::vector<Key>& into);

    size_t size() const { return keys_.size(); }
    uint64_t uses() const { return uses_; }    // each row once for each tick
    uint32_t ticks() const { return ticks_; }  // since all were taken

   private:
    std::vector<uint8_t> used_;  // by key: the tick of its last use, 1 .. 255; 0: not in keys_
    std::vector<Key> keys_;
    uint64_t uses_ = 0;
    uint32_t ticks_ = 0;
    uint8_t now_ = 1;
  };
  struct Pull {
    uint32_t number = 0;
    TableId table;
    std::span<const Key> keys;
    std::span<float> out;
    std::unique_ptr<FetchCall> call;  // nullptr: nothing was missing
    Instant since;
  };

  void check(TableId table, std::span<const Key> keys, size_t floats, const char* what) const;
  void check_keys(TableId table, std::span<const Key> keys) const;
  Clock needed(const TableOptions& options) const;
  void locate(TableId table, std::span<const Key> keys, Access access, std::span<float*> out);
  void locate_direct(Rows& rows, std::span<const Key> keys, std::span<float*> out) const;
  float* find_copy(Rows& rows, Key key, Clock need, TableStats& stats) const;
  float* find_shelved(const Rows& rows, Key key, Clock need, TableStats& stats) const;
  void locate_shelved(TableId table, std::span<const Key> keys, Access access,
                      std::span<float*> out);
  const float* at_hand(TableId table, std::span<const Key> keys, size_t floats);
  bool is_fresh(const Rows& rows, const Copies& copies, Key key, Clock need) const;
  void count_age(TableStats& stats, uint64_t rows) const;
  void fetch_missing(TableId table, Clock need);
  void prefetch_due();
  bool waits_to_flush(TableId table) const;
  Clock slowest_round() const;
  void mark_dirty(TableId table, Key key) { dirty_[table.value].mark(key); }
  void mark_all_dirty(TableId table, std::span<const Key> keys, std::span<float* const> found);
  void take_dirty(std::vector<DirtyKeys>& into, bool all);
  void count_sent(std::vector<DirtyKeys>& dirty);
  void count_asked(TableId table, size_t keys);
  void push_remote(TableId table, std::span<const Key> keys, std::span<const float> deltas,
                   std::span<const uint32_t> which);
  void settle_pushes();
  std::unique_ptr<FetchCall> fetch_to(TableId table, std::span<const Key> keys,
                                      std::span<float> out);
  void finish_prefetch(TableId table);
  void wait_for(TableCall& call, TableId table, Duration TableStats::*kind);
  TickCall& next_tick_call();

  TableSet& tables_;
  WorkerPort& port_;
  Clock clock_;
  Clock floor_;
  std::vector<TableStats> stats_;
  std::vector<Dirty> dirty_;  // by table
  std::vector<Key> missing_;
  std::vector<float*> pointers_;
  std::vector<Pull> pulls_;
  uint32_t last_pull_ = 0;
  std::vector<std::unique_ptr<FetchCall>> prefetches_;  // under way
  std::vector<std::unique_ptr<TickCall>> ticks_;        // a ring
  size_t ticks_posted_ = 0;
  std::deque<std::unique_ptr<PushCall>> pushes_;     // under way
  std::deque<std::unique_ptr<IntendCall>> intends_;  // posted
  std::vector<Intent> intents_;                      // go with the next tick
  std::map<int32_t, std::vector<Intent>> later_;     // of tables that do not move, by first clock
  SamplerSet samplers_;
};

}  // namespace hemiola
