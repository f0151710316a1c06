// What does a local row cost? Read + add of 64 floats through a table on one node, against the
// same loop on a plain array, rows in cache and out of it, 1 and 2 threads. Also the index cost:
// the same on the path of a job with several nodes (rows that this node owns).
#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "bench/report.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"
#include "hemiola/table/client.h"

namespace hemiola::bench {
namespace {

constexpr uint32_t kLength = 64;
constexpr size_t kBatch = 256;
constexpr size_t kAhead = 8;

// A port for a worker that never needs the loop.
class NoPort final : public WorkerPort {
 public:
  WorkerId worker() const override { return WorkerId{0}; }
  void post(Call&) override { std::abort(); }
  void wait(Call&) override { std::abort(); }
  Instant now() override { return {}; }
  void spend(Duration) override {}
  void sleep(Duration) override {}
};

float touch(float* row, const float* delta, const VecKernels& kernels) {
  const float read = kernels.dot(row, delta, kLength);
  kernels.add(row, delta, kLength);
  return read;
}

struct Keys {
  std::vector<Key> keys;
  explicit Keys(uint32_t rows, size_t count, uint64_t seed) {
    Random random(seed);
    for (size_t i = 0; i < count; ++i) keys.push_back(Key{uint32_t(random.below(rows))});
  }
};

double plain_ns(float* base, const Keys& keys, const float* delta, bool prefetch) {
  const VecKernels& kernels = vec();
  const double start = wall_seconds();
  float sum = 0;
  for (size_t i = 0; i < keys.keys.size(); ++i) {
    if (prefetch && i + kAhead < keys.keys.size()) {
      const float* next = base + size_t{keys.keys[i + kAhead].value} * kLength;
      for (uint32_t c = 0; c < kLength; c += 16) __builtin_prefetch(next + c);
    }
    sum += touch(base + size_t{keys.keys[i].value} * kLength, delta, kernels);
  }
  use(sum);
  return (wall_seconds() - start) * 1e9 / static_cast<double>(keys.keys.size());
}

double table_ns(Client& client, const Keys& keys, const float* delta) {
  const VecKernels& kernels = vec();
  float* rows[kBatch];
  const double start = wall_seconds();
  float sum = 0;
  for (size_t from = 0; from < keys.keys.size(); from += kBatch) {
    const size_t n = std::min(kBatch, keys.keys.size() - from);
    client.rows(TableId{0}, {keys.keys.data() + from, n}, Access::write, {rows, n});
    Latches& latches = client.latches(TableId{0});
    for (size_t i = 0; i < n; ++i) {
      if (i + kAhead < n) {
        for (uint32_t c = 0; c < kLength; c += 16) __builtin_prefetch(rows[i + kAhead] + c);
      }
      LatchGuard guard(latches, rows[i]);
      sum += touch(rows[i], delta, kernels);
    }
  }
  use(sum);
  return (wall_seconds() - start) * 1e9 / static_cast<double>(keys.keys.size());
}

TableOptions options(uint32_t rows, bool exact) {
  TableOptions table;
  table.spec = {"rows", rows, kLength, 0, {Initialiser::Kind::uniform, -1, 1, 0, 1}};
  table.staleness = parse_staleness("async");
  table.exact = exact;
  return table;
}

template <class Run>
double best_of(int rounds, Run run) {
  double best = 1e300;
  for (int i = 0; i < rounds; ++i) best = std::min(best, run());
  return best;
}

void one_thread(const char* name, uint32_t rows, size_t count, const char* budget) {
  const Keys keys(rows, count, 7);
  const std::vector<float> delta(kLength, 1e-6f);
  Arena<float> plain(size_t{rows} * kLength);
  for (size_t i = 0; i < plain.size(); ++i) plain[i] = 1;
  TableSet tables({options(rows, true)}, {NodeId{0}, 1, 1});
  NoPort port;
  Client client(tables, port);
  double reference = 1e300, table = 1e300, ahead = 1e300;
  for (int round = 0; round < 5; ++round) {  // interleaved: neighbours disturb both alike
    reference = std::min(reference, plain_ns(plain.data(), keys, delta.data(), false));
    table = std::min(table, table_ns(client, keys, delta.data()));
    ahead = std::min(ahead, plain_ns(plain.data(), keys, delta.data(), true));
  }
  std::printf("%s: plain %.1f ns, plain with prefetch %.1f ns, table %.1f ns a row\n", name,
              reference, ahead, table);
  result(std::string("local_row_") + name, table / reference, "ratio", budget);
}

// Two threads over disjoint halves of the keys, latched and lock-free.
void two_threads(uint32_t rows, size_t count) {
  const std::vector<float> delta(kLength, 1e-6f);
  for (const bool exact : {false, true}) {
    TableSet tables({options(rows, exact)}, {NodeId{0}, 1, 2});
    std::vector<Keys> keys;
    for (uint32_t t = 0; t < 2; ++t) {
      keys.emplace_back(rows / 2, count, 11 + t);
      for (Key& key : keys.back().keys) key = Key{2 * key.value + t};
    }
    const auto run = [&](size_t threads) {
      std::vector<std::thread> running;
      const double start = wall_seconds();
      for (size_t t = 0; t < threads; ++t) {
        running.emplace_back([&, t] {
          NoPort port;
          Client client(tables, port);
          table_ns(client, keys[t], delta.data());
        });
      }
      for (auto& thread : running) thread.join();
      return (wall_seconds() - start) * 1e9 / static_cast<double>(count * threads);
    };
    const double one = best_of(5, [&] { return run(1); });
    const double two = best_of(5, [&] { return run(2); });
    result(std::string("local_row_two_threads_speedup_") + (exact ? "exact" : "lockfree"),
           one / two, "ratio", exact ? "-" : ">=1.6");
  }
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola::bench;
  one_thread("in_cache", 1000, 4'000'000, "<=1.3");
  one_thread("in_memory", 2'000'000, 4'000'000, "<=1.1");
  two_threads(200'000, 2'000'000);
}
