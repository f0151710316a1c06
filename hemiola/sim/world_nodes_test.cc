#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/core/check.h"
#include "hemiola/sim/toy_for_test.h"
#include "hemiola/sim/world.h"

namespace hemiola::sim {
namespace {

using Texts = std::vector<std::string>;

struct ToyCall : Call {
  ToyCall() : Call(MachineId::cluster) {}
  bool over = false;  // end the job on all nodes
};

// Dials all nodes below its own, starts the job once all are there, and ends it when a worker
// says so: then node by node, each `spread` later than the one before.
class ToyCluster : public Machine {
 public:
  ToyCluster(NodeId self, uint32_t nodes, Duration spread)
      : self_(self), nodes_(nodes), spread_(spread) {}

  void on(Event& event, Instant now, Outbox& out) override {
    if (auto* fired = std::get_if<TimerFired>(&event)) {
      if (fired->tag == 1) return out.tell(JobOver{true, "as planned"});
      for (NodeId peer{0}; peer < self_; ++peer.value) {
        if (fired->tag == 0) out.dial(peer, "");
        if (fired->tag == 2) out.send(peer, Kind::join, Bytes::copy_of("early"));
      }
      if (fired->tag == 2) return;
      out.wake_at(MachineId::cluster, now, 2);
      if (nodes_ == 1) start(out);
    } else if (auto* up = std::get_if<PeerUp>(&event)) {
      story.push_back("up " + std::to_string(up->peer.value));
      if (++up_ == nodes_ - 1) start(out);
    } else if (auto* lost = std::get_if<PeerLost>(&event)) {
      story.push_back("lost " + std::to_string(lost->peer.value) + ": " + lost->why);
    } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
      const Envelope& envelope = arrived->envelope;
      if (envelope.kind == Kind::end) return end(now, out);
      story.push_back("join " + std::to_string(envelope.from.value));
    } else if (auto* posted = std::get_if<CallPosted>(&event)) {
      if (!static_cast<ToyCall*>(posted->call)->over) return;  // never answered
      for (NodeId peer{0}; peer.value < nodes_; ++peer.value) {
        if (peer != self_) out.send(peer, Kind::end, {});
      }
      out.complete(*posted->call);
      end(now, out);
    }
  }

  Texts story;

 private:
  void start(Outbox& out) {
    out.tell(ViewChanged{view_of(nodes_, 2)});
    out.notices.emplace_back(JobStarted{});
  }
  void end(Instant now, Outbox& out) {
    out.wake_at(MachineId::cluster, now + Duration{spread_.ns * self_.value}, 1);
  }

  NodeId self_;
  uint32_t nodes_;
  Duration spread_;
  uint32_t up_ = 0;
};

struct Job {
  Job(WorldOptions options, uint32_t nodes, std::function<void(WorkerPort&)> main,
      Duration spread = {})
      : world(std::move(options)) {
    for (uint32_t n = 0; n < nodes; ++n) {
      auto core = std::make_unique<NodeCore>(NodeId{n});
      auto cluster = std::make_unique<ToyCluster>(NodeId{n}, nodes, spread);
      clusters.push_back(cluster.get());
      core->add(MachineId::cluster, std::move(cluster));
      world.add_node(std::move(core), main);
    }
  }

  World world;
  std::vector<ToyCluster*> clusters;
};

void end_job(WorkerPort& port) {
  ToyCall call;
  call.over = true;
  port.call(call);
}

TEST(WorldNodes, Nodes_that_dial_each_other_connect_and_run_the_job) {
  std::vector<WorkerId> ran;
  Job job({}, 3, [&](WorkerPort& port) {
    ran.push_back(port.worker());
    port.sleep(milliseconds(5));
    if (port.worker() == WorkerId{3}) end_job(port);
  });
  const Outcome outcome = job.world.run();
  EXPECT_TRUE(outcome.finished) << outcome.stuck_reason;
  EXPECT_EQ(outcome.over.reason, "as planned");
  EXPECT_EQ(ran.size(), 6u);
  for (const ToyCluster* cluster : job.clusters) {
    EXPECT_EQ(std::count_if(cluster->story.begin(), cluster->story.end(),
                            [](auto& line) { return line.starts_with("up"); }),
              2);
  }
}

TEST(WorldNodes, What_is_sent_while_dialling_waits_for_the_connection) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    WorldOptions options;
    options.seed = seed;
    Job job(options, 2, [&](WorkerPort& port) {
      port.sleep(milliseconds(5));
      end_job(port);
    });
    EXPECT_TRUE(job.world.run().finished);
    EXPECT_EQ(job.clusters[0]->story, (Texts{"up 1", "join 1"}));
  }
}

TEST(WorldNodes, A_dial_of_a_node_that_is_gone_is_refused) {
  WorldOptions options = exact_options();
  options.start_spread = milliseconds(10);
  options.faults = {kill(Instant{}, NodeId{0})};
  Job job(options, 2, [](WorkerPort&) {});
  const Outcome outcome = job.world.run();
  EXPECT_FALSE(outcome.finished);
  EXPECT_EQ(job.clusters[1]->story, (Texts{"lost 0: nobody answers at this address"}));
  EXPECT_EQ(outcome.stuck_reason,
            "nothing more can happen; node 0 was killed; node 1 has not started");
}

// Node 1 dials node 0, which hangs up at once; node 1 dials again `times`.
class Phone : public Machine {
 public:
  Phone(NodeId self, int times) : self_(self), times_(times) {}

  void on(Event& event, Instant, Outbox& out) override {
    if (std::holds_alternative<TimerFired>(event)) {
      if (self_ == NodeId{1}) out.dial(NodeId{0}, "");
    } else if (auto* up = std::get_if<PeerUp>(&event)) {
      story.push_back("up");
      if (self_ == NodeId{0}) out.hangups.push_back(up->peer);
    } else if (auto* lost = std::get_if<PeerLost>(&event)) {
      story.push_back(lost->why);
      if (times_-- > 0) out.dial(lost->peer, "");
    }
  }

  Texts story;

 private:
  NodeId self_;
  int times_;
};

TEST(WorldNodes, When_a_node_hangs_up_the_other_end_hears_of_it_and_may_dial_again) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    WorldOptions options;
    options.seed = seed;
    World world(options);
    std::vector<Phone*> phones;
    for (uint32_t n = 0; n < 2; ++n) {
      auto core = std::make_unique<NodeCore>(NodeId{n});
      auto phone = std::make_unique<Phone>(NodeId{n}, 2);
      phones.push_back(phone.get());
      core->add(MachineId::cluster, std::move(phone));
      world.add_node(std::move(core), [](WorkerPort&) {});
    }
    world.run();
    EXPECT_EQ(phones[0]->story, (Texts{"up", "up", "up"}));
    // That it was up may never reach the one who is hung up on.
    std::erase(phones[1]->story, "up");
    EXPECT_EQ(phones[1]->story, (Texts{"it hung up", "it hung up", "it hung up"}));
  }
}

TEST(WorldNodes, One_that_is_absent_at_the_start_may_come_later) {
  WorldOptions options;
  options.faults = {restart(Instant{milliseconds(3).ns}, NodeId{1})};
  int born = 0;
  options.reborn = [&](NodeId node) {
    ++born;
    auto core = std::make_unique<NodeCore>(node);
    core->add(MachineId::cluster, std::make_unique<Phone>(node, 0));
    return std::pair(std::move(core), std::function<void(WorkerPort&)>([](WorkerPort&) {}));
  };
  World world(options);
  auto core = std::make_unique<NodeCore>(NodeId{0});
  auto phone = std::make_unique<Phone>(NodeId{0}, 0);
  const Phone& here = *phone;
  core->add(MachineId::cluster, std::move(phone));
  world.add_node(std::move(core), [](WorkerPort&) {});
  world.add_absent();
  world.run();
  EXPECT_EQ(born, 1);
  EXPECT_EQ(here.story, Texts{"up"});
}

TEST(WorldNodes, When_the_job_is_over_all_workers_are_released_with_its_reason) {
  Texts released;
  bool never_done = false;
  Job job({}, 2, [&](WorkerPort& port) {
    if (port.worker() == WorkerId{0}) {
      port.sleep(milliseconds(5));
      end_job(port);  // completes before the job is over here
      released.emplace_back("0 went on");
      return;
    }
    try {
      if (port.worker() == WorkerId{1}) port.sleep(seconds(100));
      if (port.worker() == WorkerId{2}) port.spend(seconds(100));
      ToyCall call;
      port.call(call);
    } catch (const JobEnded& end) {
      released.emplace_back(end.what());
      ToyCall late;
      port.post(late);
      EXPECT_THROW(port.wait(late), JobEnded);
      EXPECT_THROW(port.spend(milliseconds(1)), JobEnded);
      throw;
    }
    never_done = true;
  });
  const Outcome outcome = job.world.run();
  EXPECT_TRUE(outcome.finished) << outcome.stuck_reason;
  EXPECT_LT(outcome.end.ns, 10'000'000);
  EXPECT_FALSE(never_done);
  std::sort(released.begin(), released.end());
  EXPECT_EQ(released, (Texts{"0 went on", "as planned", "as planned", "as planned"}));
}

TEST(WorldNodes, A_node_whose_job_goes_on_learns_after_a_while_that_its_peer_has_left) {
  Job job(
      exact_options(), 2,
      [](WorkerPort& port) {
        if (port.worker() == WorkerId{0}) end_job(port);
        port.sleep(seconds(100));
      },
      seconds(3));
  const Outcome outcome = job.world.run();
  EXPECT_TRUE(outcome.finished);
  EXPECT_EQ(job.clusters[1]->story.back(), "lost 0: it left: its job is over");
  EXPECT_GT(outcome.end.ns, 3'000'000'000);
}

TEST(WorldNodes, A_killed_node_is_not_waited_for_at_the_end) {
  WorldOptions options;
  options.faults = {kill(Instant{6'000'000}, NodeId{2})};
  Job job(options, 3, [](WorkerPort& port) {
    port.sleep(milliseconds(10));
    if (port.worker() == WorkerId{0}) end_job(port);
    port.sleep(seconds(100));
  });
  const Outcome outcome = job.world.run();
  EXPECT_TRUE(outcome.finished) << outcome.stuck_reason;
  EXPECT_EQ(job.clusters[0]->story.back(), "lost 2: connection closed by the other end");
}

TEST(WorldNodes, Lines_of_the_machines_reach_the_log_with_node_and_time) {
  Texts lines;
  WorldOptions options;
  options.log = [&](Instant, NodeId node, Level, std::string_view text) {
    lines.push_back(std::to_string(node.value) + ": " + std::string(text));
  };
  Job job(options, 1, [](WorkerPort& port) {
    struct Nowhere : Call {
      Nowhere() : Call(MachineId::average) {}
    } call;
    port.post(call);
    port.sleep(milliseconds(1));
    end_job(port);
  });
  EXPECT_TRUE(job.world.run().finished);
  const std::string line = "0: dropped a message for a machine that this node does not run";
  EXPECT_EQ(lines, (Texts{line, line}));  // of two workers
}

}  // namespace
}  // namespace hemiola::sim
