#include "hemiola/average/pairing.h"

#include <gtest/gtest.h>

#include <set>

#include "hemiola/average/topology.h"

namespace hemiola {
namespace {

void expect_pairs(const Pairs& pairs) {
  for (uint32_t i = 0; i < pairs.size(); ++i) EXPECT_EQ(pairs[pairs[i]], i);
}

uint32_t alone(const Pairs& pairs) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < pairs.size(); ++i) count += pairs[i] == i;
  return count;
}

TEST(Pairing, Random_pairs_are_disjoint_and_leave_at_most_one_alone) {
  for (const uint32_t n : {1, 2, 3, 7, 8, 31, 64}) {
    for (uint64_t round = 0; round < 20; ++round) {
      const Pairs pairs = random_pairs(n, round, 5);
      ASSERT_EQ(pairs.size(), n);
      expect_pairs(pairs);
      EXPECT_EQ(alone(pairs), n % 2);
      EXPECT_EQ(pairs, random_pairs(n, round, 5));
    }
  }
}

TEST(Pairing, Rounds_and_seeds_give_other_pairs_and_in_time_everyone_meets) {
  EXPECT_NE(random_pairs(16, 0, 1), random_pairs(16, 1, 1));
  EXPECT_NE(random_pairs(16, 0, 1), random_pairs(16, 0, 2));
  std::set<std::pair<uint32_t, uint32_t>> met;
  for (uint64_t round = 0; round < 100; ++round) {
    const Pairs pairs = random_pairs(8, round, 3);
    for (uint32_t i = 0; i < 8; ++i) met.insert({i, pairs[i]});
  }
  EXPECT_EQ(met.size(), 8u * 7u);
}

TEST(Pairing, Pairs_of_a_graph_are_edges_and_no_edge_is_left_between_the_lonely) {
  for (const char* text : {"ring", "star", "torus", "random(3)", "tree", "exponential"}) {
    const Graph graph = base_graph(parse_topology(text), 15, 4);
    for (uint64_t round = 0; round < 20; ++round) {
      const Pairs pairs = random_pairs(graph, round, 9);
      expect_pairs(pairs);
      EXPECT_EQ(pairs, random_pairs(graph, round, 9));
      for (const Edge& e : edges_of(graph)) {
        EXPECT_FALSE(pairs[e.a] == e.a && pairs[e.b] == e.b) << text;
      }
      for (uint32_t i = 0; i < 15; ++i) {
        const auto& near = graph.near[i];
        EXPECT_TRUE(pairs[i] == i || std::binary_search(near.begin(), near.end(), pairs[i]));
      }
    }
  }
}

void expect_partition(const Groups& groups, uint32_t n) {
  std::set<uint32_t> all;
  size_t count = 0;
  for (const auto& group : groups) {
    EXPECT_TRUE(std::is_sorted(group.begin(), group.end()));
    all.insert(group.begin(), group.end());
    count += group.size();
  }
  EXPECT_EQ(count, n);
  EXPECT_EQ(all.size(), n);
  EXPECT_TRUE(std::is_sorted(groups.begin(), groups.end()));
}

TEST(Pairing, Groups_hold_everyone_once_and_are_of_nearly_the_same_size) {
  for (const uint32_t n : {1, 2, 3, 5, 10, 16, 33}) {
    for (const uint32_t size : {1, 2, 3, 4, 7, 40}) {
      const Groups groups = random_groups(n, size, 6, 7);
      expect_partition(groups, n);
      EXPECT_EQ(groups.size(), (n + size - 1) / size);
      size_t least = n, most = 0;
      for (const auto& group : groups) {
        least = std::min(least, group.size());
        most = std::max(most, group.size());
      }
      EXPECT_LE(most, size);
      EXPECT_LE(most - least, 1u);
      if (n > 1 && size > 2) {
        EXPECT_GE(least, 2u) << n << " in groups of " << size;
      }
      EXPECT_EQ(groups, random_groups(n, size, 6, 7));
    }
  }
  EXPECT_NE(random_groups(16, 4, 0, 1), random_groups(16, 4, 1, 1));
}

// What groups do to one number per worker.
void average(const Groups& groups, std::vector<double>& x) {
  for (const auto& group : groups) {
    double sum = 0;
    for (const uint32_t i : group) sum += x[i];
    for (const uint32_t i : group) x[i] = sum / static_cast<double>(group.size());
  }
}

TEST(Pairing, A_full_grid_has_the_exact_mean_after_a_round_for_each_coordinate) {
  for (const auto& [size, rounds] : {std::pair{4u, 3u}, {2u, 5u}, {3u, 2u}, {10u, 1u}}) {
    uint32_t n = 1;
    for (uint32_t r = 0; r < rounds; ++r) n *= size;
    std::vector<double> x(n);
    double mean = 0;
    for (uint32_t i = 0; i < n; ++i) mean += x[i] = i * i % 97;
    mean /= n;
    for (uint32_t r = 0; r < rounds; ++r) {
      EXPECT_TRUE(r == 0 || std::abs(x[0] - x[n - 1]) > 1e-3 || std::abs(x[0] - mean) > 1e-3)
          << "already equal before round " << r;
      const Groups groups = grid_groups(n, size, 100 * rounds + r);
      expect_partition(groups, n);
      average(groups, x);
    }
    for (const double v : x) EXPECT_NEAR(v, mean, 1e-9);
  }
}

TEST(Pairing, A_grid_with_holes_still_holds_everyone_once) {
  for (const uint32_t n : {1, 2, 5, 11, 63, 65}) {
    for (uint64_t round = 0; round < 4; ++round) expect_partition(grid_groups(n, 4, round), n);
  }
}

}  // namespace
}  // namespace hemiola
