// A strategy decides who averages with whom, when, and who waits for whom. One object of it runs
// on each node, for that node's workers; between workers, also of one node, it sends messages.
//
// A worker's life in it: stepped, then go_on by the crew, stepped, ...; in the end rested. One who
// rests is part of all rounds, holds nobody up, and changes nothing: a strategy treats it as ready
// as soon as somebody else's message asks for it, so that no round begins when all rest.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/calls.h"
#include "hemiola/average/replica.h"
#include "hemiola/average/state_fields.h"
#include "hemiola/average/step_gate.h"
#include "hemiola/core/machine.h"

namespace hemiola {

// The workers of the job, as a strategy sees them.
class Crew {
 public:
  explicit Crew(ReplicaSet& replicas);

  const Place& place() const { return replicas_.place(); }
  const AverageOptions& options() const { return replicas_.options(); }
  uint32_t size() const { return place().workers(); }
  bool here(WorkerId worker) const { return replicas_.here(worker); }
  NodeId node_of(WorkerId worker) const { return place().node_of(worker); }
  // Of this node, in order.
  const std::vector<WorkerId>& local() const { return local_; }
  size_t values() const { return replicas_.layout().values(); }
  std::span<const float> common_start() const { return replicas_.common_start(); }

  // What the strategy of the view before has left beside the values, as the mean over all nodes;
  // empty: nothing. Only where carries_over() the rule.
  std::span<const float> carried() const { return replicas_.carried(); }
  void carry(std::span<const float> values) { replicas_.set_carried(values); }

  // REQUIRES below: the worker is here.
  std::span<float> values(WorkerId worker) { return replicas_.of(worker).values(); }
  // Between stepped and go_on.
  bool waits(WorkerId worker) const { return state(worker).step != nullptr; }
  bool rests(WorkerId worker) const { return state(worker).rest != nullptr; }
  Instant since(WorkerId worker) const { return state(worker).since; }

  // Others have changed the worker's values: a step that it computes meanwhile has missed that.
  void others_changed(WorkerId worker) { ++state(worker).changes; }

  // The worker may start its next step, from values() * scale; where gaps are bounded, once it is
  // not too far ahead. REQUIRES: it waits.
  void go_on(WorkerId worker, Outbox& out, float scale = 1);

 private:
  friend class AverageMachine;

  struct State {
    StepCall* step = nullptr;
    StepCall* held = nullptr;  // the strategy has let it go on, and it is too far ahead
    RestCall* rest = nullptr;
    MeanCall* mean = nullptr;
    bool told = false;     // others know that it rests
    uint32_t changes = 0;  // by others, since it was released
    Instant since;         // of the call
    Instant said;
  };
  State& state(WorkerId worker) { return states_[worker.value - local_[0].value]; }
  const State& state(WorkerId worker) const { return states_[worker.value - local_[0].value]; }

  void release(WorkerId worker, StepCall& call, float scale, Outbox& out);
  // Those who were held and may go on now.
  void release_held(Outbox& out);

  ReplicaSet& replicas_;
  std::vector<WorkerId> local_;
  std::vector<State> states_;
  std::optional<StepGate> gate_;
};

class Strategy {
 public:
  explicit Strategy(Crew& crew) : crew_(crew) {}
  virtual ~Strategy() = default;

  // The worker's progress is in its values, and it waits.
  virtual void stepped(WorkerId worker, Instant now, Outbox& out) = 0;
  // The same, and it does no more steps in this pass.
  virtual void rested(WorkerId worker, Instant now, Outbox& out) = 0;
  // All workers of the job rest; the next pass begins.
  virtual void all_rest() {}
  virtual void on_message(const Envelope& message, Instant now, Outbox& out) = 0;
  virtual void on_timer(uint64_t, Instant, Outbox&) {}
  // The link to a node was lost and works again: messages of both directions may be missing.
  virtual void up_again(NodeId, Instant, Outbox&) {}

  // Nothing that this worker began is under way. Asked of workers that rest.
  virtual bool settled(WorkerId) const { return true; }
  // Nor is anything under way that others began. Asked when all workers of the job are settled.
  virtual bool all_settled() const { return true; }
  // By what the values are to be divided to be the worker's model (push-sum's mass).
  virtual double mass(WorkerId) const { return 1; }
  // How many times the step counts that the worker has just ended. REQUIRES: values float.
  virtual float times(WorkerId) const { return 1; }
  // How often others change a worker's values during a step when all are equally fast.
  virtual double usual_delay() const { return 1; }
  // For whom the worker waits, as part of a sentence: "worker 3".
  virtual std::string waits_for(WorkerId) const = 0;

  // The last that is asked of it, while no worker runs and before the view changes: what it owes to
  // the values goes into them, and what is to go on beside them to the crew.
  virtual void settle() {}

  // Names what must survive with the values, when all rest; most strategies keep nothing else that
  // counts.
  virtual void state(StateFields&) {}

  // What compress=auto has chosen and why; empty where nothing is chosen.
  virtual std::string codec_note() const { return {}; }

  // Every decision to end a round, by its reason in words, with how often it was taken.
  const std::map<std::string, uint64_t>& reasons() const { return reasons_; }

 protected:
  void decided(const std::string& reason) { ++reasons_[reason]; }

  Crew& crew_;

 private:
  std::map<std::string, uint64_t> reasons_;
};

// Throws UserError where the codec is not there for what workers send each other under the rule.
void require_codec_fits(const AverageRule& rule, const std::string& codec);

// Throws UserError for a rule that bounds gaps itself.
void require_gap_fits(const AverageRule& rule);

// The strategy of the crew's rule. Throws UserError for options that do not fit.
std::unique_ptr<Strategy> make_strategy(Crew& crew);

}  // namespace hemiola
