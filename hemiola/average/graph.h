// Who may average with whom, as a graph of the workers 0 .. n-1, and what follows from it: ways,
// trees and weights. All are pure functions, so that every node finds the same by itself.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace hemiola {

struct Edge {
  uint32_t a = 0;
  uint32_t b = 0;

  friend auto operator<=>(const Edge&, const Edge&) = default;
};

// Invariants: all lists are sorted, without the worker itself and without doubles; `near` is
// symmetric, and is the union of `out` and its reverse.
struct Graph {
  bool directed = false;
  std::vector<std::vector<uint32_t>> near;  // with whom a worker has an edge, in either direction
  std::vector<std::vector<uint32_t>> out;   // to whom it sends; `near` where not directed

  uint32_t size() const { return static_cast<uint32_t>(near.size()); }

  friend bool operator==(const Graph&, const Graph&) = default;
};

// Edges to the worker itself are left out, doubles count once. REQUIRES: all ends are below n.
Graph graph_of_edges(uint32_t n, std::vector<Edge> edges, bool directed = false);

// Undirected: each edge once, a < b, sorted. Directed: from a to b, sorted.
std::vector<Edge> edges_of(const Graph& graph);

// From whom each worker gets something; sorted.
std::vector<std::vector<uint32_t>> in_lists(const Graph& graph);

inline constexpr uint32_t kNoWay = std::numeric_limits<uint32_t>::max();

// Edges of `near` on a shortest way from `from` to each worker; kNoWay where there is none.
std::vector<uint32_t> hops_from(const Graph& graph, uint32_t from);

// Over `near`; a graph of no or one worker is connected.
bool connected(const Graph& graph);

// The longest of all shortest ways. REQUIRES: connected.
uint32_t diameter(const Graph& graph);

// Breadth-first from worker 0, lower numbers first: the same tree everywhere, with n-1 edges.
// REQUIRES: connected.
Graph spanning_tree(const Graph& graph);

// What a worker makes of its own replica and those of near[i], in that order. own + sum(of) = 1.
struct MixRow {
  double own = 1;
  std::vector<double> of;
};

// Metropolis: 1 / (1 + the larger degree of both ends) for an edge of `near`, the rest for oneself.
// Symmetric, not negative, doubly stochastic, and own > 0.
MixRow metropolis_row(const Graph& graph, uint32_t worker);

// The same when some edges are not used this round: used[j] is whether the one to near[worker][j]
// is. Their weight returns to oneself. Stays symmetric and doubly stochastic, whatever the other
// edges do, as long as both ends agree on each edge; degrees are those of the whole graph, so
// nobody needs to know who else is active.
MixRow metropolis_row(const Graph& graph, uint32_t worker, std::span<const uint8_t> used);

// By what factor one round of Metropolis mixing shrinks the distance from the mean at least: the
// largest eigenvalue but that of the mean, in magnitude. Found by power iteration from below, to
// about three digits. 0 for one worker. REQUIRES: connected, for less than 1.
double contraction_of(const Graph& graph);

}  // namespace hemiola
