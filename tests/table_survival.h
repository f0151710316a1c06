// Storms of updates on tables whose nodes die and come, generation by generation, and the count of
// what must be in the rows afterwards.
//
// A row has a cell for each worker that ever lives; a worker adds 1 to its own cell, by pushes and
// in place. So every cell says how many of whose updates are in, and each must be there once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/sim/world.h"
#include "hemiola/table/machine.h"
#include "tests/visibility_oracle.h"

namespace hemiola::survival {

using oracle::Violation;

struct Story {
  uint64_t seed = 1;
  uint32_t nodes = 3;  // at first
  uint32_t newcomers = 0;
  uint32_t workers_per_node = 1;
  uint32_t rows = 12;
  uint32_t copies = 2;
  uint32_t clocks = 8;  // of each worker in each generation
  uint32_t calls = 6;   // in each clock
  uint32_t barrier_every = 0;
  // What a dead node's own workers had added so long before its death must be there.
  Duration lag = seconds(1e6);
  TableOptions table;  // its shape is filled in

  uint32_t cells() const { return (nodes + newcomers) * workers_per_node; }
  std::vector<TableOptions> make_tables() const;
};

// One who lives through generations: a node's name does not change, its rank does.
struct Citizen {
  uint32_t name = 0;
  TableSalvage salvage;  // between generations
};

// What was added to a cell of a row, and what of it may or may not be in.
struct Count {
  int64_t added = 0;
  int64_t under_way = 0;  // in calls that were posted and not handled yet
  int64_t in_doubt = 0;   // by a call that was broken off
  int64_t may_lack = 0;   // its node has died
  std::vector<Instant> when;  // of `added`, where a lag is promised
};

class Town {
 public:
  explicit Town(Story story);

  struct Ending {
    bool finished = false;  // all workers came to their end
    std::string stuck;
    uint64_t events = 0;
  };
  // Lets a generation of those who are here live. kills: names, and when they die; the generation
  // ends at `end`, finished or not, and the dead are gone. Throws Violation.
  struct Kill {
    uint32_t name = 0;
    Instant at;
    bool once_started = false;  // not before workers run
  };
  Ending live(sim::WorldOptions world, const std::vector<Kill>& kills, Instant end);
  // The death of this node would be the second of two neighbours since workers ran last, which
  // two copies do not survive.
  bool is_needed(uint32_t name) const;
  void shorten(uint32_t clocks) { story_.clocks = clocks; }
  void join(uint32_t name) { citizens_.push_back({name, {}}); }

  // One more generation, in which nobody does anything, and then: every row has one owner, and
  // holds what it should.
  void check_rows(sim::WorldOptions world);

  const std::vector<Citizen>& citizens() const { return citizens_; }
  uint64_t lost() const { return lost_; }  // rows that nobody had, all in all
  uint64_t reads() const { return reads_; }
  // Of all machines at any time, and of those that are left when all is quiet.
  const TableMachine::Remembered& most() const { return most_; }
  const TableMachine::Remembered& left() const { return left_; }
  const Story& story() const { return story_; }
  Count& count(uint32_t cell, Key key) { return counts_[size_t{cell} * story_.rows + key.value]; }
  const Count& count(uint32_t cell, Key key) const {
    return counts_[size_t{cell} * story_.rows + key.value];
  }
  float start(Key key, uint32_t cell) const {
    return start_[size_t{key.value} * story_.cells() + cell];
  }
  bool started() const { return started_; }
  void added(uint32_t cell, Key key, Instant when) {
    Count& count = this->count(cell, key);
    ++count.added;
    if (story_.lag < seconds(1e6)) count.when.push_back(when);
  }
  void has_started() { started_ = true; }
  // What a worker reads in a row: its own cell as it is, the others not more than was added.
  void check_read(uint32_t cell, Key key, const float* row);

 private:
  void work(WorkerPort& port, TableSet& tables, uint32_t cell);
  uint32_t rank_of(uint32_t name) const;
  void count_remembered(const std::vector<TableMachine*>& machines, sim::World& world,
                        TableMachine::Remembered& most) const;
  void count_out(uint32_t name, Instant died);
  void count_lost_rows(const std::vector<TableMachine*>& machines, sim::World& world);
  void settle(sim::World& world, const std::vector<TableMachine*>& machines);

  Story story_;
  uint64_t generation_ = 0;
  std::vector<Citizen> citizens_;                 // by rank
  std::vector<std::optional<NodeId>> ranks_now_;  // by rank in the last generation
  std::vector<Count> counts_;
  std::vector<float> start_;
  Instant died_;                 // when the last one who died did
  bool started_ = false;                         // workers run in this generation
  std::vector<uint32_t> ring_;                   // names in the last one in which they did
  std::vector<uint32_t> dead_;                   // who died since
  std::vector<std::unique_ptr<TableSet>> sets_;  // of the last generation, by rank
  uint64_t lost_ = 0;
  uint64_t reads_ = 0;
  TableMachine::Remembered most_;
  TableMachine::Remembered left_;
};

}  // namespace hemiola::survival
