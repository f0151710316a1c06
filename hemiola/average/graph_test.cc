#include "hemiola/average/graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/average/topology.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

const char* const kAll[] = {"ring",      "torus", "exponential", "one-peer", "random(3)",
                            "random(4)", "star",  "tree",        "complete", "expander(3)"};

Graph base(const char* text, uint32_t n) { return base_graph(parse_topology(text), n, 11); }

using Matrix = std::vector<std::vector<double>>;

Matrix matrix_of(const Graph& graph, const std::vector<std::vector<uint8_t>>& used) {
  const uint32_t n = graph.size();
  Matrix w(n, std::vector<double>(n, 0));
  for (uint32_t i = 0; i < n; ++i) {
    const MixRow row = metropolis_row(graph, i, used[i]);
    w[i][i] = row.own;
    for (size_t j = 0; j < row.of.size(); ++j) w[i][graph.near[i][j]] = row.of[j];
  }
  return w;
}

void expect_doubly_stochastic(const Matrix& w) {
  for (size_t i = 0; i < w.size(); ++i) {
    double row = 0, column = 0;
    EXPECT_GT(w[i][i], 0);
    for (size_t j = 0; j < w.size(); ++j) {
      row += w[i][j];
      column += w[j][i];
      EXPECT_GE(w[i][j], 0);
      EXPECT_EQ(w[i][j], w[j][i]);
    }
    EXPECT_NEAR(row, 1, 1e-12);
    EXPECT_NEAR(column, 1, 1e-12);
  }
}

TEST(Graph, Metropolis_weights_are_symmetric_and_doubly_stochastic) {
  for (const char* text : kAll) {
    for (const uint32_t n : {1, 2, 3, 4, 9, 16, 21}) {
      SCOPED_TRACE(std::string(text) + " of " + std::to_string(n));
      const Graph graph = base(text, n);
      std::vector<std::vector<uint8_t>> used;
      for (uint32_t i = 0; i < n; ++i) used.emplace_back(graph.near[i].size(), 1);
      expect_doubly_stochastic(matrix_of(graph, used));
    }
  }
}

// Which edges are used is drawn per edge, or per end: then the ends disagree.
std::vector<std::vector<uint8_t>> some_used(const Graph& graph, bool agreed, uint64_t seed) {
  std::vector<std::vector<uint8_t>> used(graph.size());
  for (uint32_t i = 0; i < graph.size(); ++i) {
    for (const uint32_t j : graph.near[i]) {
      const uint64_t draw = agreed ? mix(seed, std::min(i, j), std::max(i, j)) : mix(seed, i, j);
      used[i].push_back(draw % 2);
    }
  }
  return used;
}

TEST(Graph, Any_symmetric_part_of_the_edges_keeps_the_weights_doubly_stochastic) {
  for (const char* text : kAll) {
    const Graph graph = base(text, 17);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      expect_doubly_stochastic(matrix_of(graph, some_used(graph, true, seed)));
    }
  }
}

TEST(Graph, Ends_that_disagree_on_their_edge_lose_the_column_sums) {
  const Graph graph = base("random(4)", 17);
  double worst = 0;
  const Matrix w = matrix_of(graph, some_used(graph, false, 1));
  for (size_t j = 0; j < w.size(); ++j) {
    double column = 0;
    for (const auto& row : w) column += row[j];
    worst = std::max(worst, std::abs(column - 1));
  }
  EXPECT_GT(worst, 0.1);
}

TEST(Graph, Hops_and_the_diameter_are_those_known_of_each_shape) {
  EXPECT_EQ(hops_from(base("ring", 7), 2), (std::vector<uint32_t>{2, 1, 0, 1, 2, 3, 3}));
  EXPECT_EQ(diameter(base("ring", 9)), 4u);
  EXPECT_EQ(diameter(base("torus", 16)), 4u);
  EXPECT_EQ(diameter(base("star", 9)), 2u);
  EXPECT_EQ(diameter(base("complete", 9)), 1u);
  EXPECT_EQ(diameter(base("tree", 15)), 6u);
  EXPECT_EQ(diameter(base("ring", 1)), 0u);
}

TEST(Graph, A_graph_in_two_parts_is_not_connected) {
  const Graph parts = graph_of_edges(4, {{0, 1}, {2, 3}});
  EXPECT_FALSE(connected(parts));
  EXPECT_EQ(hops_from(parts, 3), (std::vector<uint32_t>{kNoWay, kNoWay, 1, 0}));
  EXPECT_TRUE(connected(graph_of_edges(4, {{0, 1}, {2, 3}, {1, 3}})));
}

TEST(Graph, Loops_and_double_edges_are_left_out) {
  const Graph graph = graph_of_edges(3, {{0, 1}, {1, 0}, {0, 1}, {2, 2}});
  EXPECT_EQ(edges_of(graph), (std::vector<Edge>{{0, 1}}));
  const Graph arrows = graph_of_edges(3, {{0, 1}, {1, 0}, {2, 1}}, true);
  EXPECT_EQ(edges_of(arrows), (std::vector<Edge>{{0, 1}, {1, 0}, {2, 1}}));
  EXPECT_EQ(in_lists(arrows), (std::vector<std::vector<uint32_t>>{{1}, {0, 2}, {}}));
  EXPECT_EQ(arrows.near, (std::vector<std::vector<uint32_t>>{{1}, {0, 2}, {1}}));
}

TEST(Graph, A_spanning_tree_keeps_all_at_their_distance_from_worker_0) {
  for (const char* text : kAll) {
    for (const uint32_t n : {1, 2, 3, 10, 25}) {
      const Graph graph = base(text, n);
      const Graph tree = spanning_tree(graph);
      EXPECT_EQ(edges_of(tree).size(), n - 1) << text;
      EXPECT_TRUE(connected(tree));
      EXPECT_EQ(hops_from(tree, 0), hops_from(graph, 0)) << text << " of " << n;
      EXPECT_EQ(tree, spanning_tree(graph));
      for (uint32_t i = 0; i < n; ++i) {
        EXPECT_TRUE(std::includes(graph.near[i].begin(), graph.near[i].end(), tree.near[i].begin(),
                                  tree.near[i].end()));
      }
    }
  }
}

TEST(Graph, The_contraction_is_the_one_that_the_spectrum_gives) {
  const double pi = std::acos(-1.0);
  EXPECT_NEAR(contraction_of(base("ring", 12)), (1 + 2 * std::cos(2 * pi / 12)) / 3, 1e-3);
  EXPECT_NEAR(contraction_of(base("complete", 8)), 0, 1e-9);
  EXPECT_NEAR(contraction_of(base("star", 5)), 4.0 / 5, 1e-3);
  // A torus of 4 x 4, weights 1/5: (1 + 2 + 2 cos(pi / 2)) / 5.
  EXPECT_NEAR(contraction_of(base("torus", 16)), 0.6, 1e-3);
  EXPECT_EQ(contraction_of(base("ring", 1)), 0);
}

// V(k+1) <= rho^2 V(k), and the sum stays.
TEST(Graph, Mixing_shrinks_the_distance_by_no_less_than_the_contraction) {
  for (const char* text : kAll) {
    const Graph graph = base(text, 18);
    const double rho = contraction_of(graph) * 1.001 + 1e-9;
    Random random(2);
    std::vector<double> x(18);
    for (double& v : x) v = random.normal();
    double sum = 0;
    for (const double v : x) sum += v;
    double before = std::numeric_limits<double>::infinity();
    for (int round = 0; round < 10; ++round) {
      double distance = 0;
      for (const double v : x) distance += (v - sum / 18) * (v - sum / 18);
      EXPECT_LE(distance, rho * rho * before + 1e-24) << text;
      before = distance;
      std::vector<double> next(18);
      for (uint32_t i = 0; i < 18; ++i) {
        const MixRow row = metropolis_row(graph, i);
        next[i] = row.own * x[i];
        for (size_t j = 0; j < row.of.size(); ++j) next[i] += row.of[j] * x[graph.near[i][j]];
      }
      x = next;
    }
  }
}

}  // namespace
}  // namespace hemiola
