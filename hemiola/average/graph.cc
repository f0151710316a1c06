#include "hemiola/average/graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

void sort_once(std::vector<uint32_t>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

double weight(const Graph& graph, uint32_t a, uint32_t b) {
  return 1.0 / (1.0 + static_cast<double>(std::max(graph.near[a].size(), graph.near[b].size())));
}

void without_mean(std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  for (double& v : x) v -= sum / static_cast<double>(x.size());
}

double length(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

}  // namespace

Graph graph_of_edges(uint32_t n, std::vector<Edge> edges, bool directed) {
  Graph graph{directed, std::vector<std::vector<uint32_t>>(n), {}};
  if (directed) graph.out.resize(n);
  for (const Edge& e : edges) {
    HEMIOLA_CHECK(e.a < n && e.b < n);
    if (e.a == e.b) continue;
    graph.near[e.a].push_back(e.b);
    graph.near[e.b].push_back(e.a);
    if (directed) graph.out[e.a].push_back(e.b);
  }
  for (auto& list : graph.near) sort_once(list);
  for (auto& list : graph.out) sort_once(list);
  if (!directed) graph.out = graph.near;
  return graph;
}

std::vector<Edge> edges_of(const Graph& graph) {
  std::vector<Edge> edges;
  for (uint32_t a = 0; a < graph.size(); ++a) {
    for (const uint32_t b : graph.out[a]) {
      if (graph.directed || a < b) edges.push_back({a, b});
    }
  }
  return edges;
}

std::vector<std::vector<uint32_t>> in_lists(const Graph& graph) {
  std::vector<std::vector<uint32_t>> in(graph.size());
  for (uint32_t a = 0; a < graph.size(); ++a) {
    for (const uint32_t b : graph.out[a]) in[b].push_back(a);
  }
  return in;
}

std::vector<uint32_t> hops_from(const Graph& graph, uint32_t from) {
  std::vector<uint32_t> hops(graph.size(), kNoWay);
  std::vector<uint32_t> queue{from};
  hops.at(from) = 0;
  for (size_t i = 0; i < queue.size(); ++i) {
    for (const uint32_t next : graph.near[queue[i]]) {
      if (hops[next] != kNoWay) continue;
      hops[next] = hops[queue[i]] + 1;
      queue.push_back(next);
    }
  }
  return hops;
}

bool connected(const Graph& graph) {
  if (graph.size() == 0) return true;
  const auto hops = hops_from(graph, 0);
  return std::find(hops.begin(), hops.end(), kNoWay) == hops.end();
}

uint32_t diameter(const Graph& graph) {
  uint32_t longest = 0;
  for (uint32_t i = 0; i < graph.size(); ++i) {
    for (const uint32_t hops : hops_from(graph, i)) longest = std::max(longest, hops);
  }
  HEMIOLA_CHECK(longest != kNoWay);
  return longest;
}

Graph spanning_tree(const Graph& graph) {
  std::vector<Edge> edges;
  std::vector<uint8_t> seen(graph.size(), 0);
  std::vector<uint32_t> queue;
  if (graph.size() > 0) {
    queue.push_back(0);
    seen[0] = 1;
  }
  for (size_t i = 0; i < queue.size(); ++i) {
    const uint32_t at = queue[i];
    for (const uint32_t next : graph.near[at]) {
      if (seen[next]) continue;
      seen[next] = 1;
      edges.push_back({at, next});
      queue.push_back(next);
    }
  }
  HEMIOLA_CHECK(queue.size() == graph.size());
  return graph_of_edges(graph.size(), std::move(edges));
}

MixRow metropolis_row(const Graph& graph, uint32_t worker) {
  const std::vector<uint8_t> all(graph.near.at(worker).size(), 1);
  return metropolis_row(graph, worker, all);
}

MixRow metropolis_row(const Graph& graph, uint32_t worker, std::span<const uint8_t> used) {
  const auto& near = graph.near.at(worker);
  HEMIOLA_CHECK(used.size() == near.size());
  MixRow row;
  row.of.reserve(near.size());
  for (size_t j = 0; j < near.size(); ++j) {
    row.of.push_back(used[j] ? weight(graph, worker, near[j]) : 0);
    row.own -= row.of.back();
  }
  return row;
}

double contraction_of(const Graph& graph) {
  const uint32_t n = graph.size();
  if (n < 2) return 0;
  std::vector<MixRow> rows;
  for (uint32_t i = 0; i < n; ++i) rows.push_back(metropolis_row(graph, i));
  // No symmetry of a usual graph leaves such a start unchanged. Only operations that every machine
  // does alike: nodes choose graphs by the result.
  std::vector<double> x(n), mixed(n);
  Random random(n);
  for (double& v : x) v = random.uniform(-1, 1);
  without_mean(x);
  double before = length(x), factor = 0;
  for (int step = 0; step < 2000; ++step) {
    for (uint32_t i = 0; i < n; ++i) {
      mixed[i] = rows[i].own * x[i];
      const auto& near = graph.near[i];
      for (size_t j = 0; j < near.size(); ++j) mixed[i] += rows[i].of[j] * x[near[j]];
    }
    without_mean(mixed);
    const double after = length(mixed);
    if (after < 1e-14 * before) return 0;
    const double last = std::exchange(factor, after / before);
    if (std::abs(factor - last) < 1e-7) break;
    for (uint32_t i = 0; i < n; ++i) x[i] = mixed[i] / after;
    before = 1;
  }
  return factor;
}

}  // namespace hemiola
