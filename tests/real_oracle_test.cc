// The visibility oracle over real processes: 4 nodes with one worker each, on Unix sockets, with
// sleeps between the calls and a stall now and then. About a minute in all.
#include <gtest/gtest.h>

#include "bench/processes.h"
#include "tests/visibility_oracle.h"

namespace hemiola::oracle {
namespace {

Plan plan_for(const char* scheme, uint32_t nodes, uint32_t workers) {
  Plan plan;
  plan.seed = 5;
  plan.nodes = nodes;
  plan.workers_per_node = workers;
  plan.rows = 12;
  plan.phases = 6;
  plan.ticks = 60;
  plan.work = microseconds(1200);
  plan.sleeps = true;
  plan.stall_chance = 0.01;
  plan.stall = milliseconds(40);
  TableOptions copies;
  copies.staleness = parse_staleness(scheme);
  TableOptions few = copies;
  if (!few.staleness.strict) few.copies_max = 3;
  plan.tables = {copies, few};
  return plan;
}

void check(const Plan& plan) {
  const Expected expected(plan);
  bench::Processes job;
  job.nodes = plan.nodes;
  job.workers = plan.workers_per_node;
  job.tables = plan.make_tables();
  job.work = [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    Ledger ledger;
    work(port, tables, plan, expected, ledger);
    figures[port.worker().value % plan.workers_per_node] = static_cast<double>(ledger.reads);
  };
  const auto figures = bench::try_run(job);
  ASSERT_EQ(figures.size(), plan.nodes) << "a node failed: its reason stands above";
  for (const auto& node : figures) EXPECT_GT(node[0], 1000);
}

class RealOracle : public testing::TestWithParam<const char*> {};

TEST_P(RealOracle, Every_read_over_sockets_sees_what_the_scheme_promises) {
  check(plan_for(GetParam(), 4, 1));
}

TEST(RealOracleThreads, Workers_of_one_node_share_copies_without_losing_an_update) {
  Plan plan = plan_for("essp(2)", 2, 3);
  plan.phases = 2;
  plan.work = microseconds(100);
  check(plan);
}

INSTANTIATE_TEST_SUITE_P(Schemes, RealOracle,
                         testing::Values("bsp strict", "bsp", "ssp(3)", "essp(3)", "async"),
                         [](const auto& scheme) {
                           std::string name = scheme.param;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

}  // namespace
}  // namespace hemiola::oracle
