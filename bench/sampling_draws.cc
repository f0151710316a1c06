// What does a draw cost? Each rule over a client, when all rows of the table are here, half of
// them, and 5 %; a plain draw of the same distribution beside it. CPU time of the worker alone:
// nothing is sent.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bench/report.h"
#include "hemiola/table/client.h"

namespace hemiola::bench {
namespace {

constexpr uint32_t kAnnounced = 1000;
constexpr uint32_t kAtOnce = 20;
constexpr uint32_t kDraws = 2'000'000;

// A port for a worker whose questions are never answered with rows.
class NoPort final : public WorkerPort {
 public:
  WorkerId worker() const override { return WorkerId{0}; }
  void post(Call& call) override { call.done.store(1, std::memory_order_release); }
  void wait(Call&) override {}
  Instant now() override { return {}; }
  void spend(Duration) override {}
  void sleep(Duration) override {}
};

SamplerSpec words(uint32_t count) {
  auto weights = std::make_shared<std::vector<float>>(count);
  for (uint32_t i = 0; i < count; ++i) {
    (*weights)[i] = std::pow(1.0F + static_cast<float>(i), -0.75F);
  }
  return {"words", TableId{0}, Key{0}, count, weights};
}

double plain_ns(const Distribution& distribution) {
  Random random(3);
  std::vector<Key> keys(kAtOnce);
  const double start = cpu_seconds();
  for (uint32_t i = 0; i < kDraws; i += kAtOnce) {
    for (Key& key : keys) key = distribution.draw(random);
    use(keys[0]);
  }
  return (cpu_seconds() - start) * 1e9 / kDraws;
}

double draw_ns(Client& client) {
  std::vector<Key> keys(kAtOnce);
  const double start = cpu_seconds();
  for (uint32_t i = 0; i < kDraws; i += kAnnounced) {
    const Clock first = client.clock() + 1'000'000;
    const auto ticket = client.prepare_sample(0, kAnnounced, first, first + 1);
    for (uint32_t j = 0; j < kAnnounced; j += kAtOnce) {
      client.sample(ticket, keys);
      use(keys[0]);
    }
  }
  return (cpu_seconds() - start) * 1e9 / kDraws;
}

// Rows are dealt out in turn, so a node of n has every n-th.
void measure(const SamplerSpec& spec, const std::string& rule, uint32_t nodes) {
  TableOptions table;
  table.spec = {"rows", spec.count, 1, 0, {}};
  table.staleness = parse_staleness("async");
  TableSet tables({table}, {NodeId{0}, nodes, 1}, {{spec}, parse_sampling(rule), 1});
  NoPort port;
  Client client(tables, port);
  draw_ns(client);
  double plain = 1e300, ns = 1e300;
  for (int round = 0; round < 5; ++round) {
    plain = std::min(plain, plain_ns(*tables.sampling().sources[0].distribution));
    ns = std::min(ns, draw_ns(client));
  }
  const char* share = nodes == 1 ? "all" : nodes == 2 ? "half" : "5%";
  const std::string word = rule.substr(0, rule.find('('));
  const std::string name = "draw_" + word + "_" + spec.name + "_" + share + "_here";
  const char* budget = nodes == 1 || (nodes == 2 && rule == "local") ? "<=20" : "-";
  result(name, ns, "ns", budget);
  if (rule == "independent" && nodes == 1) result("draw_plain_" + spec.name, plain, "ns");
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola;
  for (const SamplerSpec& spec :
       {SamplerSpec{"uniform", TableId{0}, Key{0}, 1'000'000, nullptr}, bench::words(100'000)}) {
    for (const char* rule : {"independent", "pool(16, 250)", "postponed", "local"}) {
      for (const uint32_t nodes : {1U, 2U, 20U}) bench::measure(spec, rule, nodes);
    }
  }
}
