#include "hemiola/cluster/coordinator.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/cluster/harness_test.h"

namespace hemiola {
namespace {

// A coordinator of two nodes, spoken to in messages.
class CoordinatorTest : public testing::Test {
 protected:
  CoordinatorTest() {
    options_.nodes = 2;
    options_.address = "tcp:a:1";
    coordinator_.begin(now_);
  }

  // What it says in answer, one text per message: "1: start". A view is in force at once.
  std::vector<std::string> take() {
    std::vector<std::string> all;
    std::optional<View> view;
    for (const auto& s : out_.sends) {
      if (s.kind == Kind::view && s.to == NodeId{0}) view = decode_view(s.body);
      all.push_back(std::to_string(s.to.value) + ": " + describe(s.kind, s.body));
    }
    out_.clear();
    if (view) coordinator_.lead(*view, {}, now_, out_);
    return all;
  }

  std::vector<std::string> tell(uint32_t from, Kind kind, Bytes body) {
    coordinator_.on_message({NodeId{from}, NodeId{0}, Epoch{1}, kind, std::move(body)}, now_, out_);
    return take();
  }

  std::vector<std::string> join(uint32_t node, uint64_t instance) {
    Join join;
    join.rank = NodeId{node}, join.nodes = 2, join.workers = 1, join.instance = instance;
    join.address = "tcp:x" + std::to_string(instance) + ":1";
    return tell(node, Kind::join, join.encode());
  }

  void run() {
    join(0, 1);
    join(1, 2);
    tell(0, Kind::ready, Ready{}.encode());
    tell(1, Kind::ready, Ready{}.encode());
  }

  using Lines = std::vector<std::string>;

  ClusterOptions options_;
  Instant now_;
  Outbox out_;
  Coordinator coordinator_{options_};
};

TEST_F(CoordinatorTest, A_second_process_of_one_rank_is_refused_by_its_instance) {
  join(1, 2);
  EXPECT_EQ(join(1, 3), Lines{"1: end refused: two processes claim to be node 1: the one at "
                              "tcp:x2:1 was first, the one at tcp:x3:1 is refused"});
}

TEST_F(CoordinatorTest, Who_joins_after_the_view_came_too_late) {
  run();
  EXPECT_EQ(join(1, 2), Lines{"1: end refused: node 1 came too late: the job has started without "
                              "that process"});
}

TEST_F(CoordinatorTest, The_start_waits_for_the_last_to_be_ready) {
  join(0, 1);
  EXPECT_EQ(join(1, 2).size(), 2u);  // the view, to both
  EXPECT_EQ(tell(1, Kind::ready, Ready{}.encode()), Lines{});
  EXPECT_EQ(tell(1, Kind::ready, Ready{}.encode()), Lines{});
  EXPECT_EQ(tell(0, Kind::ready, Ready{}.encode()), (Lines{"0: start", "1: start"}));
}

TEST_F(CoordinatorTest, Who_never_gets_ready_is_named) {
  join(0, 1);
  join(1, 2);
  tell(0, Kind::ready, Ready{}.encode());
  now_ = now_ + seconds(61);
  coordinator_.on_tick(now_, out_);
  EXPECT_EQ(take(),
            Lines{"1: end failed: node 1 has no connection to all other nodes: waited 60 s"});
}

TEST_F(CoordinatorTest, A_worker_of_another_node_is_nonsense_and_so_is_an_unreadable_message) {
  run();
  EXPECT_EQ(tell(1, Kind::finished, Finished{WorkerId{0}}.encode()),
            Lines{"1: end failed: node 1 sent the end of another node's worker"});
}

TEST_F(CoordinatorTest, An_unreadable_message_ends_the_job) {
  run();
  EXPECT_EQ(tell(1, Kind::want_block, Bytes::copy_of("abc")),
            Lines{"1: end failed: node 1 sent a message that makes no sense"});
}

TEST_F(CoordinatorTest, Strangers_change_nothing) {
  join(0, 1);
  EXPECT_EQ(tell(7, Kind::ready, Ready{}.encode()), Lines{});
  EXPECT_EQ(tell(1, Kind::join, Bytes::copy_of("abc")), Lines{});
  EXPECT_EQ(tell(1, Kind::failed, Failed{Failed::What::lost, 0, "x"}.encode()), Lines{});
}

TEST_F(CoordinatorTest, The_first_failure_gives_the_reason) {
  run();
  EXPECT_EQ(tell(1, Kind::failed, Failed{Failed::What::worker, 1, "first"}.encode()),
            Lines{"1: end failed: node 1, worker 1: first"});
  EXPECT_EQ(tell(0, Kind::failed, Failed{Failed::What::worker, 0, "second"}.encode()), Lines{});
  EXPECT_EQ(tell(1, Kind::finished, Finished{kNoWorker}.encode()),
            Lines{"0: end failed: node 1, worker 1: first"});
}

TEST_F(CoordinatorTest, The_host_ends_after_a_second_when_another_does_not_answer) {
  run();
  tell(0, Kind::failed, Failed{Failed::What::worker, 0, "x"}.encode());
  now_ = now_ + milliseconds(900);
  coordinator_.on_tick(now_, out_);
  EXPECT_EQ(take(), Lines{});
  now_ = now_ + milliseconds(200);
  coordinator_.on_tick(now_, out_);
  EXPECT_EQ(take(), Lines{"0: end failed: node 0, worker 0: x"});
}

// Three nodes in a job that goes on; a keeper of views accepts what is proposed when asked to.
class GoingOn : public CoordinatorTest {
 protected:
  GoingOn() {
    options_.nodes = 3;
    options_.goes_on = true;
    options_.keeper = ViewKeeper::store;
    for (uint32_t n = 0; n < 3; ++n) come(n, 10 + n);
  }
  void start() {
    accept();
    all_ready({0, 1, 2});
  }

  void come(uint32_t node, uint64_t instance) {
    Join join;
    join.rank = NodeId{node}, join.nodes = 3, join.workers = 1, join.instance = instance;
    join.address = "tcp:x" + std::to_string(instance) + ":1";
    send(node, Kind::join, join.encode());
  }
  void send(uint32_t node, Kind kind, Bytes body) {
    coordinator_.on_message({NodeId{node}, NodeId{0}, Epoch{1}, kind, std::move(body)}, now_, out_);
  }
  void misses(uint32_t witness, uint32_t node) {
    send(witness, Kind::failed, Failed{Failed::What::lost, node, "gone"}.encode());
  }
  void lose(uint32_t node) { coordinator_.on_lost(NodeId{node}, "gone", now_, out_); }
  void wait(Duration d) {
    now_ = now_ + d;
    coordinator_.on_tick(now_, out_);
  }
  void silent(uint32_t node) {
    coordinator_.on_failed({Failed::What::silent, node, "it is silent"}, NodeId{0}, now_, out_);
  }
  // The keeper's word on the latest proposal, or the leader's own; gives it in words:
  // "0.10 1.11 2.12", node and instance.
  std::string accept() {
    View view;
    for (const auto& s : out_.sends) {
      if (s.kind == Kind::view && s.to == NodeId{0}) view = *decode_view(s.body);
    }
    if (!out_.proposals.empty()) view = out_.proposals.back().view;
    if (view.members.empty()) return "";
    out_.clear();
    coordinator_.lead(view, {}, now_, out_);
    std::string text;
    for (const Member& m : view.members) {
      text += (text.empty() ? "" : " ") + std::to_string(m.node.value) + "." +
              std::to_string(m.instance);
    }
    return text;
  }
  void all_ready(std::initializer_list<uint32_t> nodes) {
    Ready ready;  // of nodes that have worked
    ready.agenda.history().begun(View{Epoch{1}, {{NodeId{0}, "", 1, {}, 10}}}, 0, 0, {});
    for (const uint32_t n : nodes) send(n, Kind::ready, ready.encode());
  }
  bool ended() const {
    for (const auto& s : out_.sends) {
      if (s.kind == Kind::end) return true;
    }
    return false;
  }
};

TEST_F(GoingOn, Of_two_who_have_lost_each_other_the_later_goes) {
  start();
  misses(2, 1);
  EXPECT_EQ(accept(), "0.10 1.11");
}

TEST_F(GoingOn, Who_misses_one_that_is_known_to_be_gone_stays) {
  start();
  lose(1);  // the keeper is away
  misses(2, 1);
  wait(seconds(2));
  EXPECT_EQ(accept(), "0.10 2.12");
  misses(2, 1);  // it had sent that before it knew the view
  EXPECT_EQ(accept(), "");
}

TEST_F(GoingOn, A_pass_is_not_closed_with_one_whose_words_may_be_lost) {
  start();
  const auto closes = [&](uint32_t node) {
    send(node, Kind::reduce_part, ReducePart{WorkerId{node}, 0, 0, {1.0}, false}.encode());
    return std::any_of(out_.sends.begin(), out_.sends.end(),
                       [](const auto& s) { return s.kind == Kind::reduce_sum; });
  };
  lose(2);  // and its link is there again before the keeper has answered
  EXPECT_FALSE(closes(0) || closes(1) || closes(2));
  EXPECT_EQ(accept(), "0.10 1.11");
  all_ready({0, 1});
  EXPECT_FALSE(closes(0));
  EXPECT_TRUE(closes(1));
}

TEST_F(GoingOn, A_process_that_waits_to_come_in_may_be_followed_by_another) {
  start();
  lose(2);
  EXPECT_EQ(accept(), "0.10 1.11");
  come(2, 20);
  come(2, 21);
  EXPECT_FALSE(ended());
  all_ready({0, 1});
  EXPECT_EQ(accept(), "0.10 1.11 2.21");
}

TEST_F(GoingOn, All_are_here_and_only_the_keeper_is_missing_which_is_not_the_end) {
  for (int i = 0; i < 100; ++i) wait(seconds(1));
  EXPECT_FALSE(ended());
  EXPECT_EQ(accept(), "0.10 1.11 2.12");
}

TEST_F(GoingOn, When_nobody_gets_ready_the_newest_is_sent_away_and_not_the_job) {
  accept();
  wait(options_.join_timeout);
  EXPECT_FALSE(ended());
  EXPECT_EQ(accept(), "0.10 1.11");
  wait(options_.join_timeout);
  EXPECT_EQ(accept(), "0.10");
  wait(options_.join_timeout);
  EXPECT_FALSE(ended());
  EXPECT_EQ(accept(), "");
}

TEST_F(GoingOn, A_leader_that_keeps_the_view_ends_when_it_hears_of_less_than_half) {
  options_.keeper = ViewKeeper::leader;
  start();
  silent(1);
  EXPECT_EQ(accept(), "0.10 2.12");
  silent(2);
  EXPECT_TRUE(ended());
}

TEST_F(GoingOn, Nodes_that_are_lost_one_by_one_while_the_others_work_leave_the_last_to_go_on) {
  options_.keeper = ViewKeeper::leader;
  start();
  silent(1);
  EXPECT_EQ(accept(), "0.10 2.12");
  all_ready({0, 2});
  out_.clear();
  silent(2);
  EXPECT_FALSE(ended());
  EXPECT_EQ(accept(), "0.10");
}

}  // namespace
}  // namespace hemiola
