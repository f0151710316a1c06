#include "hemiola/core/stats.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

TEST(StalenessHistogram, Nothing_read_has_mean_and_maximum_zero) {
  const StalenessHistogram none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.mean(), 0);
  EXPECT_EQ(none.max(), 0u);
}

TEST(StalenessHistogram, Each_age_has_its_bucket_and_old_ones_share_the_last) {
  StalenessHistogram histogram;
  histogram.add(0);
  histogram.add(3, 5);
  histogram.add(15);
  histogram.add(16);
  histogram.add(40, 2);
  EXPECT_EQ(histogram.count(0), 1u);
  EXPECT_EQ(histogram.count(3), 5u);
  EXPECT_EQ(histogram.count(15), 1u);
  EXPECT_EQ(histogram.count(16), 3u);
  EXPECT_EQ(histogram.count(), 10u);
}

TEST(StalenessHistogram, Mean_and_maximum_are_exact_beyond_the_last_bucket) {
  StalenessHistogram histogram;
  histogram.add(10);
  histogram.add(100, 2);
  EXPECT_EQ(histogram.mean(), 70);
  EXPECT_EQ(histogram.max(), 100u);
}

TEST(StalenessHistogram, A_row_ahead_of_its_reader_is_fresh) {
  StalenessHistogram histogram;
  histogram.add(-3, 4);
  EXPECT_EQ(histogram.count(0), 4u);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(StalenessHistogram, No_reads_of_an_age_leave_no_trace) {
  StalenessHistogram histogram;
  histogram.add(9, 0);
  EXPECT_EQ(histogram, StalenessHistogram{});
}

TEST(TableStats, Waits_are_kept_by_the_node_that_caused_them) {
  TableStats stats;
  stats.blame(NodeId{2}, milliseconds(5));
  stats.blame(NodeId{0}, milliseconds(1));
  stats.blame(NodeId{2}, milliseconds(2));
  const std::vector<Duration> expected = {milliseconds(1), {}, milliseconds(7)};
  EXPECT_EQ(stats.waited_for, expected);
}

WorkerStats some_stats(uint64_t seed) {
  WorkerStats stats;
  stats.tables.resize(2);
  for (TableStats& table : stats.tables) {
    table.local_rows = seed * 10 + 1;
    table.remote_rows = seed * 10 + 2;
    table.pulled_rows = seed * 10 + 3;
    table.pushed_rows = seed * 10 + 4;
    table.bytes_out = seed << 40;
    table.staleness.add(static_cast<int32_t>(seed * 7), seed + 1);
    table.staleness.add(1);
    table.wait_rows = microseconds(static_cast<int64_t>(seed));
    table.wait_clock = milliseconds(static_cast<int64_t>(seed));
    table.blame(NodeId{static_cast<uint32_t>(seed % 3)}, milliseconds(3));
    seed += 5;
  }
  return stats;
}

void expect_same(const TableStats& a, const TableStats& b) {
  EXPECT_EQ(a.local_rows, b.local_rows);
  EXPECT_EQ(a.remote_rows, b.remote_rows);
  EXPECT_EQ(a.pulled_rows, b.pulled_rows);
  EXPECT_EQ(a.pushed_rows, b.pushed_rows);
  EXPECT_EQ(a.bytes_out, b.bytes_out);
  EXPECT_EQ(a.staleness, b.staleness);
  EXPECT_EQ(a.wait_rows, b.wait_rows);
  EXPECT_EQ(a.wait_clock, b.wait_clock);
  EXPECT_EQ(a.waited_for, b.waited_for);
}

TEST(WorkerStats, Workers_with_fewer_tables_or_nodes_add_to_those_with_more) {
  WorkerStats sum;
  sum += some_stats(1);
  sum += some_stats(2);
  ASSERT_EQ(sum.tables.size(), 2u);
  EXPECT_EQ(sum.tables[0].local_rows, 32u);
  EXPECT_EQ(sum.tables[0].staleness.max(), 14u);
  EXPECT_EQ(sum.tables[0].staleness.count(), 7u);
  EXPECT_EQ(sum.tables[0].waited_for.size(), 3u);
  EXPECT_EQ(sum.total().wait_clock, milliseconds(1 + 6 + 2 + 7));
}

TEST(StatsSum, The_sum_of_all_packed_workers_unpacks_to_their_sum) {
  const StatsSum layout(2, 3, 4);
  std::vector<double> sums(layout.length());
  WorkerStats expected;
  for (uint32_t worker = 0; worker < 4; ++worker) {
    const WorkerStats stats = some_stats(worker);
    expected += stats;
    const std::vector<double> packed = layout.pack(stats, WorkerId{worker});
    ASSERT_EQ(packed.size(), sums.size());
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += packed[i];
  }
  const WorkerStats got = layout.unpack(sums);
  ASSERT_EQ(got.tables.size(), expected.tables.size());
  for (size_t i = 0; i < 2; ++i) expect_same(got.tables[i], expected.tables[i]);
}

TEST(StatsSum, A_worker_that_touched_no_table_packs_to_zeros) {
  const StatsSum layout(3, 2, 2);
  EXPECT_EQ(layout.pack({}, WorkerId{1}), std::vector<double>(layout.length()));
}

}  // namespace
}  // namespace hemiola
