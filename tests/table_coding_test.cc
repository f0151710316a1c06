// Rows that travel in fewer bytes: whatever a coding leaves out of updates, behind a barrier every
// row is its start and all that was added, whoever sent it and wherever the row went; what is read
// is near it; and the bytes fall as they should.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "tests/sweep.h"

namespace hemiola::oracle {
namespace {

constexpr TableId kTable{0};

struct Setting {
  const char* scheme;
  const char* placement;
};
constexpr Setting kSettings[] = {
    {"bsp", "static"},     {"ssp(2)", "static"}, {"essp(2)", "static"},
    {"async", "static"},   {"bsp", "relocate"},  {"ssp(1)", "replicate"},
    {"essp(1)", "intent"}, {"async", "intent"},  {"async", "nups"}};
constexpr const char* kCodings[] = {"bf16", "quantise(8)", "quantise(4)", "quantise(2)"};

// Workers add whole numbers to the values of rows and to their state, which only grows.
struct Work {
  uint64_t seed = 1;
  uint32_t nodes = 3, workers_per_node = 2;
  uint32_t rows = 12, length = 8, values = 5;
  uint32_t phases = 2, clocks = 8, rows_per_clock = 4;
  double pushes = 0.2;
  TableOptions table;
  std::vector<double> truth;    // by row and column: all that was added
  std::vector<double> largest;  // by row: that any of its values ever was
  double furthest_read = 0;     // of what is read behind a barrier, in parts of the row's largest

  size_t at(Key key) const { return size_t{key.value} * length; }
};

void one_clock(Client& client, Work& job, Random& random) {
  std::vector<float> delta(job.length);
  for (uint32_t i = 0; i < job.rows_per_clock; ++i) {
    const Key key{static_cast<uint32_t>(random.below(job.rows))};
    for (uint32_t c = 0; c < job.length; ++c) {
      const auto size = static_cast<int64_t>(random.below(c % 2 == 0 ? 9 : 900));
      delta[c] = static_cast<float>(c < job.values ? size - 400 * (c % 2) : size);
      double& truth = job.truth[job.at(key) + c] += delta[c];
      double& largest = job.largest[key.value];
      if (c < job.values) largest = std::max(largest, std::abs(truth));
    }
    if (random.chance(job.pushes)) {
      client.push(kTable, {&key, 1}, delta);
      continue;
    }
    float* const row = client.row(kTable, key);
    LatchGuard guard(client.latches(kTable), row);
    for (uint32_t c = 0; c < job.length; ++c) row[c] += delta[c];
  }
}

// All workers have come to the barrier, and nobody adds before all have read.
void look(Client& client, Work& job) {
  std::vector<float> row(job.length);
  for (uint32_t k = 0; k < job.rows; ++k) {
    client.pull(kTable, {{Key{k}}}, row);
    const double* truth = &job.truth[job.at(Key{k})];
    for (uint32_t c = 0; c < job.length; ++c) {
      const double scale = c < job.values ? 1e-9 + job.largest[k] : std::max(1.0, truth[c]);
      job.furthest_read = std::max(job.furthest_read, std::abs(row[c] - truth[c]) / scale);
    }
  }
}

void work(WorkerPort& port, TableSet& tables, Work& job) {
  Client client(tables, port);
  Random random(mix(job.seed, port.worker().value));
  for (uint32_t phase = 0; phase < job.phases; ++phase) {
    for (uint32_t clock = 0; clock < job.clocks; ++clock) {
      std::vector<Key> soon;
      for (int i = 0; i < 3; ++i)
        soon.push_back(Key{static_cast<uint32_t>(random.below(job.rows))});
      client.intend(kTable, soon, client.clock() + 1, client.clock() + 3);
      port.spend(microseconds(static_cast<int64_t>(random.below(300))));
      one_clock(client, job, random);
      if (clock + 1 < job.clocks) client.tick();
    }
    client.barrier();
    look(client, job);
    client.barrier();
  }
}

// How far owned rows are from the truth at the end: exactly nothing, since all are whole numbers,
// steps are powers of two, and floats hold their sums.
struct Ending {
  SimulatedOutcome outcome;
  double off = 0;
};

Ending run(Work& job, sim::WorldOptions world) {
  job.table.spec.name = "rows";
  job.table.spec.rows = job.rows;
  job.table.spec.row_length = job.length;
  job.table.spec.value_columns = job.values;
  job.truth.assign(size_t{job.rows} * job.length, 0);
  job.largest.assign(job.rows, 0);
  Ending ending;
  uint32_t owned = 0;
  SimulatedJob simulated;
  simulated.nodes = job.nodes;
  simulated.workers_per_node = job.workers_per_node;
  simulated.tables = {job.table};
  simulated.work = [&](WorkerPort& port, TableSet& tables) { work(port, tables, job); };
  simulated.at_end = [&](const SimulatedJob::Nodes& nodes) {
    for (const TableSet* node : nodes) {
      node->rows(kTable).for_each_owned([&](Key key, const float* row) {
        ++owned;
        for (uint32_t c = 0; c < job.length; ++c) {
          ending.off = std::max(ending.off, std::abs(row[c] - job.truth[job.at(key) + c]));
        }
      });
    }
    if (owned != job.rows) throw Violation("a row has not one owner");
  };
  ending.outcome = simulate(simulated, std::move(world));
  return ending;
}

Work random_work(uint64_t seed, const Setting& setting, const char* coding) {
  Random random(mix(seed, 9));
  Work job;
  job.seed = seed;
  job.nodes = 2 + static_cast<uint32_t>(random.below(3));
  job.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  job.rows = 1 + static_cast<uint32_t>(random.below(20));
  job.length = 1 + static_cast<uint32_t>(random.below(12));
  job.values = 1 + static_cast<uint32_t>(random.below(job.length));
  job.table.staleness = parse_staleness(setting.scheme);
  job.table.placement = parse_placement(setting.placement);
  job.table.coding = parse_row_coding(coding);
  const bool fixed = !job.table.placement.adapts();
  if (fixed && random.chance(0.4)) {
    job.table.copies_max = 1 + static_cast<uint32_t>(random.below(4));
  }
  return job;
}

class TableCoding : public testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Settings, TableCoding, testing::ValuesIn(kSettings), [](const auto& at) {
  std::string name = std::string(at.param.scheme) + "_" + at.param.placement;
  std::erase_if(name, [](char c) { return !std::isalnum(c) && c != '_'; });
  return name;
});

TEST_P(TableCoding, Behind_a_barrier_rows_are_the_sum_of_all_that_was_added) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const char* coding = kCodings[seed % std::size(kCodings)];
    Work job = random_work(seed, GetParam(), coding);
    const Ending ending = run(job, random_world(seed, job.nodes));
    ASSERT_EQ(ending.outcome.violation, "") << seed;
    ASSERT_EQ(ending.off, 0) << coding << ", seed " << seed;
    // Half a step of eight bits, of what the row was when it was sent; state loses its last bits.
    ASSERT_LE(job.furthest_read, 1.0 / 64) << coding << ", seed " << seed;
  }
}

TEST_P(TableCoding, A_rest_that_is_forgotten_is_noticed) {
  int caught = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Work job = random_work(seed, GetParam(), "quantise(4)");
    job.table.sabotage = Sabotage::rest_forgotten;
    job.pushes = 0;
    job.clocks = 40;  // without a bound changes wait to be worth sending
    caught += run(job, random_world(seed, job.nodes)).off > 0;
  }
  EXPECT_GE(caught, 6);
}

// All bytes of a job with rows of 128 floats.
double bytes_of(const Setting& setting, const char* coding) {
  Work job = random_work(5, setting, coding);
  job.nodes = 3;
  job.workers_per_node = 1;
  job.rows = 60;
  job.length = job.values = 128;
  job.rows_per_clock = 20;
  job.clocks = 30;
  job.phases = 1;
  job.pushes = 0;
  job.table.copies_max = UINT32_MAX;
  sim::WorldOptions world;
  world.seed = 5;
  const Ending ending = run(job, std::move(world));
  EXPECT_EQ(ending.outcome.violation, "");
  return static_cast<double>(ending.outcome.bytes_sent);
}

TEST_P(TableCoding, Bytes_on_the_wire_fall_as_they_should) {
  const double floats = bytes_of(GetParam(), "none");
  // Rows that move go as floats, and so does all behind a barrier.
  const bool moves = std::string("relocate nups intent").find(GetParam().placement) != SIZE_MAX;
  const std::array most = {0.6, 0.38, 0.33, 0.3};
  double before = 1;
  for (size_t i = 0; i < std::size(kCodings); ++i) {
    const double share = bytes_of(GetParam(), kCodings[i]) / floats;
    EXPECT_LT(share, moves ? 0.9 : most[i]) << kCodings[i];
    EXPECT_LT(share, before) << kCodings[i];
    before = share;
  }
}

}  // namespace
}  // namespace hemiola::oracle
