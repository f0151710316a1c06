#include "hemiola/average/replica.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TableSpec spec(uint32_t rows, uint32_t length, uint32_t values, float start = 0) {
  return {.name = "t",
          .rows = rows,
          .row_length = length,
          .value_columns = values,
          .init = {.kind = Initialiser::Kind::constant, .a = start}};
}

TEST(ReplicaLayout, Values_are_packed_in_order_of_tables_and_keys) {
  const std::vector<TableSpec> tables{spec(3, 10, 4), spec(2, 5, 0)};
  const ReplicaLayout layout(tables);
  EXPECT_EQ(layout.values(), 3u * 4 + 2 * 5);
  EXPECT_FALSE(layout.plain());
  std::vector<float> replica(layout.floats());
  std::iota(replica.begin(), replica.end(), 0.0f);
  std::vector<float> packed(layout.values(), -1);
  layout.for_each_run(replica.data(), [&](const float* from, size_t at, size_t n) {
    for (size_t i = 0; i < n; ++i) packed.at(at + i) = from[i];
  });
  for (uint32_t k = 0; k < 3; ++k) {
    for (uint32_t c = 0; c < 4; ++c) {
      EXPECT_EQ(packed[k * 4 + c], replica[k * layout.stride(TableId{0}) + c]);
    }
  }
  for (uint32_t k = 0; k < 2; ++k) {
    for (uint32_t c = 0; c < 5; ++c) {
      const size_t row = layout.table_at(TableId{1}) + k * layout.stride(TableId{1});
      EXPECT_EQ(packed[12 + k * 5 + c], replica[row + c]);
    }
  }
}

TEST(ReplicaLayout, Rows_without_gaps_are_one_run) {
  const std::vector<TableSpec> tables{spec(8, 32, 0), spec(4, 16, 16)};
  ASSERT_EQ(row_stride(32), 32u);
  EXPECT_TRUE(ReplicaLayout(tables).plain());
}

TEST(Replica, What_the_worker_changed_is_added_to_what_others_changed_meanwhile) {
  const std::vector<TableSpec> tables{spec(2, 6, 3, 1.5f)};
  const ReplicaLayout layout(tables);
  Replica replica(layout, true);
  float* row = replica.rows() + layout.stride(TableId{0});
  EXPECT_EQ(replica.values()[3], 1.5f);
  row[0] += 2;
  row[4] = 99;  // optimiser state: nobody's business
  replica.values()[3] += 10;
  replica.take_in();
  EXPECT_EQ(replica.values()[3], 13.5f);
  EXPECT_EQ(row[0], 3.5f);
  replica.give_out();
  EXPECT_EQ(row[0], 13.5f);
  EXPECT_EQ(row[4], 99.0f);
  replica.take_in();
  EXPECT_EQ(replica.values()[3], 13.5f) << "nothing is added twice";
}

TEST(Replica, A_step_may_count_for_more_and_a_model_be_a_share_of_the_values) {
  const std::vector<TableSpec> tables{spec(1, 2, 0)};
  const ReplicaLayout layout(tables);
  Replica replica(layout, true);
  replica.rows()[0] += 1;
  replica.take_in(3);
  EXPECT_EQ(replica.values()[0], 3.0f);
  replica.give_out(0.5f);
  EXPECT_EQ(replica.rows()[0], 1.5f);
  replica.rows()[0] += 1;
  replica.take_in();
  EXPECT_EQ(replica.values()[0], 4.0f);
}

TEST(Replica, Values_are_the_rows_themselves_where_that_can_be) {
  const std::vector<TableSpec> plain{spec(4, 16, 0)}, gaps{spec(4, 20, 10)};
  const ReplicaLayout layout(plain), other(gaps);
  Replica same(layout, false), packed(other, false);
  EXPECT_EQ(same.values().data(), same.rows());
  EXPECT_NE(packed.values().data(), packed.rows());
  packed.rows()[0] = 7;
  packed.take_in();
  EXPECT_EQ(packed.values()[0], 7.0f);
}

TEST(Replica, One_bit_anywhere_changes_the_fingerprint) {
  for (const size_t n : {1u, 2u, 7u, 100u}) {
    std::vector<float> values(n, 0.5f);
    const uint64_t print = fingerprint_of(values);
    EXPECT_EQ(fingerprint_of(std::vector<float>(n, 0.5f)), print);
    EXPECT_NE(fingerprint_of(std::vector<float>(n + 1, 0.5f)), print);
    for (float& v : values) {
      const float before = v;
      v = std::nextafter(v, 1.0f);
      EXPECT_NE(fingerprint_of(values) >> 11, print >> 11) << "as it goes through a sum of doubles";
      v = before;
    }
  }
}

TEST(ReplicaSet, A_model_without_numbers_is_refused) {
  EXPECT_THROW(ReplicaSet({}, Place{}, {}), UserError);
}

}  // namespace
}  // namespace hemiola
