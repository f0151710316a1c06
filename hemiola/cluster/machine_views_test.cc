// What a node does about views, its keeper's and its peers'.
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>

#include "hemiola/cluster/machine.h"

namespace hemiola {
namespace {

// A node of three that go on without each other, spoken to in events, with a keeper of views.
class InTheView : public testing::Test {
 protected:
  static View three(Epoch epoch, uint64_t first_instance = 10) {
    View view{epoch, {}};
    for (uint32_t n = 0; n < 3; ++n) {
      view.members.push_back({NodeId{n}, "tcp:a:1", 1, WorkerId{n}, first_instance + n});
    }
    return view;
  }
  void be(uint32_t self, Epoch epoch = Epoch{1}, uint64_t first_instance = 10) {
    ClusterOptions options;
    options.self = NodeId{self};
    options.nodes = 3;
    options.most_nodes = 4;
    options.address = options.rendezvous = "tcp:a:1";
    options.instance = 10 + self;
    options.goes_on = true;
    options.on_silence = OnSilence::remove;
    options.keeper = ViewKeeper::store;
    machine_ = std::make_unique<ClusterMachine>(options);
    on(TimerFired{MachineId::cluster, 0});
    on(ViewStored{three(epoch, first_instance)});
  }
  static View without_node_0() {
    View view = three(Epoch{2});
    view.members.erase(view.members.begin());
    for (Member& m : view.members) m.first_worker.value -= 1;
    return view;
  }
  void ask_in(uint32_t node, uint64_t instance) {
    Join join;
    join.rank = NodeId{node}, join.nodes = 3, join.workers = 1, join.instance = instance;
    join.address = "tcp:a:1";
    say(node, Kind::join, join.encode());
  }
  bool said(const std::string& part) const {
    return std::any_of(out_.lines.begin(), out_.lines.end(),
                       [&](const auto& line) { return line.text.find(part) != part.npos; });
  }
  bool fenced() const {
    return std::any_of(out_.notices.begin(), out_.notices.end(), [](const Notice& n) {
      const auto* over = std::get_if<JobOver>(&n);
      return over != nullptr && over->fenced;
    });
  }
  void link(std::initializer_list<uint32_t> peers) {
    for (const uint32_t n : peers) on(PeerUp{NodeId{n}});
  }
  void on(Event event) { machine_->on(event, now_, out_); }
  void say(uint32_t from, Kind kind, Bytes body) {
    on(MessageArrived{{NodeId{from}, NodeId{0}, Epoch{1}, kind, std::move(body)}});
  }
  void beat(uint32_t from, uint64_t instance) {
    Heartbeat heartbeat;
    heartbeat.instance = instance;
    say(from, Kind::heartbeat, heartbeat.encode());
  }
  // Those who are linked are heard from all the while.
  void wait(Duration d, std::initializer_list<uint32_t> heard) {
    for (const Instant end = now_ + d; now_ < end;) {
      now_ = now_ + milliseconds(250);
      for (const uint32_t n : heard) beat(n, 10 + n);
      on(TimerFired{MachineId::cluster, 1});
    }
  }
  // "0.10 1.11": nodes and instances of the view that is wanted.
  std::string wanted() const {
    std::string text;
    if (out_.proposals.empty()) return text;
    for (const Member& m : out_.proposals.back().view.members) {
      text += (text.empty() ? "" : " ") + std::to_string(m.node.value) + "." +
              std::to_string(m.instance);
    }
    return text;
  }

  std::unique_ptr<ClusterMachine> machine_;
  Instant now_;
  Outbox out_;
};

const JobOver* end_of(const Outbox& out) {
  for (const Notice& n : out.notices) {
    if (const auto* over = std::get_if<JobOver>(&n)) return over;
  }
  return nullptr;
}

TEST_F(InTheView, Who_cannot_connect_to_another_tells_the_leader_so_and_waits) {
  be(2);
  on(PeerUp{NodeId{0}});
  wait(seconds(9), {0});
  const auto told = [&] {
    return std::any_of(out_.sends.begin(), out_.sends.end(), [](const Outbox::Send& s) {
      if (s.kind != Kind::failed) return false;
      const auto failed = Failed::decode(s.body);
      return s.to == NodeId{0} && failed && failed->what == Failed::What::lost &&
             failed->subject == 1;
    });
  };
  EXPECT_FALSE(told());
  wait(seconds(100), {0});
  EXPECT_TRUE(told());
  for (const Notice& notice : out_.notices) EXPECT_FALSE(std::holds_alternative<JobOver>(notice));
}

TEST_F(InTheView, A_leader_goes_on_without_those_to_whom_there_never_was_a_connection) {
  be(0);
  on(PeerUp{NodeId{1}});
  wait(seconds(9), {1});
  EXPECT_EQ(wanted(), "");
  wait(seconds(2), {1});
  EXPECT_EQ(wanted(), "0.10 1.11");
}

TEST_F(InTheView, Whoever_is_next_leads_when_there_never_was_a_connection_to_the_leader) {
  be(1, Epoch{5});
  on(PeerUp{NodeId{2}});
  wait(seconds(9), {2});
  EXPECT_EQ(wanted(), "");
  wait(seconds(2), {2});
  EXPECT_EQ(wanted(), "1.11 2.12");
}

TEST_F(InTheView, Who_wants_to_come_in_where_a_member_was_is_not_forgotten_with_it) {
  be(0);
  on(PeerUp{NodeId{1}});
  on(PeerUp{NodeId{2}});
  ask_in(2, 20);
  beat(2, 20);  // so the member is gone
  EXPECT_EQ(wanted(), "0.10 1.11");
  View next = out_.proposals.back().view;
  on(ViewStored{next});
  for (const uint32_t n : {0, 1}) {
    on(MessageArrived{{NodeId{n}, NodeId{0}, next.epoch, Kind::ready, Ready{}.encode()}});
  }
  EXPECT_EQ(wanted(), "0.10 1.11 2.20");
}

TEST_F(InTheView, What_others_did_before_this_node_began_is_not_forgotten) {
  be(1);
  on(PeerUp{NodeId{0}});
  on(PeerUp{NodeId{2}});
  say(2, Kind::blocks_done, BlocksDone{0, {{7, {1.0}}}}.encode());
  say(0, Kind::start, Start{}.encode());
  on(ViewStored{without_node_0()});
  on(Parted{});
  const auto ready = std::find_if(out_.sends.rbegin(), out_.sends.rend(),
                                  [](const auto& s) { return s.kind == Kind::ready; });
  ASSERT_NE(ready, out_.sends.rend());
  EXPECT_TRUE(Ready::decode(ready->body)->agenda.has(7));
}

TEST_F(InTheView, The_time_in_which_a_node_was_frozen_is_not_time_without_the_keeper) {
  be(1);
  on(PeerUp{NodeId{0}});
  on(PeerUp{NodeId{2}});
  wait(seconds(1), {0, 2});
  on(StoreLost{"away"});
  on(PeerLost{NodeId{2}, "gone"});
  const auto over = [&] {
    return std::any_of(out_.notices.begin(), out_.notices.end(),
                       [](const Notice& n) { return std::holds_alternative<JobOver>(n); });
  };
  now_ = now_ + seconds(60);
  wait(seconds(9), {0});
  EXPECT_FALSE(over());
  wait(seconds(2), {0});
  EXPECT_TRUE(over());
}

TEST_F(InTheView, When_the_view_of_dead_processes_is_forgotten_the_job_begins_anew) {
  be(0, Epoch{7}, 90);  // of other processes, the one that was node 0 among them
  wait(seconds(11), {});
  EXPECT_TRUE(said("is gone, or for its view to be forgotten"));
  EXPECT_TRUE(out_.proposals.empty());
  ask_in(1, 11);  // it has heard sooner that the view is forgotten
  on(ViewStored{View{}});
  wait(seconds(2), {});
  on(ViewStored{three(Epoch{1007}, 90)});  // some of them live
  on(ViewStored{View{}});
  wait(seconds(2), {});
  EXPECT_TRUE(out_.sends.empty());
  wait(seconds(5), {});
  ask_in(0, 10);
  ask_in(2, 12);
  EXPECT_EQ(wanted(), "0.10 1.11 2.12");
}

TEST_F(InTheView, Who_asks_before_this_node_knows_that_it_leads_is_heard_once_it_does) {
  be(1);
  link({0, 2});
  on(PeerUp{NodeId{3}});
  ask_in(3, 13);
  say(2, Kind::ask_leave, AskLeave{}.encode());
  EXPECT_TRUE(out_.proposals.empty());
  on(ViewStored{without_node_0()});
  for (const uint32_t n : {1u, 2u}) {
    on(MessageArrived{{NodeId{n}, NodeId{1}, Epoch{2}, Kind::ready, Ready{}.encode()}});
  }
  wait(seconds(1), {2, 3});
  EXPECT_EQ(wanted(), "1.11 2.12 3.13");
  EXPECT_TRUE(said("node 2 wants to leave"));
}

TEST_F(InTheView, What_somebody_asked_for_who_is_gone_is_forgotten) {
  be(1);
  link({0, 2});
  on(PeerUp{NodeId{3}});
  ask_in(3, 13);
  on(PeerLost{NodeId{3}, "gone"});
  on(ViewStored{without_node_0()});
  for (const uint32_t n : {1u, 2u}) {
    on(MessageArrived{{NodeId{n}, NodeId{1}, Epoch{2}, Kind::ready, Ready{}.encode()}});
  }
  wait(seconds(1), {2});
  EXPECT_TRUE(out_.proposals.empty());
}

TEST_F(InTheView, A_keeper_that_has_lost_the_view_is_told_it_again_and_one_of_another_job_is_not) {
  be(0, Epoch{1});
  link({1, 2});
  for (uint32_t n = 0; n < 3; ++n) say(n, Kind::ready, Ready{}.encode());
  say(0, Kind::start, Start{}.encode());
  on(ViewStored{View{}});
  ASSERT_EQ(out_.proposals.size(), 1u);
  EXPECT_EQ(out_.proposals[0].after, Epoch{0});
  EXPECT_EQ(out_.proposals[0].view.epoch, Epoch{1001});
  EXPECT_TRUE(said("the keeper of views has lost the view"));
  on(ViewStored{three(Epoch{2})});  // which others may not have heard of yet
  on(Parted{});
  on(ViewStored{View{}});
  ASSERT_EQ(out_.proposals.size(), 2u);
  EXPECT_EQ(out_.proposals[1].view.epoch, Epoch{1002});
  on(ViewStored{three(Epoch{0}, 50)});
  EXPECT_EQ(out_.proposals.size(), 2u);
}

TEST_F(InTheView, Where_the_leader_is_gone_too_whoever_knows_the_view_tells_the_keeper) {
  be(1);
  link({0, 2});
  on(ViewStored{View{}});
  EXPECT_TRUE(out_.proposals.empty());  // the leader will
  on(PeerLost{NodeId{0}, "gone"});
  out_.proposals.clear();
  on(ViewStored{View{}});
  ASSERT_EQ(out_.proposals.size(), 1u);
  EXPECT_EQ(out_.proposals[0].view.epoch, Epoch{1001});
  EXPECT_EQ(wanted(), "0.10 1.11 2.12");
  on(ViewStored{out_.proposals[0].view});
  wait(seconds(2), {2});
  EXPECT_EQ(wanted(), "1.11 2.12");
}

TEST_F(InTheView, Where_the_job_has_begun_anew_who_is_of_the_one_before_is_out) {
  be(1);
  on(ViewStored{three(Epoch{1})});
  EXPECT_FALSE(fenced());
  on(ViewStored{three(Epoch{1}, 50)});
  EXPECT_TRUE(fenced());
}

TEST_F(InTheView, Who_slept_through_the_end_of_the_job_ends_and_tells_the_keeper_nothing) {
  for (const uint32_t self : {0u, 2u, 3u}) {  // the last one waits to be let in
    out_ = {};
    be(self, Epoch{4});
    on(ViewStored{View{Epoch{5}, {}}});
    ASSERT_NE(end_of(out_), nullptr) << self;
    EXPECT_TRUE(end_of(out_)->ok && end_of(out_)->left);
    EXPECT_TRUE(out_.proposals.empty());
    EXPECT_EQ(end_of(out_)->reason,
              "the job has ended while node " + std::to_string(self) + " was away");
  }
}

TEST_F(InTheView, Where_a_job_has_ended_well_another_one_may_begin) {
  ClusterOptions options;
  options.nodes = 2;
  options.address = options.rendezvous = "tcp:a:1";
  options.goes_on = true;
  options.keeper = ViewKeeper::store;
  machine_ = std::make_unique<ClusterMachine>(options);
  on(TimerFired{MachineId::cluster, 0});
  on(ViewStored{View{Epoch{5}, {}}});
  ASSERT_FALSE(out_.sends.empty());
  EXPECT_EQ(out_.sends[0].kind, Kind::join);
  EXPECT_EQ(end_of(out_), nullptr);
}

TEST_F(InTheView, Where_another_run_has_the_keeper_a_job_goes_on_until_somebody_is_missed) {
  be(0, Epoch{7});
  link({1, 2});
  on(ViewStored{three(Epoch{2}, 50)});
  wait(seconds(5), {1, 2});
  EXPECT_TRUE(out_.proposals.empty());
  EXPECT_FALSE(fenced());
  on(PeerLost{NodeId{2}, "gone"});
  wait(seconds(1), {1});
  EXPECT_TRUE(fenced());
}

struct Boom : Fail {
  Boom(uint32_t of, bool only) {
    worker = WorkerId{of};
    text = "boom";
    alone = only;
  }
};

TEST_F(InTheView, A_newcomer_hears_the_end_from_a_leader_whom_it_does_not_know_yet) {
  be(3, Epoch{4});
  on(PeerUp{NodeId{1}});
  say(1, Kind::end, End{false, 0, "all is lost", false}.encode());
  ASSERT_NE(end_of(out_), nullptr);
  EXPECT_EQ(end_of(out_)->reason, "all is lost");
}

TEST_F(InTheView, A_leader_whose_worker_fails_alone_goes_and_tells_nobody_to_end) {
  for (const bool alone : {true, false}) {
    out_ = {};
    be(0);
    link({1, 2});
    Boom fail(0, alone);
    on(CallPosted{&fail});
    const bool told = std::any_of(out_.sends.begin(), out_.sends.end(),
                                  [](const auto& s) { return s.kind == Kind::end; });
    EXPECT_EQ(told, !alone);
    if (!alone) continue;
    ASSERT_NE(end_of(out_), nullptr);
    EXPECT_TRUE(end_of(out_)->alone);
    EXPECT_EQ(end_of(out_)->reason, "node 0, worker 0: boom");
  }
}

TEST_F(InTheView, Another_node_whose_worker_fails_alone_tells_the_leader_and_goes_when_it_is_out) {
  be(2);
  link({0, 1});
  Boom fail(2, true);
  on(CallPosted{&fail});
  ASSERT_FALSE(out_.sends.empty());
  const auto told = Failed::decode(out_.sends.back().body);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->what, Failed::What::alone);
  EXPECT_EQ(end_of(out_), nullptr);
  View view = three(Epoch{2});
  view.members.pop_back();
  on(ViewStored{view});
  ASSERT_NE(end_of(out_), nullptr);
  EXPECT_TRUE(end_of(out_)->alone);
  EXPECT_EQ(end_of(out_)->reason, "node 2, worker 2: boom");
}

TEST_F(InTheView, A_leader_goes_on_without_a_node_whose_worker_failed_alone) {
  be(0);
  link({1, 2});
  say(2, Kind::failed, Failed{Failed::What::alone, 7, "boom"}.encode());  // there is no node 7
  EXPECT_EQ(wanted(), "0.10 1.11");
  EXPECT_TRUE(said("node 2, worker 7: boom"));
}

TEST_F(InTheView, When_only_those_are_left_who_have_not_worked_the_job_ends) {
  be(1);
  View view{Epoch{3}, {{NodeId{1}, "tcp:a:1", 1, WorkerId{0}, 11}}};
  view.begun = true;
  on(ViewStored{view});
  on(MessageArrived{{NodeId{1}, NodeId{1}, Epoch{3}, Kind::ready, Ready{}.encode()}});
  ASSERT_EQ(out_.sends.back().kind, Kind::end);
  const auto end = End::decode(out_.sends.back().body);
  EXPECT_FALSE(end->ok);
  EXPECT_NE(end->reason.find("go on from the last checkpoint with --resume"), std::string::npos);
}

}  // namespace
}  // namespace hemiola
