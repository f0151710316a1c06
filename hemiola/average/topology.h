// Topologies by name: which graph the workers of a job form. Pure functions of the number of
// workers, the round and the seed: no message is needed to agree on them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hemiola/average/graph.h"

namespace hemiola {

// A setting as the user writes it: ring, torus, exponential, one-peer, random(4), complete, star,
// tree, expander(4), file(PATH).
struct Topology {
  enum class Kind : uint8_t {
    ring,
    torus,        // as square as n allows; a ring when n is prime
    exponential,  // directed: to i + 1, i + 2, i + 4, ...
    one_peer,     // directed: in round t only to i + 2^(t mod ceil(log2 n))
    random,       // random regular, the same in all rounds
    complete,
    star,      // worker 0 in the middle
    tree,      // binary, worker 0 at the root
    expander,  // of 16 random regular graphs the one that mixes fastest
    file,      // undirected edges from a file
  };

  Kind kind = Kind::ring;
  uint32_t degree = 0;      // neighbours of each, of random and expander
  std::string path;         // of file
  std::vector<Edge> edges;  // of file: what parse_edges found there

  std::string text() const;
  bool directed() const { return kind == Kind::exponential || kind == Kind::one_peer; }
};

// Throws UserError, naming what is valid. Of file(PATH) only the path is taken.
Topology parse_topology(std::string_view text);

// Lines of two numbers of workers each; blank lines, and what follows a #, do not count. Throws
// UserError with `name`, the line and what is wrong with it.
std::vector<Edge> parse_edges(std::string_view text, std::string_view name);

// The graph of one round, of n workers. It is connected, except that of one-peer, whose rounds are
// connected together. For random and expander: where n * degree is odd one worker has a neighbour
// fewer; where n <= degree + 1 the graph is complete.
// Throws UserError when the edges of a file do not fit n workers or leave one out.
// REQUIRES: n > 0.
Graph graph_of(const Topology& topology, uint32_t n, uint64_t round, uint64_t seed);

// After how many rounds the graphs repeat: 1, and ceil(log2 n) for one-peer.
uint32_t period_of(const Topology& topology, uint32_t n);

// The edges of all rounds together: what trees, distances and weights are taken from. Connected.
Graph base_graph(const Topology& topology, uint32_t n, uint64_t seed);

}  // namespace hemiola
