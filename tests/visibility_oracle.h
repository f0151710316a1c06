// The visibility oracle: workers whose updates say who made them and when, and who check on every
// read that they see just what the scheme promises.
//
// Source: the four conditions of Ho et al. 2013. Each row has a cell for each (worker, clock);
// an update of worker p at clock c adds 1 to the cell (p, c). How often p does that to which row
// is a pure function of the plan, so everybody knows the final count of every cell.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/table/client.h"

namespace hemiola::oracle {

struct Plan {
  uint64_t seed = 1;
  uint32_t nodes = 2;
  uint32_t workers_per_node = 1;
  uint32_t rows = 8;
  uint32_t phases = 2;  // separated by barriers
  uint32_t ticks = 4;   // in each phase
  uint32_t pushes = 6;  // in each clock of each worker
  uint32_t reads = 3;
  uint32_t rows_per_read = 4;
  Duration work = microseconds(200);  // between two calls, at most
  double stall_chance = 0;            // this share of the pauses takes `stall` longer
  Duration stall = milliseconds(40);
  bool sleeps = false;               // whether the work is slept or spent
  double intents = 0;                // how often workers say what they will use, right or wrong
  std::vector<TableOptions> tables;  // shapes are filled in by make_tables

  // A phase has ticks + 1 clocks of work; cells are numbered through all phases.
  uint32_t clocks_in_phase() const { return ticks + 1; }
  uint32_t clocks() const { return phases * clocks_in_phase(); }
  uint32_t workers() const { return nodes * workers_per_node; }
  uint32_t cells() const { return workers() * clocks(); }
  uint32_t cell(WorkerId worker, uint32_t clock) const { return worker.value * clocks() + clock; }

  // The keys that a worker adds to at a clock, in order; keys repeat.
  std::vector<Key> pushed(uint32_t table, WorkerId worker, uint32_t clock) const;

  std::vector<TableOptions> make_tables() const;
};

// Final counts: per table and row, a cell for each (worker, clock).
class Expected {
 public:
  explicit Expected(const Plan& plan);
  float at(uint32_t table, Key key, uint32_t cell) const {
    return counts_[(table * rows_ + key.value) * cells_ + cell];
  }

 private:
  uint32_t rows_;
  uint32_t cells_;
  std::vector<float> counts_;
};

// What is noted of all workers. In the simulator it is one for all, and `clocks` has an entry for
// each worker; over real processes `clocks` is empty and the checks that need it are left out.
struct Ledger {
  std::vector<Clock> clocks;       // by worker: the clock that it has started
  uint64_t reads = 0;              // rows checked
  uint64_t missing_and_extra = 0;  // largest |A| + |B| of the lemma that a read showed
  std::vector<uint64_t> hashes;    // by worker, if sized: of all that it read
  uint64_t staleness_sum = 0;      // of all reads counted by the clients
  uint64_t staleness_count = 0;
};

// A worker's whole run. Throws Violation at the first read that breaks the promise.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void work(WorkerPort& port, TableSet& tables, const Plan& plan, const Expected& expected,
          Ledger& ledger);

}  // namespace hemiola::oracle
