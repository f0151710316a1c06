// The exchange ("switch") chain on simple graphs with given degrees, whose stationary distribution
// is uniform: Cooper, Dyer, Greenhill: Sampling regular graphs and a peer-to-peer network
// (Combinatorics, Probability and Computing 16, 2007).
#include "hemiola/average/random_regular.h"

#include <algorithm>
#include <numeric>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

constexpr int kExchangesPerEdge = 20;

// Each with the next degree/2 on the circle; with an odd degree also with the one opposite.
std::vector<Edge> circle(uint32_t n, uint32_t degree) {
  std::vector<Edge> edges;
  for (uint32_t i = 0; i < n; ++i) {
    for (uint32_t hop = 1; hop <= degree / 2; ++hop) edges.push_back({i, (i + hop) % n});
  }
  if (degree % 2 == 1) {
    for (uint32_t i = 0; i < n / 2; ++i) edges.push_back({i, i + n / 2});
  }
  return edges;
}

class Exchanger {
 public:
  Exchanger(uint32_t n, std::vector<Edge> edges) : edges_(std::move(edges)), near_(n) {
    for (const Edge& e : edges_) link(e);
  }

  // Takes a-b and c-d away and links a-d and c-b, when that makes no double edge and no loop.
  void exchange(Random& random) {
    Edge& first = edges_[random.below(edges_.size())];
    Edge& second = edges_[random.below(edges_.size())];
    if (random.below(2)) std::swap(second.a, second.b);
    const Edge one{first.a, second.b}, two{second.a, first.b};
    if (one.a == one.b || two.a == two.b || linked(one) || linked(two)) return;
    unlink(first);
    unlink(second);
    link(first = one);
    link(second = two);
  }

  const std::vector<Edge>& edges() const { return edges_; }

 private:
  bool linked(const Edge& e) const {
    return std::find(near_[e.a].begin(), near_[e.a].end(), e.b) != near_[e.a].end();
  }
  void link(const Edge& e) {
    near_[e.a].push_back(e.b);
    near_[e.b].push_back(e.a);
  }
  void unlink(const Edge& e) {
    std::erase(near_[e.a], e.b);
    std::erase(near_[e.b], e.a);
  }

  std::vector<Edge> edges_;
  std::vector<std::vector<uint32_t>> near_;
};

}  // namespace

Graph random_regular(uint32_t n, uint32_t degree, uint64_t seed) {
  HEMIOLA_CHECK(n > 0 && degree >= 2);
  Random random(seed);
  if (n <= degree + 1) {
    std::vector<Edge> all;
    for (uint32_t i = 0; i < n * n; ++i) all.push_back({i / n, i % n});
    return graph_of_edges(n, std::move(all));
  }
  if (degree == 2) {  // nearly all such graphs fall apart: take a random circle
    std::vector<uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0u);
    shuffle(order, random);
    std::vector<Edge> edges;
    for (uint32_t i = 0; i < n; ++i) edges.push_back({order[i], order[(i + 1) % n]});
    return graph_of_edges(n, std::move(edges));
  }
  Exchanger exchanger(n, circle(n, degree));
  const size_t times = kExchangesPerEdge * exchanger.edges().size();
  while (true) {  // for degree >= 3 all but few of the graphs are connected
    for (size_t i = 0; i < times; ++i) exchanger.exchange(random);
    Graph graph = graph_of_edges(n, exchanger.edges());
    if (connected(graph)) return graph;
  }
}

}  // namespace hemiola
