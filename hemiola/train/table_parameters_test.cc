#include "hemiola/train/table_parameters.h"

#include <gtest/gtest.h>

#include <array>

#include "hemiola/train/solo_for_test.h"

namespace hemiola {
namespace {

std::vector<TableOptions> two_rows() {
  TableOptions options;
  options.spec = {"items", 2, 3, 3, {.a = 1.5F}};
  return {options};
}

TEST(TableParameters, Rows_of_a_lone_node_can_be_indexed_directly) {
  TableSet tables(two_rows(), {NodeId{0}, 1, 1});
  SoloPort port(tables);
  Client client(tables, port);
  TableParameters params(client, port, {}, [](size_t) {});
  const auto direct = params.direct(TableId{0});
  ASSERT_TRUE(direct);
  const std::array<Key, 2> keys = {Key{1}, Key{1}};
  std::array<float*, 2> rows{};
  params.rows(TableId{0}, keys, Access::write, rows);
  EXPECT_EQ(rows[0], direct->base + direct->stride);
  EXPECT_EQ(rows[0], rows[1]);
  EXPECT_EQ(rows[0][2], 1.5F);
}

TEST(TableParameters, A_step_ticks_the_clock_and_costs_its_examples) {
  TableSet tables(two_rows(), {NodeId{0}, 1, 1});
  SoloPort port(tables);
  Client client(tables, port);
  size_t told = 0;
  TableParameters params(client, port, {.ns_per_example = 2.5}, [&](size_t n) { told += n; });
  params.step(100);
  params.step(10);
  EXPECT_EQ(told, 110u);
  EXPECT_EQ(port.now().ns, 275);
  EXPECT_EQ(client.clock(), Clock{2});
}

TEST(TableParameters, Stalls_come_as_often_as_said_and_are_counted) {
  TableSet tables(two_rows(), {NodeId{0}, 1, 1});
  SoloPort port(tables);
  Client client(tables, port);
  const StepCost cost{.stall_chance = 0.1, .stall = milliseconds(50), .seed = 3};
  TableParameters params(client, port, cost, [](size_t) {});
  for (int i = 0; i < 10'000; ++i) params.step(1);
  EXPECT_EQ(params.stalled().ns, port.now().ns);
  EXPECT_NEAR(params.stalled().seconds() / 0.05, 1000, 100);
}

}  // namespace
}  // namespace hemiola
