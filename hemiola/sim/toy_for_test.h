// For the tests of this folder: a machine that answers what it is sent, and worlds of it.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "hemiola/core/wire.h"
#include "hemiola/sim/world.h"

namespace hemiola::sim {

struct EchoCall : Call {
  EchoCall(NodeId whom, uint64_t v) : Call(MachineId::table), to(whom), value(v) {}
  NodeId to;
  uint64_t value;
  size_t padding = 0;   // bytes that the question carries along
  uint64_t answer = 0;  // value + 1
  bool refused = false;
};

// Sends each call's value to its node, which answers with value + 1. Remembers what it saw.
class Echo : public Machine {
 public:
  void on(Event& event, Instant now, Outbox& out) override {
    if (auto* posted = std::get_if<CallPosted>(&event)) {
      auto* call = static_cast<EchoCall*>(posted->call);
      if (call->refused) return out.complete(*call, "refused");
      waiting[next] = call;
      Writer writer;
      writer.put(next++).put(call->value);
      std::memset(writer.skip(call->padding), 0, call->padding);
      out.send(call->to, Kind::pull, std::move(writer).take());
    } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
      Reader reader(arrived->envelope.body);
      const auto id = reader.get<uint64_t>();
      const auto value = reader.get<uint64_t>();
      if (arrived->envelope.kind == Kind::pull) {
        seen.emplace_back(arrived->envelope.from, value);
        arrivals.push_back(now);
        Writer writer;
        writer.put(id).put(value + 1);
        out.send(arrived->envelope.from, Kind::rows, std::move(writer).take());
      } else {
        EchoCall* call = waiting.at(id);
        waiting.erase(id);
        call->answer = value;
        out.complete(*call);
      }
    } else if (auto* up = std::get_if<PeerUp>(&event)) {
      links.push_back(up->again ? "again" : "up");
      link_times.push_back(now);
    } else if (auto* lost = std::get_if<PeerLost>(&event)) {
      links.push_back(lost->why);
      link_times.push_back(now);
    }
  }

  uint64_t next = 0;
  std::map<uint64_t, EchoCall*> waiting;
  std::vector<std::pair<NodeId, uint64_t>> seen;
  std::vector<Instant> arrivals;
  std::vector<std::string> links;
  std::vector<Instant> link_times;
};

inline View view_of(uint32_t nodes, uint32_t workers_each) {
  View view{Epoch{1}, {}};
  for (uint32_t n = 0; n < nodes; ++n) {
    view.members.push_back({NodeId{n}, "", workers_each, WorkerId{n * workers_each}});
  }
  return view;
}

// A world of echoing nodes without a cluster; `main` is every worker's code.
struct Toy {
  Toy(WorldOptions options, uint32_t nodes, uint32_t workers_each,
      std::function<void(WorkerPort&)> main)
      : world(std::move(options)) {
    for (uint32_t n = 0; n < nodes; ++n) {
      auto core = std::make_unique<NodeCore>(NodeId{n});
      auto echo = std::make_unique<Echo>();
      echoes.push_back(echo.get());
      core->add(MachineId::table, std::move(echo));
      world.add_node(std::move(core), main);
    }
    world.start_without_cluster(view_of(nodes, workers_each));
  }

  World world;
  std::vector<Echo*> echoes;
};

// No chance and no cost but what a test sets.
inline WorldOptions exact_options() {
  WorldOptions options;
  options.network.latency = microseconds(100);
  options.network.jitter = {};
  options.network.nic_bytes_per_second = 0;
  options.network.frame_bytes = 0;
  options.network.notice = {};
  options.loop_cost_per_message = {};
  options.loop_ns_per_byte = 0;
  options.call_cost = {};
  options.hand_over = {};
  options.start_spread = {};
  return options;
}

}  // namespace hemiola::sim
