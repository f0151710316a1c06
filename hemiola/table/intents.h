// What the workers of a node said they will use, and when: which rows are wanted now.
//
// An intent counts from shortly before its first clock (Intents::ahead) until its last: early
// enough that the row is here in time, late enough that one given far ahead costs only its list.
// Ahead is the number of clocks that a worker goes on during two round trips, with 99.99 %
// confidence (Renz-Wieland et al., CIKM 2023).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/table/table_set.h"

namespace hemiola {

struct Intent {
  TableId table;
  Clock first;
  Clock last;  // the first clock at which it is over
  std::vector<Key> keys;
};

// Below which a Poisson variable stays with probability 0.9999; an upper bound, close for all
// means.
int32_t poisson_quantile(double mean);

class Intents {
 public:
  explicit Intents(const TableSet& tables);

  void add(WorkerId worker, Intent intent);

  // A worker is at `clock`. Gives the intents that count from now on and those that are over; a
  // key is wanted() as long as more of them have begun than ended.
  struct Change {
    std::vector<Intent> begun;
    std::vector<Intent> over;
  };
  Change advance(WorkerId worker, Clock clock, Instant now);

  // For ever, or no more.
  void stand(TableId table, Key key, bool wanted);

  bool wanted(TableId table, Key key) const { return counts_[table.value][key.value] != 0; }

  // How many clocks ahead intents of this worker are acted on now.
  int32_t ahead(WorkerId worker) const;
  // How long it took from a question to the row.
  void took(Duration round_trip);

 private:
  struct Worker {
    Clock clock;
    Instant since;
    bool ticked = false;
    double ns_per_tick = 0;
    std::map<int32_t, std::vector<Intent>> future;  // by first clock
    std::map<int32_t, std::vector<Intent>> active;  // by last clock
  };

  void begin(Worker& worker, Intent intent, Change& change);

  Place place_;
  std::vector<Worker> workers_;
  std::vector<Arena<uint32_t>> counts_;  // by table and key
  double round_trip_ns_ = 0;
};

}  // namespace hemiola
