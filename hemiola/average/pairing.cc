#include "hemiola/average/pairing.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

std::vector<uint32_t> shuffled(uint32_t n, uint64_t round, uint64_t seed) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  Random random(mix(seed, round));
  shuffle(order, random);
  return order;
}

}  // namespace

Pairs random_pairs(uint32_t n, uint64_t round, uint64_t seed) {
  const auto order = shuffled(n, round, seed);
  Pairs partner(n);
  std::iota(partner.begin(), partner.end(), 0u);
  for (uint32_t i = 0; i + 1 < n; i += 2) {
    partner[order[i]] = order[i + 1];
    partner[order[i + 1]] = order[i];
  }
  return partner;
}

Pairs random_pairs(const Graph& graph, uint64_t round, uint64_t seed) {
  Pairs partner(graph.size());
  std::iota(partner.begin(), partner.end(), 0u);
  std::vector<Edge> edges;
  for (uint32_t a = 0; a < graph.size(); ++a) {
    for (const uint32_t b : graph.near[a]) {
      if (a < b) edges.push_back({a, b});
    }
  }
  Random random(mix(seed, round));
  shuffle(edges, random);
  for (const Edge& e : edges) {
    if (partner[e.a] != e.a || partner[e.b] != e.b) continue;
    partner[e.a] = e.b;
    partner[e.b] = e.a;
  }
  return partner;
}

Groups random_groups(uint32_t n, uint32_t size, uint64_t round, uint64_t seed) {
  HEMIOLA_CHECK(size > 0);
  const auto order = shuffled(n, round, seed);
  Groups groups((n + size - 1) / size);
  for (uint32_t i = 0; i < n; ++i) groups[i % groups.size()].push_back(order[i]);
  for (auto& group : groups) std::sort(group.begin(), group.end());
  std::sort(groups.begin(), groups.end());
  return groups;
}

Groups grid_groups(uint32_t n, uint32_t size, uint64_t round) {
  HEMIOLA_CHECK(size > 1);
  uint32_t coordinates = 1;
  for (uint64_t cells = size; cells < n; cells *= size) ++coordinates;
  uint64_t stride = 1;
  for (uint64_t c = round % coordinates; c > 0; --c) stride *= size;
  std::map<uint64_t, std::vector<uint32_t>> lines;
  for (uint32_t i = 0; i < n; ++i) lines[i - i / stride % size * stride].push_back(i);
  Groups groups;
  for (auto& [first, line] : lines) groups.push_back(std::move(line));
  return groups;
}

}  // namespace hemiola
