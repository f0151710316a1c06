// What a job has gone through: who came and went, how long all stood still for it, and what became
// of rows and work. Part of the agenda, so that whoever leads next knows it.
#pragma once

#include <cstdint>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/core/view.h"
#include "hemiola/core/wire.h"

namespace hemiola {

class History {
 public:
  // Of all nodes together.
  struct Counts {
    uint32_t changes = 0;  // of the view, once the job had begun
    uint32_t lost = 0;     // nodes: killed, silent, or cut off
    uint32_t left = 0;     // that handed over first
    uint32_t joined = 0;   // lost ones that came again count too
    double paused = 0;     // seconds in which nobody worked, since each view was in force
    double longest_pause = 0;
    // In hand when nobody worked any more, and so dealt out again. Those of a node that dealt, and
    // was lost, are not known.
    uint64_t blocks_again = 0;
    RowsRecovered rows;
  };
  const Counts& counts() const { return counts_; }
  // Of a node that has not worked, and has not heard of one that has.
  bool empty() const { return at_work_.empty(); }

  // The nodes of the view begin to work. What it took to get there counts only where others worked
  // before.
  void begun(const View& view, double paused, uint64_t blocks_again, const RowsRecovered& rows);

  // What another node knows: the later word counts.
  void merge(const History& other);

  void encode(Writer& out) const;
  // Check `in` after it.
  static History decode(Reader& in);

 private:
  struct Process {
    NodeId node;
    uint32_t padding = 0;
    uint64_t instance = 0;
  };

  std::vector<Process> at_work_;
  Counts counts_;
};

}  // namespace hemiola
