// The clocks of all nodes as one node knows them: how far everybody is, and who is at a barrier.
//
// A node's clock is that of its slowest worker that is not at a barrier. A mark of node m with
// clock c arrives behind all of m's updates of clocks below c, so the smallest mark is also the
// clock through which the rows owned here are complete.
// Invariant: within a generation marks only grow; generations of two nodes differ by at most 1.
#pragma once

#include <string>
#include <vector>

#include "hemiola/table/messages.h"
#include "hemiola/table/options.h"

namespace hemiola {

class ClockBoard {
 public:
  explicit ClockBoard(const Place& place);

  // A worker of this node starts clock `clock`, or has come to the barrier at `clock`.
  void worker_at(WorkerId worker, Clock clock);
  void worker_at_barrier(WorkerId worker, Clock clock);

  Clock worker_clock(WorkerId worker) const {
    return workers_[worker.value - place_.first_worker().value];
  }

  // A mark of another node; an older one than the last known changes nothing.
  void mark(NodeId node, const MarkBody& mark);

  // What this node tells the others.
  const MarkBody& own() const { return marks_[place_.self.value]; }

  // Of all workers; kClockNever when all are at the barrier.
  Clock slowest() const;

  // When everybody is at the barrier: goes through it and says so. All clocks are then floor().
  bool pass_barrier();
  Clock floor() const { return own().start; }

  // A node whose clock is the smallest, and why it is waited for in words.
  NodeId slowest_node() const;
  std::string why() const;

 private:
  Clock clock_of(const MarkBody& mark) const;
  void update_own();

  Place place_;
  std::vector<MarkBody> marks_;  // by node, this one included
  std::vector<Clock> workers_;   // of this node; kClockNever: at the barrier
  Clock last_;                   // highest clock of a worker of this node at the barrier
};

}  // namespace hemiola
