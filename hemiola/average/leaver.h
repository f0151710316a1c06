// The averages' side of a node that leaves: its replicas count in the mean that the others begin
// the next view with.
#pragma once

#include "hemiola/average/mean_at_start.h"
#include "hemiola/core/machine.h"

namespace hemiola {

class AverageLeaver : public Machine {
 public:
  // REQUIRES: replicas.place().leaves(). They outlive the machine.
  explicit AverageLeaver(ReplicaSet& replicas) : mean_(replicas) {}

  // Tells StateReady when the mean is there; others may still need what it sends until all have it.
  void on(Event& event, Instant now, Outbox& out) override;

 private:
  MeanAtStart mean_;
};

}  // namespace hemiola
