// What a run under averaging is told; the same on all nodes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hemiola/average/auto_codec.h"
#include "hemiola/average/delay.h"
#include "hemiola/average/gap.h"
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
  gap_ignored,     // nobody is held for being too far ahead
  model_to_all,    // groups: a group's mean is sent to all of it, over what late members have
};

struct AverageOptions {
  AverageRule rule;
  // Of graphs: "ring", "random(4)", ...; empty: what suits the rule.
  std::string topology;
  std::vector<Edge> edges;  // of topology file(PATH): what parse_edges found there
  uint64_t seed = 1;

  std::string codec = "none";            // as make_codec reads it; or "auto", for means of all:
  std::vector<CodecSpeed> codec_speeds;  // of those that may be chosen, on this node

  // outer: the rate and the momentum of the outer optimiser (Nesterov's).
  double outer_rate = 0.7;
  double outer_momentum = 0.9;

  // groups: rounds of a group between two trades with others (0: never), and until its speeds are
  // reported, from which groups of equally fast workers are made (0: groups stay as they are).
  uint32_t group_trade_every = 1;
  uint32_t group_regroup_every = 16;
  // groups: when somebody has waited so long, two are enough for a round. 0: without end. Then what
  // is computed depends on no clock.
  double group_patience_seconds = 0;

  // pushsum: a step of a worker whose mass is below 1 counts so much.
  bool steps_by_mass = true;

  // How far workers may be ahead of neighbours in the graph of `topology`; of schemes that do not
  // bound it themselves.
  GapRule gap;

  // How much a step counts that has missed changes by others.
  DelayRule delay;

  // Steps of a worker that missed rounds count for more, so that slow workers' data weigh as much
  // as others'. The factor is at most `correction_most`, since it multiplies the rate.
  bool correct_participation = false;
  double correction_most = 4;

  AverageSabotage sabotage = AverageSabotage::none;
};

}  // namespace hemiola
