// How old a value may be that a worker reads, and when a worker may start its next clock.
//
// Source: Ho et al., "More Effective Distributed ML via a Stale Synchronous Parallel Parameter
// Server", NIPS 2013, the four conditions; eager refresh as in Dai et al., AAAI 2015. BSP, SSP,
// ESSP and async are one rule with other numbers, so they share all code.
#pragma once

#include <limits>
#include <string>
#include <string_view>

#include "hemiola/core/types.h"

namespace hemiola {

// bound: a read at clock c sees every update of clocks <= c - bound - 1, of all workers.
// push: owners send changed rows to holders when the clock advances; else holders ask.
// strict: nobody sees an update of a clock that somebody has not finished, his own apart, and
//         updates are added in a fixed order, so that runs are equal bit by bit.
struct StalenessRule {
  static constexpr int32_t kUnbounded = std::numeric_limits<int32_t>::max();

  int32_t bound = 0;
  bool push = false;
  bool strict = false;

  bool bounded() const { return bound != kUnbounded; }

  // The clock through which a copy must be complete for a read at clock c. `floor` is the clock
  // of the last barrier: what came before it is seen by everybody, whatever the bound.
  Clock needed(Clock c, Clock floor) const {
    if (!bounded() || c.value - bound < floor.value) return floor;
    return Clock{c.value - bound};
  }

  // May a worker start clock c while the slowest is at `slowest`?
  bool may_start(Clock c, Clock slowest) const {
    return !bounded() || slowest == kClockNever || c.value - slowest.value <= bound;
  }

  std::string name() const;  // "bsp", "bsp strict", "ssp(3)", "essp(3)", "async"
};

// Reads "shared", "bsp", "bsp strict", "ssp(3)", "essp(3)", "async"; throws UserError that lists
// them. "shared" is async on one node.
StalenessRule parse_staleness(std::string_view text);

}  // namespace hemiola
