// A storm on one table: workers add to rows by every call there is, say right and wrong things
// about what they will use, and check on every read what any placement must keep.
//
// Source: the four stress ideas of Renz-Wieland et al., "Good Intentions" (their program's tests):
// values are right while rows move; monotone pushes are never seen to go back; what is pushed and
// then taken back leaves the start; many workers on one row end at the exact total.
//
// A row is [first, shared, a cell for each worker]. A worker adds 1 to its own cell and to the
// shared one at a time. All numbers are integers that a float holds exactly.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/table/client.h"
#include "tests/visibility_oracle.h"

namespace hemiola::storm {

using oracle::Violation;

struct Storm {
  uint64_t seed = 1;
  uint32_t nodes = 2;
  uint32_t workers_per_node = 1;
  uint32_t rows = 8;
  uint32_t hot = 2;  // half of all keys are drawn among the first so many
  uint32_t rounds = 1;
  uint32_t clocks = 6;  // in each half of a round: one adds, one takes back
  uint32_t calls = 6;   // in each clock of each worker
  uint32_t keys_per_call = 3;
  std::string sampling;     // a rule: workers draw samples too; empty: they do not
  double intents = 0.6;     // how often a worker says what it will use
  int32_t early = 0;        // some intents are for up to so many clocks later
  double burst_chance = 0;  // how often a clock is followed by `early` empty ones
  bool for_good = false;    // some intents never end
  bool late_writes = true;  // some rows are changed later in the clock than they were asked for
  Duration work = microseconds(200);
  Duration calm = milliseconds(40);  // slept several times before the end
  bool sleeps = false;               // whether work is slept or spent
  TableOptions table;                // its shape is filled in by make_tables

  uint32_t workers() const { return nodes * workers_per_node; }
  uint32_t cells() const { return 2 + workers(); }

  Sampling make_sampling() const;
  // The table under test, and one that stays in place, which says what each worker added.
  std::vector<TableOptions> make_tables() const;
};

// What is noted of all workers. `added` is the truth that only the simulator knows: by key and
// cell, counted before a worker adds. Empty over real processes.
struct Ledger {
  std::vector<float> added;
  uint64_t reads = 0;  // rows checked
  uint64_t intents = 0;
  uint64_t kept = 0;  // rows that were here when what was intended for them began
  uint64_t due = 0;   // of so many
};

// A worker's whole run. Throws Violation at the first read that cannot be.
void work(WorkerPort& port, TableSet& tables, const Storm& storm, Ledger& ledger);

}  // namespace hemiola::storm
