// The average machine of a node: takes in what its workers did, asks the strategy, and tells when
// all workers of the job rest, so that a pass over the data has an end; and takes the exact mean of
// all replicas then.
//
// The life of a step: StepCall; the worker's changes since it was last released are added to its
// values; the strategy sends and receives; it releases the worker, who goes on from the values as
// they are then.
//
// When the view changes, the replicas stay and their machine is made anew. Before anybody goes on,
// the mean of all replicas is taken: nodes that came begin with it; under rules that keep all
// replicas the same, so does everybody, for the round that was broken off may have reached some
// only. The others keep what they have, to the bit, unless somebody leaves (mean_at_start.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hemiola/average/mean_at_start.h"
#include "hemiola/average/reduction.h"
#include "hemiola/average/strategy.h"

namespace hemiola {

class AverageMachine : public Machine {
 public:
  // The replicas are shared with the workers of this node and outlive the machine.
  // again: the job has begun under another view. Throws UserError for options that do not fit.
  explicit AverageMachine(ReplicaSet& replicas, bool again = false);

  // Before it is destroyed for another view, while no worker runs: the replicas are whole models.
  void settle_replicas();

  void on(Event& event, Instant now, Outbox& out) override;

  // Before any event: the workers of this node begin with the replicas that stand in their rows(),
  // and in mean() stand values that are the same bits on all nodes, such as the mean of all
  // replicas. `fields`: gives what the strategy kept under the same settings on as many nodes;
  // nullptr: it begins anew.
  void resume(StateFields* fields);

  const Strategy& strategy() const { return *strategy_; }

 private:
  static constexpr Duration kLongWait = seconds(10);
  static constexpr uint64_t kSayTag = 0;
  static constexpr uint32_t kMeanLane = 1;

  void on_call(AverageCall& call, Instant now, Outbox& out);
  void on_message(const Envelope& message, Instant now, Outbox& out);
  void on_rested(const Envelope& message);
  void up_again(NodeId peer, Instant now, Outbox& out);
  void tell_rest(Outbox& out);
  void end_pass(Outbox& out);
  void get_ready(Outbox& out);
  void end_of_mean_at_start(Outbox& out);
  void try_mean(Outbox& out);
  void end_mean(Outbox& out);
  void say_waits(Instant now, Outbox& out);

  ReplicaSet& replicas_;
  Crew crew_;
  std::unique_ptr<Strategy> strategy_;
  Reduction mean_;
  std::optional<MeanAtStart> at_start_;  // of a job that has begun under another view
  std::vector<float> sum_;               // of the mean
  uint32_t pass_ = 0;
  std::map<uint32_t, std::set<WorkerId>> rested_;  // by pass
  bool saying_ = false;
  bool ready_ = false;
};

}  // namespace hemiola
