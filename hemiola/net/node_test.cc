#include "hemiola/net/node.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>

#include <csignal>
#include <mutex>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/net/toy.h"

namespace hemiola::net {
namespace {

using namespace std::chrono_literals;

Bytes pattern(size_t size, uint32_t seed) {
  MutableBytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes.data()[i] = static_cast<std::byte>(seed + i * 7);
  return std::move(bytes).freeze();
}

bool same(const Bytes& a, const Bytes& b) {
  return a.size() == b.size() && std::equal(a.span().begin(), a.span().end(), b.span().begin());
}

void finish(WorkerPort& port) {
  ToyCluster::Finish done;
  port.call(done);
}

// Echoes bodies of all sizes off the next node and compares.
void echo_much(WorkerPort& port, uint32_t nodes, int rounds) {
  Random random(port.worker().value);
  for (int i = 0; i < rounds; ++i) {
    const size_t sizes[] = {0, 1, 60, 3000, 5000, 17000, 70000, 300000};
    ToyEcho::Echo echo;
    echo.peer = NodeId{static_cast<uint32_t>(random.below(nodes))};
    echo.copies = 1 + static_cast<uint32_t>(random.below(3));
    echo.body = pattern(sizes[random.below(8)] + random.below(40), static_cast<uint32_t>(i));
    port.call(echo);
    ASSERT_TRUE(same(echo.answer, echo.body));
  }
  finish(port);
}

void expect_planned(const std::vector<JobOver>& ends) {
  for (const JobOver& end : ends) {
    EXPECT_TRUE(end.ok) << end.reason;
    EXPECT_EQ(end.reason, "all done");
  }
}

TEST(Node, Three_nodes_echo_over_unix_sockets) {
  ToyNodes nodes(3, Over::unix_sockets, 2, [](WorkerPort& p) { echo_much(p, 3, 200); });
  expect_planned(nodes.run());
  EXPECT_GT(nodes[0].stats().bytes_sent, 100'000u);
  EXPECT_GT(nodes[0].stats().messages_sent, 100u);
}

TEST(Node, Three_nodes_echo_over_tcp) {
  ToyNodes nodes(3, Over::tcp, 2, [](WorkerPort& p) { echo_much(p, 3, 200); });
  expect_planned(nodes.run());
}

TEST(Node, Three_nodes_echo_encrypted) {
  ToyNodes nodes(
      3, Over::tcp, 2, [](WorkerPort& p) { echo_much(p, 3, 200); },
      [](NodeOptions& o) { o.tls.use = TlsSettings::Use::always; });
  expect_planned(nodes.run());
}

TEST(Node, One_node_alone_needs_no_peer) {
  ToyNodes nodes(1, Over::unix_sockets, 3, [](WorkerPort& p) { echo_much(p, 1, 50); });
  expect_planned(nodes.run());
}

TEST(Node, Many_calls_may_be_under_way_at_once) {
  ToyNodes nodes(2, Over::unix_sockets, 2, [](WorkerPort& port) {
    std::vector<ToyEcho::Echo> echoes(500);
    for (int round = 0; round < 20; ++round) {
      for (auto& echo : echoes) {
        echo.peer = NodeId{1 - port.worker().value / 2};
        echo.body = pattern(64, port.worker().value);
        port.post(echo);
      }
      for (auto& echo : echoes) {
        port.wait(echo);
        ASSERT_TRUE(same(echo.answer, echo.body));
      }
    }
    finish(port);
  });
  expect_planned(nodes.run());
}

TEST(Node, Two_nodes_that_dial_each_other_keep_one_link) {
  class BothDial : public ToyCluster {
   public:
    BothDial(NodeId self, const Toy& toy, std::atomic<int>& ups)
        : ToyCluster(self, toy),
          peer_(1 - self.value),
          address_(toy.addresses[peer_.value]),
          ups_(ups) {}
    void on(Event& event, Instant now, Outbox& out) override {
      if (std::holds_alternative<TimerFired>(event)) return out.dial(peer_, address_);
      if (std::holds_alternative<PeerUp>(event)) ++ups_;
      ToyCluster::on(event, now, out);
    }

   private:
    NodeId peer_;
    std::string address_;
    std::atomic<int>& ups_;
  };
  for (int round = 0; round < 30; ++round) {
    const Over over = round % 2 ? Over::tcp : Over::unix_sockets;
    std::vector<Listener> listeners;
    Toy toy;
    for (int i = 0; i < 2; ++i) {
      listeners.push_back(Listener::open(toy_address(over, "both" + std::to_string(i))));
      toy.addresses.push_back(listeners.back().address());
    }
    std::atomic<int> ups{0};
    std::vector<std::thread> threads;
    std::vector<JobOver> ends(2);
    for (uint32_t i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        auto core = std::make_unique<NodeCore>(NodeId{i});
        core->add(MachineId::cluster, std::make_unique<BothDial>(NodeId{i}, toy, ups));
        core->add(MachineId::table, std::make_unique<ToyEcho>());
        NodeOptions options{.self = NodeId{i}, .nodes = 2};
        if (round % 3 == 0) options.tls.use = TlsSettings::Use::always;
        Node node(options, std::move(listeners[i]), std::move(core),
                  [](WorkerPort& p) { echo_much(p, 2, 5); });
        ends[i] = node.run();
      });
    }
    for (auto& thread : threads) thread.join();
    expect_planned(ends);
    EXPECT_EQ(ups, 2);
  }
}

TEST(Node, A_peer_that_goes_is_named_at_once) {
  std::atomic<bool> gone{false};
  ToyNodes nodes(2, Over::tcp, 1, [&](WorkerPort& port) {
    if (port.worker().value == 1) throw std::runtime_error("disk on fire");
    ToyEcho::Echo never;
    never.peer = NodeId{1};
    try {
      for (;;) port.call(never);
    } catch (const JobEnded& end) {
      gone = true;
      EXPECT_NE(std::string(end.what()).find("node 1 left: worker 1 on node 1: disk on fire"),
                std::string::npos)
          << end.what();
      throw;
    }
  });
  const auto& ends = nodes.run();
  EXPECT_TRUE(gone);
  EXPECT_FALSE(ends[0].ok);
  EXPECT_EQ(ends[1].reason, "worker 1 on node 1: disk on fire");
}

TEST(Node, Stop_releases_waiting_and_sleeping_workers) {
  for (const bool interrupt : {false, true}) {
    std::atomic<int> at_work{0};
    ToyNodes nodes(1, Over::unix_sockets, 3, [&](WorkerPort& port) {
      ++at_work;
      if (port.worker().value == 0) port.sleep(seconds(1000));
      ToyCluster::Finish never;
      if (port.worker().value == 0) throw JobEnded("slept");
      port.call(never);
    });
    nodes.start();
    while (at_work < 3) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(20ms);
    interrupt ? nodes[0].interrupt() : nodes[0].stop("enough");
    const auto& ends = nodes.join();
    EXPECT_FALSE(ends[0].ok);
    EXPECT_EQ(ends[0].reason, interrupt ? "interrupted" : "enough");
  }
}

TEST(Node, A_node_that_waits_costs_no_processor_time) {
  ToyNodes nodes(2, Over::unix_sockets, 2, [](WorkerPort& port) {
    if (port.worker().value == 0) port.sleep(seconds(1.2));
    finish(port);
  });
  nodes.start();
  std::this_thread::sleep_for(100ms);
  timespec before{}, after{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::this_thread::sleep_for(1s);
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const double used = static_cast<double>(after.tv_sec - before.tv_sec) +
                      1e-9 * static_cast<double>(after.tv_nsec - before.tv_nsec);
  EXPECT_LT(used, 0.01);
  expect_planned(nodes.join());
}

TEST(Node, Timers_fire_in_order_and_on_time) {
  struct Ticking : Machine {
    std::vector<uint64_t>& seen;
    explicit Ticking(std::vector<uint64_t>& s) : seen(s) {}
    void on(Event& event, Instant now, Outbox& out) override {
      const auto* fired = std::get_if<TimerFired>(&event);
      if (!fired) return;
      if (fired->tag == 0) {
        start = now;
        for (const uint64_t tag : {30, 10, 20}) {
          out.wake_at(MachineId::cluster, now + milliseconds(static_cast<int64_t>(tag)), tag);
        }
        return;
      }
      seen.push_back(fired->tag);
      EXPECT_GE((now - start).ns, static_cast<int64_t>(fired->tag) * 1'000'000);
      if (fired->tag == 30) out.tell(JobOver{true, "rang"});
    }
    Instant start;
  };
  std::vector<uint64_t> seen;
  auto core = std::make_unique<NodeCore>(NodeId{0});
  core->add(MachineId::cluster, std::make_unique<Ticking>(seen));
  Node node({.self = NodeId{0}}, Listener::open(toy_address(Over::unix_sockets, "timer")),
            std::move(core), [](WorkerPort&) {});
  EXPECT_TRUE(node.run().ok);
  EXPECT_EQ(seen, (std::vector<uint64_t>{10, 20, 30}));
}

TEST(Node, A_failed_call_is_an_error_of_the_worker_and_not_of_the_job) {
  struct Refusing : ToyCluster {
    using ToyCluster::ToyCluster;
    void on(Event& event, Instant now, Outbox& out) override {
      auto* posted = std::get_if<CallPosted>(&event);
      if (posted && ++calls == 1) return out.complete(*posted->call, "no such table");
      ToyCluster::on(event, now, out);
    }
    int calls = 0;
  };
  Toy toy{{"unix:/unused"}, 1};
  auto core = std::make_unique<NodeCore>(NodeId{0});
  core->add(MachineId::cluster, std::make_unique<Refusing>(NodeId{0}, toy));
  std::string error;
  Node node({.self = NodeId{0}}, Listener::open(toy_address(Over::unix_sockets, "refuse")),
            std::move(core), [&](WorkerPort& port) {
              ToyCluster::Finish call;
              try {
                port.call(call);
              } catch (const UserError& e) {
                error = e.what();
              }
              port.call(call);  // the same once more: goes well
            });
  EXPECT_TRUE(node.run().ok);
  EXPECT_EQ(error, "no such table");
}

TEST(Node, A_message_larger_than_a_frame_may_be_ends_the_job_with_both_numbers) {
  ToyNodes nodes(
      2, Over::unix_sockets, 1,
      [](WorkerPort& port) {
        ToyEcho::Echo echo;
        echo.peer = NodeId{1 - port.worker().value};
        echo.body = pattern(port.worker().value == 0 ? 200'000 : 10, 1);
        port.call(echo);
        finish(port);
      },
      [](NodeOptions& o) { o.max_frame_bytes = 100'000; });
  const auto& ends = nodes.run();
  EXPECT_NE(ends[0].reason.find("200004 bytes to node 1"), std::string::npos) << ends[0].reason;
  EXPECT_NE(ends[0].reason.find("max_frame_bytes = 100000"), std::string::npos);
}

}  // namespace
}  // namespace hemiola::net
