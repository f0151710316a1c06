#include "hemiola/table/clock_board.h"

#include <algorithm>

#include "hemiola/core/check.h"

namespace hemiola {

ClockBoard::ClockBoard(const Place& place)
    : place_(place), marks_(place.nodes), workers_(place.workers_per_node) {}

void ClockBoard::worker_at(WorkerId worker, Clock clock) {
  workers_[worker.value - place_.first_worker().value] = clock;
  update_own();
}

void ClockBoard::worker_at_barrier(WorkerId worker, Clock clock) {
  workers_[worker.value - place_.first_worker().value] = kClockNever;
  last_ = std::max(last_, clock);
  update_own();
}

void ClockBoard::update_own() {
  MarkBody& own = marks_[place_.self.value];
  own.clock = *std::min_element(workers_.begin(), workers_.end());
  own.last = last_;
}

void ClockBoard::mark(NodeId node, const MarkBody& mark) {
  MarkBody& known = marks_[node.value];
  if (mark.generation < known.generation) return;
  if (mark.generation == known.generation && mark.clock < known.clock) return;
  known = mark;
}

// Seen from this node's generation: who passed the next barrier already was at it, and who has
// not spoken since the last one goes on from there.
Clock ClockBoard::clock_of(const MarkBody& mark) const {
  if (mark.generation > own().generation) return kClockNever;
  if (mark.generation < own().generation) return own().start;
  return mark.clock;
}

Clock ClockBoard::slowest() const { return clock_of(marks_[slowest_node().value]); }

NodeId ClockBoard::slowest_node() const {
  uint32_t slowest = 0;
  for (uint32_t n = 1; n < marks_.size(); ++n) {
    if (clock_of(marks_[n]) < clock_of(marks_[slowest])) slowest = n;
  }
  return NodeId{slowest};
}

bool ClockBoard::pass_barrier() {
  if (slowest() != kClockNever) return false;
  MarkBody& self = marks_[place_.self.value];
  Clock start{0};
  for (const MarkBody& mark : marks_) {
    start = std::max(start, mark.generation > self.generation ? mark.start : mark.last + 1);
  }
  std::fill(workers_.begin(), workers_.end(), start);
  last_ = Clock{0};
  self.generation += 1;
  self.start = start;
  update_own();
  return true;
}

std::string ClockBoard::why() const {
  const NodeId node = slowest_node();
  return "node " + std::to_string(node.value) + " is at clock " +
         std::to_string(clock_of(marks_[node.value]).value);
}

}  // namespace hemiola
