// What simulated jobs of replicas are put through, and what must hold all the same.
#pragma once

#include <vector>

#include "tests/average_world.h"

namespace hemiola::averaging {

// Two complete graphs of `size` workers, and an edge between them.
std::vector<Edge> cliques_with_a_bridge(uint32_t size);

// For Trial::meddle: some messages between workers come twice, one behind the other or later, and
// some are followed by their own first bytes alone.
std::function<void(std::vector<Outbox::Send>&, size_t)> doubling(uint64_t seed);

// Loses eight links early in the run, for 0.7 ms each, with what is on the way.
void drop_links(Trial& trial, Random& random);

// Every worker adds whole numbers in every step; the mean of all that was ever added is to be the
// mean of all replicas at the end of each pass. The largest difference, relative to what was
// added; very large where the run does not end.
double drift_of_the_mean(Trial& trial, Result* kept = nullptr);

// How far the replicas end from the mean of what they started with, and from each other's mean.
struct Consensus {
  double error = 0;
  double spread = 0;
};

// Without gradients. Expects the run to end.
Consensus consensus_of(Trial trial);

// A job of two workers on two nodes, with one number each, whose messages the test delivers itself.
// What a call gives is what the node sends then.
class TwoByHand {
 public:
  using Sends = std::vector<Outbox::Send>;

  explicit TwoByHand(const char* rule);

  float value(uint32_t n) const { return sets_[n]->of(WorkerId{n}).values()[0]; }
  const Strategy& strategy(uint32_t n) const { return machines_[n]->strategy(); }

  // The worker adds `by` and ends its step. REQUIRES: it does not wait.
  Sends step(uint32_t n, float by);
  Sends deliver(const Outbox::Send& send);
  Sends up_again(uint32_t n) { return give(n, PeerUp{NodeId{1 - n}, true}); }

 private:
  Sends give(uint32_t n, Event event);

  std::vector<std::unique_ptr<ReplicaSet>> sets_;
  std::vector<std::unique_ptr<AverageMachine>> machines_;
  StepCall calls_[2];
};

}  // namespace hemiola::averaging
