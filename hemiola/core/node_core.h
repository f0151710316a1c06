// The machines of one node and the way of an event to the right one. Both drivers stand on it.
//
// The machines of shared state (table, average) know the nodes by their ranks in the view, 0 to
// n - 1, and behind them those that leave; links and the cluster machine know them by NodeIds that
// a node keeps while others come and go. Here one is turned into the other. A view change is a new
// generation of these machines: the old ones get no events from Parting on, and `renew` puts others
// in their place.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "hemiola/core/machine.h"

namespace hemiola {

// Thread safety: one thread. Machines are owned here, in slots by their MachineId.
class NodeCore {
 public:
  explicit NodeCore(NodeId self) : self_(self) {}

  NodeId self() const { return self_; }
  void add(MachineId id, std::unique_ptr<Machine> machine);
  Machine* machine(MachineId id) { return machines_[static_cast<size_t>(id)].get(); }
  // The machine that was there is destroyed; nullptr: there is none from now on.
  void replace(MachineId id, std::unique_ptr<Machine> machine);

  // Called at each ViewChanged that this node is a member of, before anybody hears of it.
  void on_renew(std::function<void(const View&)> renew) { renew_ = std::move(renew); }

  // Runs the event to its end: messages of the node to itself and notices among its machines
  // are delivered before this returns, so `out` holds only what concerns the outside (and the
  // notices once more, because a driver acts on JobStarted and JobOver).
  // A message of an epoch that is over changes nothing; it is dropped and said. One of an epoch
  // that is still to come waits for it.
  void on(Event event, Instant now, Outbox& out);

  Epoch epoch() const { return view_.epoch; }

 private:
  static constexpr size_t kMostEarly = 100'000;

  void notice(const Notice& notice, Instant now, Outbox& out);
  void deliver(Event& event, Instant now, Outbox& out);
  void arrived(MessageArrived& arrived, Instant now, Outbox& out);
  void everyone(Event& event, Instant now, Outbox& out);
  void give(MachineId target, Event& event, Instant now, Outbox& out);

  NodeId self_;
  View view_;               // the last that was changed to; epoch 0 until the first
  bool renumbers_ = false;  // some member's rank is not its NodeId
  bool parting_ = false;
  std::function<void(const View&)> renew_;
  std::vector<Envelope> early_;  // of epochs to come
  std::array<std::unique_ptr<Machine>, 4> machines_;
};

}  // namespace hemiola
