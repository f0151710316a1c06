// For the tests and benches of this folder: machines that connect, echo and end, and a way to run
// several nodes in one process.
#pragma once

#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hemiola/core/wire.h"
#include "hemiola/net/node.h"

namespace hemiola::net {

struct Toy {
  std::vector<std::string> addresses;  // of all nodes, by rank
  uint32_t workers = 1;                // on each node
};

// As MachineId::cluster: a full mesh, then workers; over when all workers of all nodes are.
class ToyCluster : public Machine {
 public:
  struct Finish : Call {
    Finish() : Call(MachineId::cluster) {}
  };

  ToyCluster(NodeId self, const Toy& toy) : self_(self), toy_(toy) {}

  void on(Event& event, Instant, Outbox& out) override {
    const auto nodes = static_cast<uint32_t>(toy_.addresses.size());
    if (std::holds_alternative<TimerFired>(event)) {
      for (uint32_t i = 0; i < self_.value; ++i) out.dial(NodeId{i}, toy_.addresses[i]);
      if (nodes == 1) enter(out);
    } else if (std::holds_alternative<PeerUp>(event)) {
      if (++up_ + 1 == nodes) enter(out);
    } else if (auto* lost = std::get_if<PeerLost>(&event)) {
      out.tell(JobOver{false, lost->why});
    } else if (auto* posted = std::get_if<CallPosted>(&event)) {
      finished_.push_back(posted->call);
      if (finished_.size() == toy_.workers) out.send(NodeId{0}, Kind::finished, {});
    } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
      if (arrived->envelope.kind == Kind::ready && ++nodes_ready_ == nodes) out.tell(JobStarted{});
      if (arrived->envelope.kind == Kind::end) end(out);
      if (arrived->envelope.kind == Kind::finished && ++nodes_finished_ == nodes) {
        for (uint32_t i = 0; i < nodes; ++i) out.send(NodeId{i}, Kind::end, {});
      }
    }
  }

 private:
  // Workers start when all nodes are in the epoch, because messages of another one are dropped.
  void enter(Outbox& out) {
    View view{Epoch{1}, {}};
    for (uint32_t i = 0; i < toy_.addresses.size(); ++i) {
      view.members.push_back(
          {NodeId{i}, toy_.addresses[i], toy_.workers, WorkerId{i * toy_.workers}});
    }
    out.tell(ViewChanged{view});
    for (uint32_t i = 0; i < toy_.addresses.size(); ++i) out.send(NodeId{i}, Kind::ready, {});
  }

  void end(Outbox& out) {
    for (Call* call : finished_) out.complete(*call);
    out.tell(JobOver{true, "all done"});
  }

  NodeId self_;
  Toy toy_;
  uint32_t up_ = 0;
  uint32_t nodes_ready_ = 0;
  uint32_t nodes_finished_ = 0;
  std::vector<Call*> finished_;
};

// As MachineId::table: sends a body to a node, whose machine sends it back.
class ToyEcho : public Machine {
 public:
  struct Echo : Call {
    Echo() : Call(MachineId::table) {}
    NodeId peer;
    Bytes body;
    uint32_t copies = 1;  // how often to send it; only the last is answered
    Bytes answer;         // out
  };

  void on(Event& event, Instant, Outbox& out) override {
    if (auto* posted = std::get_if<CallPosted>(&event)) {
      auto& echo = static_cast<Echo&>(*posted->call);
      calls_[++id_] = &echo;
      for (uint32_t i = 1; i < echo.copies; ++i) out.send(echo.peer, Kind::update, echo.body);
      out.send(echo.peer, Kind::pull, with_id(id_, echo.body));
    } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
      auto& envelope = arrived->envelope;
      if (envelope.kind == Kind::pull) {
        out.send(envelope.from, Kind::rows, envelope.body);
      } else if (envelope.kind == Kind::rows) {
        const auto id = Reader(envelope.body).get<uint32_t>();
        Echo& echo = *calls_.at(id);
        calls_.erase(id);
        echo.answer = envelope.body.slice(4, envelope.body.size() - 4);
        out.complete(echo);
      }
    }
  }

 private:
  static Bytes with_id(uint32_t id, const Bytes& body) {
    MutableBytes whole(body.size() + 4);
    std::memcpy(whole.data(), &id, 4);
    if (!body.empty()) std::memcpy(whole.data() + 4, body.data(), body.size());
    return std::move(whole).freeze();
  }

  uint32_t id_ = 0;
  std::map<uint32_t, Echo*> calls_;
};

inline std::unique_ptr<NodeCore> toy_core(NodeId self, const Toy& toy) {
  auto core = std::make_unique<NodeCore>(self);
  core->add(MachineId::cluster, std::make_unique<ToyCluster>(self, toy));
  core->add(MachineId::table, std::make_unique<ToyEcho>());
  return core;
}

enum class Over { unix_sockets, tcp };

inline std::string toy_address(Over over, const std::string& name) {
  if (over == Over::tcp) return "tcp:127.0.0.1:0";
  return "unix:/tmp/hemiola-toy-" + std::to_string(::getpid()) + "-" + name;
}

// Several nodes in this process, each with its loop in a thread.
class ToyNodes {
 public:
  using Main = std::function<void(WorkerPort&)>;
  using Adjust = std::function<void(NodeOptions&)>;

  ToyNodes(uint32_t nodes, Over over, uint32_t workers, const Main& main,
           const Adjust& adjust = {}) {
    std::vector<Listener> listeners;
    Toy toy;
    toy.workers = workers;
    for (uint32_t i = 0; i < nodes; ++i) {
      listeners.push_back(Listener::open(toy_address(over, std::to_string(i))));
      toy.addresses.push_back(listeners.back().address());
    }
    for (uint32_t i = 0; i < nodes; ++i) {
      NodeOptions options;
      options.self = NodeId{i};
      options.nodes = nodes;
      options.job = "toy";
      options.secret = "shared";
      if (adjust) adjust(options);
      nodes_.push_back(
          std::make_unique<Node>(options, std::move(listeners[i]), toy_core(NodeId{i}, toy), main));
    }
    addresses = toy.addresses;
  }

  void start() {
    ends_.resize(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      threads_.emplace_back([this, i] { ends_[i] = nodes_[i]->run(); });
    }
  }

  const std::vector<JobOver>& join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    return ends_;
  }

  const std::vector<JobOver>& run() {
    start();
    return join();
  }

  Node& operator[](size_t i) { return *nodes_[i]; }

  std::vector<std::string> addresses;

 private:
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<JobOver> ends_;
  std::vector<std::thread> threads_;
};

}  // namespace hemiola::net
