// A worker of the simulated job: blocking code on a fiber, and the port that it blocks in.
#pragma once

#include <functional>
#include <string>

#include "hemiola/core/random.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/sim/fiber.h"

namespace hemiola::sim {

class World;

// While a worker runs, the world's time stands still; what its own steps cost is kept as its
// lead over the world and is passed when it next blocks.
class Worker final : public WorkerPort {
 public:
  // index: among all workers of the world; life: of its node, when it was made.
  Worker(World& world, WorkerId id, NodeId node, uint32_t index, uint32_t life,
         const std::function<void(WorkerPort&)>& main);

  WorkerId worker() const override { return id_; }
  void post(Call& call) override;
  void wait(Call& call) override;
  // Costs a little virtual time, as reading a clock does, so a loop on it comes to an end.
  Instant now() override;
  void spend(Duration cost) override;
  void sleep(Duration time) override;

  NodeId node() const { return node_; }
  // Has returned, or will never begin because the job is over.
  bool ended() const { return fiber_.finished() || (over_ && !fiber_.started()); }
  // "worker 3 on node 1 waits for the table since 1.204000 s"; empty when it has ended.
  std::string state() const;

 private:
  friend class World;

  enum class State : uint8_t { ready, waiting, spending, sleeping };

  // Leaves the fiber until the world resumes it; throws JobEnded when the job is over by then.
  void block(State state);
  void throw_if_over() const;
  // Where the worker's own time stands, and its lead is given up.
  Instant settle();

  World& world_;
  WorkerId id_;
  NodeId node_;
  uint32_t index_;
  uint32_t life_;
  Random chance_;  // of its own, so its stalls do not depend on what the others do
  Fiber fiber_;

  State state_ = State::ready;
  Call* waiting_for_ = nullptr;
  Instant since_;  // when it blocked
  int64_t lead_ns_ = 0;
  int64_t last_post_ns_ = 0;  // posted calls are handed over at times that strictly increase
  int64_t frozen_ns_ = 0;     // of the node's time in the ice, so much has been made up for
  uint32_t turn_ = 0;         // a wish to resume from an earlier turn is void
  const std::string* over_ = nullptr;  // the job's reason, once it is over
};

}  // namespace hemiola::sim
