// The machines of one node and the way of an event to the right one. Both drivers stand on it.
#pragma once

#include <array>
#include <memory>

#include "hemiola/core/machine.h"

namespace hemiola {

// Thread safety: one thread. Machines are owned here, in slots by their MachineId.
class NodeCore {
 public:
  explicit NodeCore(NodeId self) : self_(self) {}

  NodeId self() const { return self_; }
  void add(MachineId id, std::unique_ptr<Machine> machine);
  Machine* machine(MachineId id) { return machines_[static_cast<size_t>(id)].get(); }

  // Runs the event to its end: messages of the node to itself and notices among its machines
  // are delivered before this returns, so `out` holds only what concerns the outside (and the
  // notices once more, because a driver acts on JobStarted and JobOver).
  // A message of another epoch than the view's changes nothing; it is dropped and said.
  void on(Event event, Instant now, Outbox& out);

  Epoch epoch() const { return epoch_; }

 private:
  void deliver(Event& event, Instant now, Outbox& out);
  void everyone(Event& event, Instant now, Outbox& out);

  NodeId self_;
  Epoch epoch_{0};  // of the last ViewChanged; 0 until the first
  std::array<std::unique_ptr<Machine>, 4> machines_;
};

}  // namespace hemiola
