// A task that counts instead of learning: a row has a cell for each process that ever works on the
// job, and each adds 1 to its own cell of some rows, step by step. So every cell says how many of
// whose updates are in, and whenever all workers have met it is compared with how many there were.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hemiola/models/task.h"

namespace hemiola::swarm {

constexpr uint32_t kCountedRows = 60;
constexpr uint32_t kCountedLives = 24;  // those that come later only look on

// What was added, by whom and when.
class Ledger {
 public:
  Ledger() : cells_(size_t{kCountedRows} * kCountedLives) {}

  void added(uint32_t life, Key row, Instant now) { cell(life, row).when.push_back(now); }

  enum class Presence : uint8_t {
    here,       // all its updates must be in,
    gone,       // those that are older than some time,
    unheard_of  // or any of them, but none that was not made
  };
  // What a worker sees when all are at rest. `safe`: of one that is gone, updates from before must
  // be in, and what is seen of it must stay.
  std::string check(uint32_t life, Key row, float value, Presence presence, Instant safe);

  uint64_t checks() const { return checks_; }
  uint64_t additions() const;

 private:
  struct Cell {
    std::vector<Instant> when;
    int64_t seen = 0;  // since its process is gone
  };
  Cell& cell(uint32_t life, Key row) { return cells_[size_t{row.value} * kCountedLives + life]; }

  std::vector<Cell> cells_;
  uint64_t checks_ = 0;
};

struct CountHooks {
  uint32_t life = 0;
  std::function<Instant()> now;
  // Compares a row with the ledger.
  std::function<void(Key, const float* row)> look;
};

// REQUIRES: what it borrows outlives it. Without a ledger it may be asked for its shape only.
std::unique_ptr<Task> count_task(Ledger* ledger, CountHooks hooks);

}  // namespace hemiola::swarm
