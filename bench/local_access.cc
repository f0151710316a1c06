// What does one call for one local row cost? Pulls and pushes through the client, a key at a time,
// of rows of 100 and 1000 floats, hot (one key, 1000 keys) and cold (uniform over 100 000 keys): on
// one node, and on one of two nodes for rows at home, rows that came by an intent, and copies. The
// budgets are what the intent-based peer should be beaten by: it needs 40 and 600 ns for a pull of
// 100 floats, 90 ns for a push of 100 and 765 ns for one of 1000, hot. CPU time of the thread.
#include <algorithm>
#include <cstring>

#include "bench/processes.h"
#include "bench/report.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola::bench {
namespace {

constexpr uint32_t kColdKeys = 100'000;
constexpr TableId kTable{0};

double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct OneKey {
  const char* name;
  uint32_t keys;  // among which the key is drawn
  uint32_t length;
  bool push;
  uint32_t calls;
  const char* budget;
};
constexpr OneKey kAccesses[] = {
    {"pull_100_hot_1", 1, 100, false, 1'000'000, "<=25"},
    {"pull_100_hot_1000", 1000, 100, false, 1'000'000, "<=25"},
    {"pull_100_cold", kColdKeys, 100, false, 500'000, "<=250"},
    {"push_100_hot_1", 1, 100, true, 1'000'000, "<=35"},
    {"push_100_hot_1000", 1000, 100, true, 1'000'000, "-"},
    {"push_100_cold", kColdKeys, 100, true, 500'000, "-"},
    {"push_1000_hot_1", 1, 1000, true, 300'000, "<=120"},
};
constexpr int kRounds = 5;

// Where a row is that a worker of node 0 uses; keys of one parity belong to one node of two.
enum class Where : uint8_t { one_node, home, moved, copy };
const char* name_of(Where where) {
  switch (where) {
    case Where::one_node:
      return "one_node";
    case Where::home:
      return "home";
    case Where::moved:
      return "moved";
    case Where::copy:
      return "copy";
  }
  return "";
}

Key key_at(Where where, uint32_t i) {
  if (where == Where::one_node) return Key{i};
  return Key{2 * i + (where == Where::home ? 0 : 1)};
}

std::vector<Key> draw(Where where, const OneKey& access) {
  std::vector<Key> keys;
  Random random(17);
  for (uint32_t i = 0; i < access.calls; ++i) {
    keys.push_back(key_at(where, static_cast<uint32_t>(random.below(access.keys))));
  }
  return keys;
}

// The same on an array, as reference.
double plain_ns(const OneKey& access) {
  const auto keys = draw(Where::one_node, access);
  const size_t stride = row_stride(access.length);
  Arena<float> rows(size_t{access.keys} * stride);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = 1;
  std::vector<float> one(access.length);
  double best = 1e300;
  for (int round = 0; round < kRounds; ++round) {
    const double start = thread_seconds();
    for (const Key key : keys) {
      float* row = rows.data() + key.value * stride;
      access.push ? vec().add(row, one.data(), one.size())
                  : vec().copy(one.data(), row, one.size());
      use(one[0]);
    }
    best = std::min(best, thread_seconds() - start);
    std::fill(one.begin(), one.end(), 1e-6f);
  }
  return best * 1e9 / access.calls;
}

double client_ns(Client& client, Where where, const OneKey& access) {
  const auto keys = draw(where, access);
  std::vector<float> row(access.length, 1e-6f);
  double best = 1e300;
  for (int round = 0; round < kRounds; ++round) {
    const double start = thread_seconds();
    if (access.push) {
      for (const Key& key : keys) client.push(kTable, {&key, 1}, row);
    } else {
      for (const Key& key : keys) client.pull(kTable, {&key, 1}, row);
    }
    best = std::min(best, thread_seconds() - start);
    client.tick();
  }
  return best * 1e9 / access.calls;
}

// Says for good what will be used and waits until it is here; gives the share that came.
double bring(Client& client, WorkerPort& port, Where where, uint32_t count) {
  std::vector<Key> keys;
  for (uint32_t i = 0; i < count; ++i) keys.push_back(key_at(where, i));
  client.intend(kTable, keys, client.clock(), kClockNever);
  uint32_t here = 0;
  for (int tries = 0; tries < 2000 && here < count; ++tries) {
    port.sleep(milliseconds(5));
    here = 0;
    for (const Key key : keys) here += client.here(kTable, key) ? 1 : 0;
  }
  return static_cast<double>(here) / count;
}

void work(WorkerPort& port, TableSet& tables, std::span<double> figures, Where where,
          const OneKey& access) {
  Client client(tables, port);
  const bool first = port.worker().value == 0;
  if (where == Where::copy && !first) bring(client, port, where, access.keys);
  client.barrier();
  if (first) {
    figures[1] = where == Where::one_node ? 1 : bring(client, port, where, access.keys);
    std::vector<float> row(access.length);
    for (uint32_t i = 0; i < access.keys; ++i) {  // what did not come is fetched
      const Key key = key_at(where, i);
      client.pull(kTable, {&key, 1}, row);
      figures[2] += tables.rows(kTable).owns(key) ? 1.0 / access.keys : 0;
    }
    figures[0] = client_ns(client, where, access);
  }
  client.barrier();
}

void measure(Where where, const OneKey& access, double plain) {
  Processes job;
  job.nodes = where == Where::one_node ? 1 : 2;
  TableOptions table;
  table.spec = {"rows", job.nodes * access.keys, access.length, 0, {}};
  table.spec.init = {Initialiser::Kind::constant, 1, 0, 0, 0};
  table.staleness = parse_staleness("async");
  table.placement = parse_placement("intent");
  job.tables = {table};
  job.work = [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    work(port, tables, figures, where, access);
  };
  const auto figures = run(job)[0];
  std::printf("%s of %s rows: %.1f ns, on an array %.1f ns; %.0f %% came, %.0f %% are owned\n",
              access.name, name_of(where), figures[0], plain, 100 * figures[1], 100 * figures[2]);
  result(std::string(access.name) + "_" + name_of(where), figures[0], "ns", access.budget);
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola::bench;
  for (const OneKey& access : kAccesses) {
    const double plain = plain_ns(access);
    for (const Where where : {Where::one_node, Where::home, Where::moved, Where::copy}) {
      measure(where, access, plain);
    }
  }
}
