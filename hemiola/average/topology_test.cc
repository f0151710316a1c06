#include "hemiola/average/topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

const char* const kAll[] = {"ring",      "torus", "exponential", "one-peer", "random(3)",
                            "random(4)", "star",  "tree",        "complete", "expander(3)"};

std::string complaint(auto&& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no complaint";
}

TEST(Topology, Every_name_is_read_and_written_back) {
  for (const char* text : kAll) EXPECT_EQ(parse_topology(text).text(), text);
  EXPECT_EQ(parse_topology("file(a b/c.txt)").path, "a b/c.txt");
  EXPECT_EQ(parse_topology("file(a b/c.txt)").text(), "file(a b/c.txt)");
}

TEST(Topology, A_name_that_is_wrong_is_answered_with_those_that_are_right) {
  for (const char* text : {"", "rings", "ring(3)", "torus()", "file()", "file", "star(", "(3)"}) {
    const std::string said = complaint([&] { parse_topology(text); });
    EXPECT_NE(said.find("`" + std::string(text) + "`"), said.npos) << said;
    EXPECT_NE(said.find("one-peer, random(N), complete"), said.npos) << said;
  }
  for (const char* text : {"random", "random()", "random(1)", "random(x)", "random(4", "random(-2)",
                           "random(4)x", "expander(2)", "expander(1001)", "random(4.5)"}) {
    const std::string said = complaint([&] { parse_topology(text); });
    EXPECT_NE(said.find("must be a whole number from"), said.npos) << said;
  }
}

TEST(Topology, Every_graph_is_connected_symmetric_and_the_same_each_time) {
  for (const char* text : kAll) {
    const Topology topology = parse_topology(text);
    for (const uint32_t n : {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16, 29, 64}) {
      SCOPED_TRACE(std::string(text) + " of " + std::to_string(n));
      const Graph graph = base_graph(topology, n, 3);
      ASSERT_EQ(graph.size(), n);
      EXPECT_EQ(graph.directed, topology.directed());
      EXPECT_TRUE(connected(graph));
      EXPECT_EQ(graph, base_graph(topology, n, 3));
      for (uint32_t i = 0; i < n; ++i) {
        const auto& near = graph.near[i];
        EXPECT_TRUE(std::adjacent_find(near.begin(), near.end(), std::greater_equal<>()) ==
                    near.end());
        for (const uint32_t j : near) {
          EXPECT_NE(i, j);
          EXPECT_TRUE(std::binary_search(graph.near[j].begin(), graph.near[j].end(), i));
        }
        if (!graph.directed) {
          EXPECT_EQ(graph.out[i], near);
        }
      }
    }
  }
}

TEST(Topology, Degrees_are_those_of_the_shape) {
  const auto degrees = [](const char* text, uint32_t n) {
    std::vector<size_t> all;
    for (const auto& near : graph_of(parse_topology(text), n, 0, 1).near)
      all.push_back(near.size());
    return all;
  };
  EXPECT_EQ(degrees("ring", 6), std::vector<size_t>(6, 2));
  EXPECT_EQ(degrees("torus", 12), std::vector<size_t>(12, 4));
  EXPECT_EQ(degrees("torus", 7), std::vector<size_t>(7, 2));  // prime: a ring
  EXPECT_EQ(degrees("complete", 5), std::vector<size_t>(5, 4));
  EXPECT_EQ(degrees("star", 4), (std::vector<size_t>{3, 1, 1, 1}));
  EXPECT_EQ(degrees("tree", 6), (std::vector<size_t>{2, 3, 2, 1, 1, 1}));
  EXPECT_EQ(degrees("random(5)", 20), std::vector<size_t>(20, 5));
  EXPECT_EQ(degrees("random(2)", 9), std::vector<size_t>(9, 2));
  EXPECT_EQ(degrees("expander(4)", 20), std::vector<size_t>(20, 4));
  EXPECT_EQ(degrees("random(6)", 5), std::vector<size_t>(5, 4));  // complete
}

TEST(Topology, With_an_odd_sum_of_degrees_one_worker_has_a_neighbour_fewer) {
  const Graph graph = graph_of(parse_topology("random(3)"), 11, 0, 8);
  size_t fewer = 0;
  for (const auto& near : graph.near) {
    fewer += near.size() == 2;
    EXPECT_GE(near.size(), 2u);
    EXPECT_LE(near.size(), 3u);
  }
  EXPECT_EQ(fewer, 1u);
}

TEST(Topology, Random_graphs_differ_by_seed_and_not_by_round) {
  const Topology topology = parse_topology("random(4)");
  EXPECT_EQ(graph_of(topology, 20, 0, 1), graph_of(topology, 20, 9, 1));
  EXPECT_NE(graph_of(topology, 20, 0, 1), graph_of(topology, 20, 0, 2));
}

// A random regular graph has each possible edge equally often.
TEST(Topology, No_edge_of_a_random_graph_is_preferred) {
  constexpr uint32_t n = 8;
  constexpr int kDraws = 4000;
  std::vector<int> count(n * n, 0);
  for (int seed = 0; seed < kDraws; ++seed) {
    for (const Edge& e : edges_of(graph_of(parse_topology("random(3)"), n, 0, seed))) {
      ++count[e.a * n + e.b];
    }
  }
  const double p = 3.0 / 7, sigma = std::sqrt(kDraws * p * (1 - p));
  for (uint32_t a = 0; a < n; ++a) {
    for (uint32_t b = a + 1; b < n; ++b) {
      EXPECT_NEAR(count[a * n + b], kDraws * p, 5 * sigma) << a << "-" << b;
    }
  }
}

TEST(Topology, An_expander_mixes_at_least_as_fast_as_the_random_graphs_it_is_chosen_from) {
  const double chosen = contraction_of(graph_of(parse_topology("expander(4)"), 48, 0, 5));
  double sum = 0;
  for (uint64_t seed = 100; seed < 110; ++seed) {
    sum += contraction_of(graph_of(parse_topology("random(4)"), 48, 0, seed));
  }
  EXPECT_LT(chosen, sum / 10);
  EXPECT_LT(chosen, contraction_of(graph_of(parse_topology("torus"), 48, 0, 0)));
}

TEST(Topology, Exponential_sends_to_all_powers_of_two_ahead) {
  const Graph graph = graph_of(parse_topology("exponential"), 10, 0, 0);
  EXPECT_EQ(graph.out[3], (std::vector<uint32_t>{1, 4, 5, 7}));
  EXPECT_EQ(in_lists(graph)[0], (std::vector<uint32_t>{2, 6, 8, 9}));
}

TEST(Topology, One_peer_has_the_exact_mean_after_as_many_rounds_as_powers) {
  const Topology topology = parse_topology("one-peer");
  for (const uint32_t n : {2u, 4u, 8u, 32u}) {
    std::vector<double> x(n);
    double mean = 0;
    for (uint32_t i = 0; i < n; ++i) mean += (x[i] = i * i % 13) / n;
    const uint32_t rounds = period_of(topology, n);
    EXPECT_EQ(1u << rounds, n);
    for (uint32_t round = 5 * rounds; round < 6 * rounds; ++round) {
      const Graph graph = graph_of(topology, n, round, 0);
      std::vector<double> next(n, 0);
      for (uint32_t i = 0; i < n; ++i) {
        ASSERT_EQ(graph.out[i].size(), 1u);
        next[i] += x[i] / 2;
        next[graph.out[i][0]] += x[i] / 2;
      }
      x = next;
    }
    for (const double v : x) EXPECT_NEAR(v, mean, 1e-12);
  }
  EXPECT_EQ(period_of(topology, 9), 4u);
  EXPECT_EQ(period_of(topology, 1), 1u);
  EXPECT_EQ(period_of(parse_topology("ring"), 9), 1u);
}

TEST(Topology, Edges_are_read_with_blank_lines_and_remarks) {
  const auto edges = parse_edges("# my machines\n0 1\n\n 1\t2  # the slow link\r\n2 0", "net.txt");
  EXPECT_EQ(edges, (std::vector<Edge>{{0, 1}, {1, 2}, {2, 0}}));
  EXPECT_TRUE(parse_edges("", "net.txt").empty());
}

TEST(Topology, A_bad_line_is_named_with_what_is_wrong) {
  const auto said = [](const char* text) {
    return complaint([&] { parse_edges(text, "net.txt"); });
  };
  EXPECT_EQ(said("0 1\n1 x\n"),
            "net.txt:2: `x` is not the number of a worker; a line has two, as in `0 1`");
  EXPECT_EQ(said("0 1\n\n1 2 3"),
            "net.txt:3: an edge is two numbers of workers, as in `0 1`, and here are 3 words");
  EXPECT_EQ(said("4 4"), "net.txt:1: worker 4 needs no edge to itself; take the line out");
  EXPECT_NE(said("-1 2"), "no complaint");
  EXPECT_NE(said("7"), "no complaint");
  EXPECT_NE(said("0 99999999999"), "no complaint");
}

TEST(Topology, A_file_must_fit_the_job) {
  Topology topology = parse_topology("file(net.txt)");
  topology.edges = {{0, 1}, {1, 2}, {3, 4}};
  EXPECT_EQ(complaint([&] { graph_of(topology, 4, 0, 0); }),
            "the graph of net.txt names worker 4, but this job has workers 0 to 3: take its edges "
            "out or start more workers");
  EXPECT_EQ(
      complaint([&] { graph_of(topology, 5, 0, 0); }),
      "in the graph of net.txt there is no way from worker 0 to worker 3: add an edge between "
      "their parts");
  topology.edges.push_back({0, 4});
  EXPECT_EQ(edges_of(graph_of(topology, 5, 0, 0)),
            (std::vector<Edge>{{0, 1}, {0, 4}, {1, 2}, {3, 4}}));
}

}  // namespace
}  // namespace hemiola
