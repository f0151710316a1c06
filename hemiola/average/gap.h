// How far workers may be ahead of their neighbours, and what came of it; see step_gate.h.
#pragma once

#include <cstdint>

namespace hemiola {

struct GapRule {
  uint32_t most = 0;  // steps between neighbours; 0: no bound
  uint32_t skip = 0;  // steps that one far behind passes over at a time; 0: none
};

// Steps that waited for a neighbour that was behind, and steps that were passed over.
struct GapCounts {
  uint64_t held = 0;
  uint64_t passed_over = 0;
};

}  // namespace hemiola
