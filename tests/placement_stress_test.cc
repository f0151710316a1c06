// Placements over real processes, on Unix sockets: the four stress ideas of Renz-Wieland et al.,
// "Good Intentions" (their program's tests), with every placement. Fit for the thread sanitizer.
#include <gtest/gtest.h>

#include "bench/processes.h"
#include "hemiola/core/vec.h"
#include "tests/placement_storm.h"

namespace hemiola::storm {
namespace {

struct Case {
  const char* placement;
  const char* scheme;
  uint32_t nodes;
  uint32_t workers;
};

std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.placement;
  std::erase_if(name, [](char c) { return !std::isalnum(c); });
  return name + "_" + std::to_string(info.param.nodes) + "x" + std::to_string(info.param.workers);
}

TableOptions options(const Case& c, uint32_t rows, uint32_t length) {
  TableOptions table;
  table.spec = {.name = "rows", .rows = rows, .row_length = length};
  table.spec.init = {.kind = Initialiser::Kind::uniform, .a = -1, .b = 1, .seed = 9};
  table.placement = parse_placement(c.placement);
  table.staleness = parse_staleness(c.scheme);
  return table;
}

void run(const Case& c, std::vector<TableOptions> tables,
         const std::function<void(WorkerPort&, TableSet&, std::span<double>)>& work) {
  bench::Processes job;
  job.nodes = c.nodes;
  job.workers = c.workers;
  job.tables = std::move(tables);
  job.work = work;
  const auto figures = bench::try_run(job);
  ASSERT_EQ(figures.size(), c.nodes) << "a node failed: its reason stands above";
  for (const auto& node : figures) EXPECT_GT(node[0], 0) << "nothing was checked";
}

class PlacementStress : public testing::TestWithParam<Case> {};

// Ideas (b) and (c).
TEST_P(PlacementStress, Monotone_pushes_are_never_seen_to_go_back_and_can_be_taken_back) {
  const Case& c = GetParam();
  Storm storm;
  storm.seed = 11;
  storm.nodes = c.nodes;
  storm.workers_per_node = c.workers;
  storm.rows = 40;
  storm.hot = 4;
  storm.rounds = 2;
  storm.clocks = 150;
  storm.calls = 6;
  storm.early = 100;
  storm.work = microseconds(300);
  storm.sleeps = true;
  storm.table = options(c, 0, 0);
  run(c, storm.make_tables(), [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    Ledger ledger;
    work(port, tables, storm, ledger);
    if (port.worker().value % c.workers == 0) figures[0] = static_cast<double>(ledger.reads);
  });
}

// Idea (a): rows that nobody changes are right wherever they are just now.
void read_and_move(WorkerPort& port, TableSet& tables, std::span<double> figures, uint32_t rounds) {
  Client client(tables, port);
  const TableSpec& spec = tables.rows(TableId{0}).options().spec;
  Random random(mix(5, port.worker().value));
  std::vector<float> right(spec.row_length), values;
  for (uint32_t round = 0; round < rounds; ++round) {
    std::vector<Key> wanted, keys;
    for (int i = 0; i < 20; ++i) wanted.push_back(Key{uint32_t(random.below(spec.rows))});
    client.intend(TableId{0}, wanted, client.clock() + 1, client.clock() + 2);
    for (int i = 0; i < 10; ++i) {
      keys.push_back(random.chance(0.5) ? wanted[random.below(wanted.size())]
                                        : Key{uint32_t(random.below(spec.rows))});
    }
    values.assign(keys.size() * spec.row_length, 0);
    client.pull(TableId{0}, keys, values);
    for (size_t i = 0; i < keys.size(); ++i) {
      initialise_row(spec, keys[i], right);
      if (!std::equal(right.begin(), right.end(), values.begin() + i * right.size())) {
        throw Violation("row " + std::to_string(keys[i].value) + " was read wrong");
      }
    }
    client.tick();
  }
  client.barrier();
  if (port.worker().value % tables.place().workers_per_node == 0) figures[0] = rounds;
}

TEST_P(PlacementStress, Values_are_right_under_random_pulls_and_random_moves) {
  const Case& c = GetParam();
  run(c, {options(c, 2000, 50)},
      [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
        read_and_move(port, tables, figures, 1500);
      });
}

// Idea (d): up to 100 000 pushes by each worker, as many as fit into the time, each with a pull.
void hammer(WorkerPort& port, TableSet& tables, std::span<double> figures) {
  Client client(tables, port);
  const TableId row{0}, told{1};
  const Key key{0};
  const std::vector<float> one(tables.rows(row).row_length(), 1);
  std::vector<float> seen[4];
  Client::Ticket tickets[4];
  for (auto& values : seen) values.resize(one.size());
  const Instant end = port.now() + seconds(2);
  float most = 0, pushes = 0, least[4] = {};
  for (int i = 0; i < 100'000 && (i % 64 != 0 || port.now() < end); ++i) {
    const int slot = i % 4;
    if (i >= 4) {
      client.wait(tickets[slot]);
      most = std::max(most, seen[slot][0]);
      if (seen[slot][0] < least[slot]) throw Violation("a row went back, or missed an own push");
    }
    if (i % 16 == 0) client.intend(row, {&key, 1}, client.clock(), client.clock() + 2);
    client.push(row, {&key, 1}, one);
    ++pushes;
    least[slot] = std::max(most, pushes);
    tickets[slot] = client.pull_async(row, {&key, 1}, seen[slot]);
    if (i % 16 == 15) client.tick();
  }
  for (size_t i = 0; i < std::min<size_t>(4, size_t(pushes)); ++i) client.wait(tickets[i]);
  client.push(told, {&key, 1}, {&pushes, 1});
  client.barrier();
  float total = 0;
  client.pull(told, {&key, 1}, {&total, 1});
  client.pull(row, {&key, 1}, seen[0]);
  for (const float value : seen[0]) {
    if (value == total) continue;
    throw Violation("of " + std::to_string(total) + " pushes the row has " + std::to_string(value));
  }
  client.barrier();
  if (port.worker().value % tables.place().workers_per_node == 0) figures[0] = pushes;
}

TEST_P(PlacementStress, Many_workers_on_one_row_end_at_the_exact_total) {
  const Case& c = GetParam();
  TableOptions row = options(c, 3, 20), told = options({"static", c.scheme, 0, 0}, 1, 1);
  row.spec.init = told.spec.init = {};
  told.spec.name = "told";
  run(c, {row, told}, hammer);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* placement :
       {"relocate", "replicate", "replicate(3)", "nups", "nups(3)", "intent"}) {
    cases.push_back({placement, "async", 2, 2});
    cases.push_back({placement, "essp(2)", 4, 1});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, PlacementStress, testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace hemiola::storm
