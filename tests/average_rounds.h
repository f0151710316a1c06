// Watches rounds of neighbours in a simulated job: who mixed with whom in which round, by each
// worker's own account; and does the same mixing again, plainly and in double.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "hemiola/average/neighbour_rounds.h"
#include "tests/average_world.h"

namespace hemiola::averaging {

using Vectors = std::vector<std::vector<double>>;  // by worker

class RoundsWatch {
 public:
  // Sees all that happens in the trial; outlives it.
  explicit RoundsWatch(Trial& trial);

  // Called after every event.
  std::function<void(const std::vector<const NeighbourRounds*>&)> on_event;

  // By round and worker.
  const std::map<uint32_t, std::map<uint32_t, MixRecord>>& rounds() const { return rounds_; }
  const NeighbourRounds::Participation& part(uint32_t worker) const { return parts_[worker]; }
  const Graph& graph() const { return graph_; }
  const Graph& tree() const { return tree_; }

  // The epochs that ended, as their first rounds, and the first round of the next one.
  std::vector<uint32_t> epochs() const;
  // Edges with both ends' word that they were used. Fails the test where the ends disagree.
  std::vector<Edge> used(uint32_t round) const;
  // One round of mixing as the records have it.
  Vectors mixed(const Vectors& values, uint32_t round) const;

 private:
  void look(const std::vector<const Strategy*>& strategies);

  const uint32_t workers_per_node_;
  Graph graph_, tree_;
  std::map<uint32_t, std::map<uint32_t, MixRecord>> rounds_;
  std::vector<NeighbourRounds::Participation> parts_;
};

Vectors in_double(const std::vector<std::vector<float>>& vectors);
// Mean over workers of the squared distance from the mean.
double spread_of(const Vectors& values);

}  // namespace hemiola::averaging
