// Who meets whom in a round: disjoint pairs and groups, found by every node alone from round and
// seed. An average over a pair or a group is doubly stochastic, so the mean of all stays.
#pragma once

#include <cstdint>
#include <vector>

#include "hemiola/average/graph.h"

namespace hemiola {

// partner[i] of each worker, i itself when it is alone; partner[partner[i]] == i.
using Pairs = std::vector<uint32_t>;

// Disjoint groups, together all workers. Each is sorted; the groups stand in the order of the first
// worker of each.
using Groups = std::vector<std::vector<uint32_t>>;

// Random pairs of n workers; one is alone where n is odd.
Pairs random_pairs(uint32_t n, uint64_t round, uint64_t seed);

// Random pairs along edges of `near`: no two workers that are left alone have an edge.
Pairs random_pairs(const Graph& graph, uint64_t round, uint64_t seed);

// Random groups of at most `size`, as few as can be, whose sizes differ by at most one. Nobody is
// alone, except where n or size is 1, or size is 2 and n odd. REQUIRES: size > 0.
Groups random_groups(uint32_t n, uint32_t size, uint64_t round, uint64_t seed);

// Workers on a grid with sides of `size`: in round t those who differ in coordinate t (mod the
// number of coordinates) alone. Where n is a power of size, a round for each coordinate gives the
// exact mean of all. Else some groups are smaller. REQUIRES: size > 1.
// Ryabinin, Gorbunov, Plokhotnyuk, Pekhimenko: Moshpit SGD (NeurIPS 2021), section 3.1.
Groups grid_groups(uint32_t n, uint32_t size, uint64_t round);

}  // namespace hemiola
