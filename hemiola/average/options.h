// What a run under averaging is told; the same on all nodes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hemiola/average/graph.h"
#include "hemiola/average/rule.h"

namespace hemiola {

// Deliberate defects: the tests of invariants switch one on and must then fail.
enum class AverageSabotage : uint8_t {
  none,
  pull_only,       // gossip: only the one who asks takes the mean; the other stays as it was
  hold_and_wait,   // gossip: one who waits for an answer keeps others waiting for its own
  fastest_only,    // backup: each worker mixes with whoever of its neighbours was first
  restarted_mass,  // pushsum: the mass starts from one again after every step
  lost_shares,     // pushsum: some messages are thrown away
  answers_twice,   // gossip: an answer that comes again is added again
};

struct AverageOptions {
  AverageRule rule;
  // Of graphs: "ring", "random(4)", ...; empty: what suits the rule.
  std::string topology;
  std::vector<Edge> edges;  // of topology file(PATH): what parse_edges found there
  uint64_t seed = 1;

  std::string codec = "none";  // as make_codec reads it

  // outer: the rate and the momentum of the outer optimiser (Nesterov's).
  double outer_rate = 0.7;
  double outer_momentum = 0.9;

  // Steps of a worker that missed rounds count for more, so that slow workers' data weigh as much
  // as others'. The factor is at most `correction_most`, since it multiplies the rate.
  bool correct_participation = false;
  double correction_most = 4;

  AverageSabotage sabotage = AverageSabotage::none;
};

}  // namespace hemiola
