// What a worker's blocking code needs of its driver. net/ gives each worker thread one,
// sim/ each fiber.
#pragma once

#include "hemiola/core/machine.h"
#include "hemiola/core/types.h"

namespace hemiola {

// Thread safety: used by its own worker only.
class WorkerPort {
 public:
  virtual ~WorkerPort() = default;

  virtual WorkerId worker() const = 0;

  // Hands the call to the node's loop and returns. Calls of one worker are handled in order.
  virtual void post(Call& call) = 0;

  // Blocks until the call is done. Throws JobEnded when the job is over first (the machines
  // will then never touch the call again), UserError when the call failed.
  virtual void wait(Call& call) = 0;

  // The driver's time; virtual in the simulator.
  virtual Instant now() = 0;

  // Says that computing took `cost`: passes virtual time in the simulator, nothing in net/.
  virtual void spend(Duration cost) = 0;

  // Really passes time in both worlds (a stall, a pause between tries).
  virtual void sleep(Duration time) = 0;

  void call(Call& call) {
    post(call);
    wait(call);
  }
};

}  // namespace hemiola
