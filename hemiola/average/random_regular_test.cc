#include "hemiola/average/random_regular.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

TEST(RandomRegular, Any_degree_and_number_of_workers_gives_a_connected_graph) {
  for (uint32_t n = 1; n <= 40; ++n) {
    for (uint32_t degree = 2; degree <= 7; ++degree) {
      const Graph graph = random_regular(n, degree, n * degree);
      const uint32_t full = std::min(degree, n - 1);
      size_t sum = 0;
      EXPECT_TRUE(connected(graph)) << n << " workers, degree " << degree;
      for (const auto& near : graph.near) {
        EXPECT_LE(near.size(), full);
        EXPECT_GE(near.size() + 1, full);
        sum += near.size();
      }
      EXPECT_EQ(sum, n * full / 2 * 2) << n << " workers, degree " << degree;
    }
  }
}

}  // namespace
}  // namespace hemiola
