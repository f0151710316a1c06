// Bounded gaps: no worker ends more than so many steps more than a neighbour in a graph has ended,
// and one that falls behind may pass over some. The token queues and the skipping of Luo, Lin,
// Zhuo, Qian: Hop: Heterogeneity-Aware Decentralized Training (ASPLOS 2019), over any strategy.
//
// Each worker tells its neighbours how many steps it has ended in this pass; it may begin another
// one as long as it is then not more than `most` ahead of any of them. Between two workers of the
// graph that are d edges apart the gap is so at most d * most. One who rests holds nobody up.
//
// One that is half of the bound or more behind a neighbour, and not because it was held, counts as
// having ended as many steps as that neighbour, but not more than `skip` at a time, and not so many
// that others hold it: it leaves that work to others. What it has computed stays in its replica.
// Without it a worker that is always slow sets everybody's pace.
//
// Why nobody waits for ever: the worker that has ended fewest steps is never held. If it does not
// compute, the strategy has it wait for others; those whom it holds may each end one step more than
// before, now that it has ended its own, and be ready for it. That needs a strategy that
// does not change whom a worker waits for while it waits: groups stay as they are (groups.cc).
//
// What is told only grows, so a message may come twice, or be lost and said again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/gap.h"
#include "hemiola/average/graph.h"
#include "hemiola/core/machine.h"
#include "hemiola/core/place.h"

namespace hemiola {

class StepGate {
 public:
  // Between neighbours. `ignored`: sabotage, everybody may go on.
  StepGate(const Place& place, const Graph& graph, GapRule rule, bool ignored = false);

  // REQUIRES below: the worker is here.
  // Gives how many steps the worker passes over.
  uint32_t stepped(WorkerId worker, Outbox& out);
  void rested(WorkerId worker, Outbox& out);
  // All workers of the job rest: steps are counted from 0 again.
  void next_pass();
  // It may not, and will be asked for again.
  void hold(WorkerId worker) { held_[worker.value] = true; }
  bool may_go_on(WorkerId worker) const { return ignored_ || !waits_for(worker); }
  // The neighbour that is too far behind for the worker to begin another step.
  std::optional<WorkerId> waits_for(WorkerId worker) const;

  // Throws std::runtime_error for a message that cannot be.
  void on_message(const Envelope& message);
  void up_again(NodeId peer, Outbox& out);

  uint32_t steps(WorkerId worker) const { return known_[worker.value].steps; }

 private:
  struct Count {
    uint32_t pass = 0;
    uint32_t steps = 0;
    bool rests = false;  // in that pass
  };

  bool here(WorkerId worker) const { return place_.node_of(worker) == place_.self; }
  // How many steps the other has ended, seen from this pass; no limit where it rests.
  uint32_t ended_by(WorkerId other) const;
  uint32_t catch_up(WorkerId worker);
  void tell(WorkerId worker, NodeId node, Outbox& out) const;
  void tell_all(WorkerId worker, Outbox& out) const;

  const Place place_;
  const Graph graph_;
  const GapRule rule_;
  const bool ignored_;
  uint32_t pass_ = 0;
  std::vector<Count> known_;  // by worker: its own, or what it has told
  std::vector<bool> held_;    // by worker: before its last step
};

}  // namespace hemiola
