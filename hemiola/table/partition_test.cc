#include "hemiola/table/partition.h"

#include <gtest/gtest.h>

#include <vector>

namespace hemiola {
namespace {

TEST(Partition, Owner_and_index_are_remainder_and_quotient) {
  for (const uint32_t nodes : {1u, 2u, 3u, 4u, 7u, 64u, 1000u}) {
    const Partition partition(UINT32_MAX - 2, nodes);
    for (const uint32_t k : {0u, 1u, 2u, 63u, 64u, 12345u, 4000000000u, UINT32_MAX - 3}) {
      EXPECT_EQ(partition.owner(Key{k}).value, k % nodes);
      EXPECT_EQ(partition.index(Key{k}), k / nodes);
      EXPECT_EQ(partition.key(partition.owner(Key{k}), partition.index(Key{k})), Key{k});
    }
  }
}

TEST(Partition, Every_key_has_one_place_and_places_are_dense) {
  const Partition partition(103, 4);
  std::vector<std::vector<bool>> taken(4);
  for (uint32_t n = 0; n < 4; ++n) taken[n].resize(partition.owned_by(NodeId{n}));
  for (uint32_t k = 0; k < 103; ++k) {
    auto&& place = taken[partition.owner(Key{k}).value].at(partition.index(Key{k}));
    EXPECT_FALSE(place);
    place = true;
  }
}

}  // namespace
}  // namespace hemiola
