// How many protocol events a second does the simulator handle?
//
// Nodes ask each other through the whole path: fiber, call, loop, network, machine, and back.
// The reference is a bare event loop on a std::priority_queue that keeps as many events in the
// air and does nothing with them.
#include <algorithm>
#include <memory>
#include <queue>
#include <vector>

#include "bench/report.h"
#include "hemiola/core/wire.h"
#include "hemiola/sim/world.h"

namespace hemiola {
namespace {

constexpr uint32_t kNodes = 16;
constexpr uint32_t kWindow = 8;  // calls of a worker in the air
constexpr int kRounds = 3000;
constexpr uint64_t kBareEvents = 4'000'000;

struct Ask : Call {
  Ask() : Call(MachineId::table) {}
  NodeId to;
};

// Answers what it is asked; a question carries the address of its call.
class Answerer : public Machine {
 public:
  void on(Event& event, Instant, Outbox& out) override {
    if (auto* posted = std::get_if<CallPosted>(&event)) {
      Writer writer(8);
      writer.put(asked_.size());
      asked_.push_back(static_cast<Ask*>(posted->call));
      out.send(asked_.back()->to, Kind::pull, std::move(writer).take());
    } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
      Envelope& envelope = arrived->envelope;
      if (envelope.kind == Kind::pull) {
        out.send(envelope.from, Kind::rows, std::move(envelope.body));
      } else {
        out.complete(*asked_[Reader(envelope.body).get<size_t>()]);
      }
    }
  }

 private:
  std::vector<Ask*> asked_;
};

void ask_all(WorkerPort& port) {
  std::vector<std::unique_ptr<Ask>> window(kWindow);
  for (auto& call : window) call = std::make_unique<Ask>();
  for (int round = 0; round < kRounds; ++round) {
    for (uint32_t i = 0; i < kWindow; ++i) {
      window[i]->done = 0;
      window[i]->to = NodeId{(port.worker().value + 1 + i) % kNodes};
      port.post(*window[i]);
    }
    for (auto& call : window) port.wait(*call);
  }
}

double simulated_rate() {
  sim::WorldOptions options;
  sim::World world(options);
  View view{Epoch{1}, {}};
  for (uint32_t n = 0; n < kNodes; ++n) {
    auto core = std::make_unique<NodeCore>(NodeId{n});
    core->add(MachineId::table, std::make_unique<Answerer>());
    world.add_node(std::move(core), ask_all);
    view.members.push_back({NodeId{n}, "", 1, WorkerId{n}});
  }
  world.start_without_cluster(view);
  const double start = bench::wall_seconds();
  const sim::Outcome outcome = world.run();
  return static_cast<double>(outcome.events) / (bench::wall_seconds() - start);
}

double bare_rate() {
  struct Bare {
    int64_t when;
    uint64_t order;
    bool operator<(const Bare& other) const { return when > other.when; }
  };
  std::priority_queue<Bare> queue;
  Random random(1);
  for (uint64_t i = 0; i < kNodes * kWindow; ++i) queue.push({static_cast<int64_t>(i), i});
  const double start = bench::wall_seconds();
  for (uint64_t i = 0; i < kBareEvents; ++i) {
    Bare next = queue.top();
    queue.pop();
    next.when += static_cast<int64_t>(random.below(60'000));
    queue.push(next);
  }
  return static_cast<double>(kBareEvents) / (bench::wall_seconds() - start);
}

}  // namespace
}  // namespace hemiola

int main() {
  using namespace hemiola;
  double simulated = 0;
  for (int i = 0; i < 3; ++i) {
    simulated = std::max(simulated, simulated_rate());
  }
  const double bare = bare_rate();
  bench::result("simulated_events", simulated * 1e-6, "M/s", ">=1");
  bench::result("bare_event_loop", bare * 1e-6, "M/s");
  bench::result("simulated_to_bare", simulated / bare, "ratio");
  return 0;
}
