#pragma once

#include "hemiola/average/graph.h"

namespace hemiola {

// A random connected graph in which each worker has `degree` neighbours: a regular graph whose
// edges are exchanged pairwise at random, many times each. Where n * degree is odd one worker has a
// neighbour fewer; where n <= degree + 1 the graph is complete. REQUIRES: n > 0, degree >= 2.
Graph random_regular(uint32_t n, uint32_t degree, uint64_t seed);

}  // namespace hemiola
