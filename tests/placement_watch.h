// Looks at the tables of all simulated nodes from outside, after every event: a row has one owner,
// and copies are held only as long as their placement says.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/sweep.h"

namespace hemiola::storm {

class Watch {
 public:
  explicit Watch(TableId table) : table_(table) {}

  // Throws Violation when two nodes own a row. Of large tables each call looks at a part.
  void after_event(const oracle::SimulatedJob::Nodes& nodes);

  // Nothing is under way any more: each row has just one owner.
  void one_owner_each(const oracle::SimulatedJob::Nodes& nodes) const;
  // No node holds more copies than so many.
  void copies_at_most(const oracle::SimulatedJob::Nodes& nodes, uint32_t most) const;

  uint64_t moves() const { return moves_; }
  uint64_t copies() const { return copies_; }  // the most that all nodes held together

 private:
  static constexpr uint32_t kRowsAtOnce = 16;
  static constexpr uint32_t kEventsBetweenCounts = 32;

  TableId table_;
  std::vector<NodeId> owners_;  // by key: who owned it last
  uint32_t hand_ = 0;
  uint64_t events_ = 0;
  uint64_t moves_ = 0;
  uint64_t copies_ = 0;
};

}  // namespace hemiola::storm
