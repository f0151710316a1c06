#include "hemiola/core/node_core.h"

#include <gtest/gtest.h>

#include <functional>

namespace hemiola {
namespace {

constexpr NodeId kSelf{1}, kOther{2};

// Writes down what it is given, and does what the test says.
class Scripted : public Machine {
 public:
  Scripted(std::string name, std::vector<std::string>& log) : name_(std::move(name)), log_(log) {}

  std::function<void(Event&, Outbox&)> script;

  void on(Event& event, Instant now, Outbox& out) override {
    static constexpr const char* kNames[] = {"message", "timer",  "call",   "up",        "lost",
                                             "notice",  "parted", "stored", "store lost"};
    log_.push_back(name_ + " " + kNames[event.index()] + " at " + std::to_string(now.ns));
    if (script) script(event, out);
  }

 private:
  std::string name_;
  std::vector<std::string>& log_;
};

class NodeCoreTest : public testing::Test {
 protected:
  NodeCoreTest() {
    auto cluster = std::make_unique<Scripted>("cluster", log_);
    auto table = std::make_unique<Scripted>("table", log_);
    cluster_ = cluster.get();
    table_ = table.get();
    core_.add(MachineId::cluster, std::move(cluster));
    core_.add(MachineId::table, std::move(table));
  }

  void on(Event event) { core_.on(std::move(event), Instant{9}, out_); }

  void set_epoch_and_keep_log(uint32_t epoch) {
    cluster_->script = [=](Event& event, Outbox& out) {
      if (std::holds_alternative<TimerFired>(event)) out.tell(ViewChanged{{Epoch{epoch}, {}}});
    };
    on(TimerFired{MachineId::cluster, 0});
    cluster_->script = nullptr;
  }

  void set_epoch(uint32_t epoch) {
    set_epoch_and_keep_log(epoch);
    log_.clear();
    out_.clear();
  }

  std::vector<std::string> log_;
  Outbox out_;
  NodeCore core_{kSelf};
  Scripted* cluster_;
  Scripted* table_;
};

using Log = std::vector<std::string>;

Envelope envelope(Kind kind, uint32_t epoch) { return {kOther, kSelf, Epoch{epoch}, kind, {}}; }

TEST_F(NodeCoreTest, A_message_goes_to_the_machine_of_its_kind) {
  on(MessageArrived{envelope(Kind::heartbeat, 0)});
  on(MessageArrived{envelope(Kind::pull, 0)});
  EXPECT_EQ(log_, (Log{"cluster message at 9", "table message at 9"}));
}

TEST_F(NodeCoreTest, A_timer_and_a_call_go_to_the_machine_they_name) {
  Call call(MachineId::table);
  on(TimerFired{MachineId::cluster, 1});
  on(CallPosted{&call});
  EXPECT_EQ(log_, (Log{"cluster timer at 9", "table call at 9"}));
}

TEST_F(NodeCoreTest, News_about_a_peer_go_to_all) {
  on(PeerLost{kOther, "reset"});
  EXPECT_EQ(log_, (Log{"cluster lost at 9", "table lost at 9"}));
}

TEST_F(NodeCoreTest, What_a_node_sends_to_itself_arrives_before_the_event_is_over) {
  cluster_->script = [](Event& event, Outbox& out) {
    if (!std::holds_alternative<TimerFired>(event)) return;
    out.send(kOther, Kind::heartbeat, {});
    out.send(kSelf, Kind::pull, Bytes::copy_of("own"));
  };
  on(TimerFired{MachineId::cluster, 0});
  EXPECT_EQ(log_, (Log{"cluster timer at 9", "table message at 9"}));
  ASSERT_EQ(out_.sends.size(), 1u);
  EXPECT_EQ(out_.sends[0].to, kOther);
}

TEST_F(NodeCoreTest, A_notice_reaches_all_machines_and_stays_for_the_driver) {
  cluster_->script = [](Event& event, Outbox& out) {
    if (std::holds_alternative<TimerFired>(event)) out.tell(JobStarted{});
  };
  on(TimerFired{MachineId::cluster, 0});
  EXPECT_EQ(log_, (Log{"cluster timer at 9", "cluster notice at 9", "table notice at 9"}));
  EXPECT_EQ(out_.notices.size(), 1u);
}

TEST_F(NodeCoreTest, Machines_answer_each_other_until_nobody_has_anything_to_say) {
  int rounds = 3;
  auto again = [&](Event& event, Outbox& out) {
    if (std::holds_alternative<TimerFired>(event) || rounds-- > 0) {
      out.send(kSelf, rounds % 2 ? Kind::pull : Kind::heartbeat, {});
    }
  };
  cluster_->script = again;
  table_->script = again;
  on(TimerFired{MachineId::table, 0});
  EXPECT_EQ(log_.size(), 5u);
  EXPECT_TRUE(out_.sends.empty());
}

TEST_F(NodeCoreTest, A_message_of_another_epoch_changes_nothing_and_is_said) {
  set_epoch(4);
  on(MessageArrived{envelope(Kind::pull, 3)});
  on(MessageArrived{envelope(Kind::pull, 5)});
  EXPECT_TRUE(log_.empty());
  EXPECT_EQ(out_.lines.size(), 1u);
  on(MessageArrived{envelope(Kind::pull, 4)});
  EXPECT_EQ(log_, (Log{"table message at 9"}));
}

TEST_F(NodeCoreTest, A_message_of_an_epoch_to_come_waits_for_it) {
  set_epoch(4);
  on(MessageArrived{envelope(Kind::pull, 5)});
  EXPECT_TRUE(log_.empty());
  set_epoch_and_keep_log(5);
  EXPECT_EQ(log_.back(), "table message at 9");
}

TEST_F(NodeCoreTest, While_workers_part_shared_state_gets_no_events_and_then_new_machines) {
  bool renewed = false;
  core_.on_renew([&](const View& view) {
    renewed = true;
    EXPECT_EQ(view.epoch, Epoch{5});
    auto next = std::make_unique<Scripted>("next table", log_);
    core_.replace(MachineId::table, std::move(next));
  });
  cluster_->script = [](Event& event, Outbox& out) {
    if (const auto* fired = std::get_if<TimerFired>(&event); fired && fired->tag == 1) {
      out.tell(Parting{});
    } else if (fired) {
      out.tell(
          ViewChanged{{Epoch{5}, {{kOther, "", 1, WorkerId{0}}, {kSelf, "", 1, WorkerId{1}}}}});
    }
  };
  on(TimerFired{MachineId::cluster, 1});
  log_.clear();
  on(MessageArrived{envelope(Kind::pull, 0)});
  EXPECT_TRUE(log_.empty());
  on(TimerFired{MachineId::cluster, 2});
  EXPECT_TRUE(renewed);
  EXPECT_EQ(log_.back(), "next table notice at 9");
}

TEST_F(NodeCoreTest, Shared_state_hears_of_no_node_outside_of_the_view) {
  cluster_->script = [](Event& event, Outbox& out) {
    if (std::holds_alternative<TimerFired>(event)) {
      out.tell(
          ViewChanged{{Epoch{5}, {{NodeId{0}, "", 1, WorkerId{0}}, {kSelf, "", 1, WorkerId{1}}}}});
    }
  };
  on(TimerFired{MachineId::cluster, 0});
  log_.clear();
  on(PeerUp{kOther, true});
  EXPECT_EQ(log_, (Log{"cluster up at 9"}));
}

TEST_F(NodeCoreTest, Shared_state_knows_nodes_by_their_rank) {
  cluster_->script = [](Event& event, Outbox& out) {
    if (std::holds_alternative<TimerFired>(event)) {
      out.tell(
          ViewChanged{{Epoch{5}, {{kOther, "", 1, WorkerId{0}}, {kSelf, "", 1, WorkerId{1}}}}});
    }
  };
  on(TimerFired{MachineId::cluster, 0});
  out_.clear();
  NodeId from{99}, to{99};
  table_->script = [&](Event& event, Outbox& out) {
    const auto* came = std::get_if<MessageArrived>(&event);
    if (!came || came->envelope.kind != Kind::pull) return;
    from = came->envelope.from;
    to = came->envelope.to;
    out.send(NodeId{0}, Kind::rows, {});
    out.send(NodeId{1}, Kind::rows, {});
  };
  on(MessageArrived{envelope(Kind::pull, 5)});
  EXPECT_EQ(from, NodeId{0});
  EXPECT_EQ(to, NodeId{1});
  ASSERT_EQ(out_.sends.size(), 1u);  // the other went to the node itself
  EXPECT_EQ(out_.sends[0].to, kOther);
}

TEST_F(NodeCoreTest, The_clusters_own_messages_pass_in_every_epoch) {
  set_epoch(4);
  on(MessageArrived{envelope(Kind::join, 0)});
  EXPECT_EQ(log_, (Log{"cluster message at 9"}));
}

TEST_F(NodeCoreTest, A_new_view_counts_for_what_is_sent_in_the_same_event) {
  cluster_->script = [](Event& event, Outbox& out) {
    if (!std::holds_alternative<TimerFired>(event)) return;
    out.send(kSelf, Kind::pull, {});
    out.tell(ViewChanged{{Epoch{2}, {}}});
  };
  on(TimerFired{MachineId::cluster, 0});
  EXPECT_EQ(core_.epoch(), Epoch{2});
  EXPECT_EQ(log_.back(), "table message at 9");
}

TEST_F(NodeCoreTest, A_message_for_a_machine_that_is_not_here_is_dropped_and_said) {
  on(MessageArrived{envelope(static_cast<Kind>(0x0301), 0)});
  on(MessageArrived{envelope(static_cast<Kind>(0xff01), 0)});
  EXPECT_TRUE(log_.empty());
  EXPECT_EQ(out_.lines.size(), 2u);
}

TEST_F(NodeCoreTest, A_slot_cannot_be_taken_twice) {
  EXPECT_DEATH(core_.add(MachineId::table, std::make_unique<Scripted>("second", log_)),
               "broken invariant");
}

}  // namespace
}  // namespace hemiola
