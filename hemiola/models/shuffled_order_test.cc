#include "hemiola/models/shuffled_order.h"

#include <gtest/gtest.h>

#include <vector>

namespace hemiola {
namespace {

TEST(ShuffledOrder, Visits_each_example_once_in_an_order_of_its_own_for_each_epoch) {
  for (const uint64_t n : {1, 2, 3, 10, 99, 1'000, 65'537}) {
    std::vector<bool> seen(n);
    const ShuffledOrder order(n, 7, 3), again(n, 7, 3), later(n, 7, 4);
    uint64_t same = 0, in_place = 0;
    for (uint64_t i = 0; i < n; ++i) {
      const uint64_t at = order[i];
      ASSERT_LT(at, n);
      ASSERT_FALSE(seen[at]);
      seen[at] = true;
      ASSERT_EQ(again[i], at);
      same += later[i] == at;
      in_place += at == i;
    }
    if (n >= 99) {
      EXPECT_LT(same, 12);
      EXPECT_LT(in_place, 12);
    }
  }
}

TEST(ShuffledOrder, Neighbours_do_not_stay_neighbours) {
  const uint64_t n = 100'000;
  const ShuffledOrder order(n, 1, 0);
  uint64_t near = 0, rising = 0;
  for (uint64_t i = 0; i + 1 < n; ++i) {
    const uint64_t a = order[i], b = order[i + 1];
    near += (a > b ? a - b : b - a) < n / 100;
    rising += a < b;
  }
  EXPECT_NEAR(static_cast<double>(near) / n, 0.02, 0.003);
  EXPECT_NEAR(static_cast<double>(rising) / n, 0.5, 0.02);
}

}  // namespace
}  // namespace hemiola
