#include "hemiola/core/table_spec.h"

#include <gtest/gtest.h>

#include <vector>

namespace hemiola {
namespace {

TEST(TableSpec, A_row_begins_alike_wherever_it_is_made_and_unlike_its_neighbour) {
  TableSpec spec{.name = "t", .rows = 10, .row_length = 6, .value_columns = 4};
  spec.init = {Initialiser::Kind::uniform, -2, 3, 0.5F, 7};
  std::vector<float> one(6), again(6), other(6);
  initialise_row(spec, Key{3}, one);
  initialise_row(spec, Key{3}, again);
  initialise_row(spec, Key{4}, other);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, other);
  for (int c = 0; c < 4; ++c) {
    EXPECT_GE(one[c], -2);
    EXPECT_LT(one[c], 3);
  }
  EXPECT_EQ(one[4], 0.5F) << "optimiser state";
  EXPECT_EQ(one[5], 0.5F);
}

TEST(TableSpec, Rows_are_padded_to_cache_lines_where_that_costs_little) {
  EXPECT_EQ(row_stride(256), 256U);
  EXPECT_EQ(row_stride(250), 256U);
  EXPECT_EQ(row_stride(17), 17U);
  EXPECT_EQ(row_stride(1), 1U);
}

TEST(TableSpec, Zeros_are_known_as_such_and_a_state_that_counts_is_none) {
  TableSpec spec{.name = "t", .rows = 10, .row_length = 6, .value_columns = 4};
  EXPECT_TRUE(starts_as_zeros(spec));
  spec.init.state = 1;
  EXPECT_FALSE(starts_as_zeros(spec));
  spec.value_columns = 0;
  EXPECT_TRUE(starts_as_zeros(spec)) << "there is no state";
  spec.init.kind = Initialiser::Kind::uniform;
  EXPECT_FALSE(starts_as_zeros(spec));
}

}  // namespace
}  // namespace hemiola
