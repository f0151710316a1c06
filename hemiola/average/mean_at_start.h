// The mean of all replicas when the view has changed, before anybody goes on; see machine.h.
//
// Of nodes that leave the replicas count too. Where replicas are not all the same anyhow, those
// that stay are all moved by as much as the mean of them lacks, so that the mean is as it was
// before. What a rule carries over beside the values is averaged with them.
#pragma once

#include <span>
#include <vector>

#include "hemiola/average/reduction.h"
#include "hemiola/average/replica.h"

namespace hemiola {

class MeanAtStart {
 public:
  // replicas: of a node of the view, or of one that leaves; they outlive this.
  explicit MeanAtStart(ReplicaSet& replicas);

  static constexpr uint32_t kLane = 2;  // of its messages part and total

  // These return true when the mean is there by that.
  bool begin(Outbox& out);
  bool on_message(const Envelope& message, Outbox& out) {
    return reduction_.on_message(message, out);
  }
  void up_again(NodeId peer, Outbox& out) { reduction_.up_again(peer, out); }

  // REQUIRES: the mean is there.
  std::span<const float> mean() const { return std::span(sum_).first(values()); }
  // Of a node that stays: its replicas are what the next view begins with.
  void give_to_replicas();

 private:
  size_t values() const { return replicas_.layout().values(); }
  bool keeps_mean() const;
  bool carries() const { return carries_over(replicas_.options().rule); }
  template <class F>
  void each_replica(F&& f);

  ReplicaSet& replicas_;
  const bool all_alike_;
  // Where the mean is to be kept: behind it that of those who stay, and their share in the weight.
  // Where something is carried over: behind it that.
  std::vector<float> sum_;
  Reduction reduction_;
};

}  // namespace hemiola
