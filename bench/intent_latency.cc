// How long from an intent until the row is local, when nothing else goes on? Two processes; one
// says that it will use rows of the other, 1 at a time and 100 at once, and looks until they are
// here, or asks for them. And what do processes cost whose workers sleep while intents are in
// force? The intent-based peer needs 1.0 ms, and 0.17 of a core for doing nothing.
#include <algorithm>

#include "bench/processes.h"
#include "bench/report.h"

namespace hemiola::bench {
namespace {

constexpr uint32_t kRows = 200'000;
constexpr uint32_t kLength = 100;
constexpr TableId kTable{0};
constexpr uint32_t kTries = 300;
constexpr double kPatience = 0.1;  // seconds until a row counts as not coming

enum class How : uint8_t {
  now,   // for the present clock; looks until it is here
  next,  // for the next clock, which begins at once; looks
  asks,  // for the present clock; asks for the rows
};

struct Question {
  const char* name;
  How how;
  uint32_t keys;
  const char* budget;
};
constexpr Question kQuestions[] = {
    {"intent_to_local_1", How::now, 1, "<=0.3"},
    {"intent_to_local_100", How::now, 100, "<=0.3"},
    {"intent_then_tick_1", How::next, 1, "<=0.3"},
    {"intent_then_rows_1", How::asks, 1, "<=0.3"},
    {"intent_then_rows_100", How::asks, 100, "<=0.3"},
};

// Milliseconds, or kPatience if they did not come.
double one(Client& client, const Question& question, const std::vector<Key>& keys) {
  const double start = wall_seconds();
  const Clock first = question.how == How::next ? client.clock() + 1 : client.clock();
  client.intend(kTable, keys, first, first + 1);
  if (question.how == How::next) client.tick();
  if (question.how == How::asks) {
    std::vector<float*> rows(keys.size());
    client.rows(kTable, keys, Access::read, rows);
  }
  for (const Key key : keys) {
    while (!client.here(kTable, key) && wall_seconds() < start + kPatience) continue;
  }
  return (wall_seconds() - start) * 1e3;
}

void ask(Client& client, WorkerPort& port, const Question& question, std::span<double> figures) {
  std::vector<double> times;
  uint32_t fresh = 0;
  double local = 0;
  const double cpu = cpu_seconds();
  for (uint32_t i = 0; i < kTries; ++i) {
    std::vector<Key> keys;  // of node 1, and never used before
    for (uint32_t k = 0; k < question.keys; ++k) keys.push_back(Key{2 * fresh++ + 1});
    times.push_back(one(client, question, keys));
    local += client.tables().rows(kTable).owns(keys[0]) ? 1 : 0;
    port.sleep(milliseconds(2));
    client.tick();
  }
  std::sort(times.begin(), times.end());
  figures[0] = times[kTries / 2];
  figures[1] = times[kTries * 95 / 100];
  figures[2] = local / kTries;
  figures[3] = (cpu_seconds() - cpu) * 1e6 / kTries;
}

Processes two_nodes() {
  Processes job;
  TableOptions table;
  table.spec = {"rows", kRows, kLength, 0, {}};
  table.staleness = parse_staleness("async");
  table.placement = parse_placement("intent");
  job.tables = {table};
  return job;
}

void measure(const Question& question) {
  Processes job = two_nodes();
  job.work = [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    Client client(tables, port);
    client.barrier();
    if (port.worker().value == 0) ask(client, port, question, figures);
    client.barrier();
  };
  const auto figures = run(job)[0];
  std::printf("%s: p50 %.3f ms, p95 %.3f ms, %.0f %% became owned, %.0f us CPU each\n",
              question.name, figures[0], figures[1], 100 * figures[2], figures[3]);
  result(std::string(question.name) + "_p50", figures[0], "ms", question.budget);
  result(std::string(question.name) + "_p95", figures[1], "ms");
}

// Both nodes hold rows of the other, some of them moved and some as copies, and sleep.
void idle() {
  Processes job = two_nodes();
  job.work = [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    Client client(tables, port);
    std::vector<Key> keys;
    for (uint32_t k = 0; k < 1000; ++k) keys.push_back(Key{k});
    for (uint32_t k = 0; k < 1000; ++k) keys.push_back(Key{2000 + 2 * k + port.worker().value});
    client.intend(kTable, keys, client.clock(), kClockNever);
    std::vector<float> ones(keys.size() * kLength, 1);
    client.push(kTable, keys, ones);
    client.barrier();
    port.sleep(milliseconds(200));
    const double cpu = cpu_seconds(), start = wall_seconds();
    port.sleep(seconds(3));
    figures[0] = (cpu_seconds() - cpu) / (wall_seconds() - start);
    client.barrier();
  };
  const auto figures = run(job);
  result("idle_share_of_a_core", std::max(figures[0][0], figures[1][0]), "cores", "<=0.01");
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola::bench;
  for (const Question& question : kQuestions) measure(question);
  idle();
}
