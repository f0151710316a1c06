#include "hemiola/models/local_parameters.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hemiola {
namespace {

TableSpec spec_of(Initialiser::Kind kind, float a, float b) {
  TableSpec spec{"t", 2'000, 5, 3, {}};
  spec.init = {kind, a, b, 7, 1};
  return spec;
}

TEST(LocalParameters, Rows_begin_as_the_spec_says_and_state_columns_with_the_state) {
  const TableSpec specs[] = {spec_of(Initialiser::Kind::constant, 4, 0),
                             spec_of(Initialiser::Kind::uniform, -1, 3),
                             spec_of(Initialiser::Kind::normal, 1, 2)};
  const LocalTables tables(specs, false);
  const double mean[] = {4, 1, 1}, deviation[] = {0, 4 / std::sqrt(12.0), 2};
  for (uint32_t t = 0; t < 3; ++t) {
    double sum = 0, squares = 0;
    for (uint32_t k = 0; k < 2'000; ++k) {
      const auto row = tables.row(TableId{t}, Key{k});
      for (uint32_t c = 0; c < 3; ++c) sum += row[c], squares += double{row[c]} * row[c];
      EXPECT_EQ(row[3], 7);
      EXPECT_EQ(row[4], 7);
    }
    EXPECT_NEAR(sum / 6'000, mean[t], 0.1);
    EXPECT_NEAR(squares / 6'000 - mean[t] * mean[t], deviation[t] * deviation[t], 0.3);
  }
}

TEST(LocalParameters, Both_ways_lead_to_the_same_rows) {
  const TableSpec specs[] = {spec_of(Initialiser::Kind::constant, 4, 0)};
  LocalTables tables(specs, true);
  LocalParameters direct(tables), by_pointer(tables, true);
  const auto all = direct.direct(TableId{0});
  ASSERT_TRUE(all);
  EXPECT_FALSE(by_pointer.direct(TableId{0}));
  const Key keys[] = {Key{7}, Key{0}, Key{7}};
  float* rows[3];
  by_pointer.rows(TableId{0}, keys, Access::write, rows);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rows[i], all->base + keys[i].value * all->stride);
  EXPECT_TRUE(direct.latches(TableId{0}).needed());
  direct.step(5);
  EXPECT_EQ(direct.steps(), 1);
  EXPECT_EQ(direct.examples(), 5);
}

}  // namespace
}  // namespace hemiola
