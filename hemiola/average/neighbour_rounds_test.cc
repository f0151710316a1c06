// One worker of two, told by hand what the other says. Whole jobs: tests/average_consensus_test.cc,
// average_backup_test.cc, average_rounds_loss_test.cc.
#include "hemiola/average/neighbour_rounds.h"

#include <gtest/gtest.h>

#include "hemiola/average/machine.h"
#include "hemiola/average/messages.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

struct One {
  ReplicaSet set;
  AverageMachine machine;
  StepCall step;
  Outbox out;

  explicit One(const std::string& rule, uint32_t nodes = 2, const std::string& topology = "")
      : set({TableSpec{.name = "x", .rows = 1, .row_length = 2}}, Place{NodeId{0}, nodes, 1},
            options(rule, topology)),
        machine(set) {
    step.worker = WorkerId{0};
  }
  static AverageOptions options(const std::string& rule, const std::string& topology) {
    AverageOptions options;
    options.rule = parse_average(rule);
    options.topology = topology;
    return options;
  }

  void on(Event event) {
    out.clear();
    machine.on(event, Instant{}, out);
  }
  void ends_step(float x) {
    set.of(WorkerId{0}).rows()[0] += x;
    on(CallPosted{&step});
  }
  void hears(Kind kind, uint32_t round, std::vector<float> floats = {}, uint32_t from = 1) {
    const PeerHead head{WorkerId{from}, WorkerId{0}, round, 0};
    on(MessageArrived{{NodeId{1}, NodeId{0}, Epoch{}, kind, with_floats(head, floats)}});
  }
  std::vector<Kind> sent() const {
    std::vector<Kind> kinds;
    for (const auto& send : out.sends) kinds.push_back(send.kind);
    return kinds;
  }
  bool goes_on() const { return out.completions.size() == 1; }
  float value() { return set.of(WorkerId{0}).values()[0]; }
};

using Kinds = std::vector<Kind>;

TEST(NeighbourRounds, A_round_of_backup_is_done_and_close_and_mix) {
  One one("backup");
  one.ends_step(8);
  EXPECT_EQ(one.sent(), Kinds{Kind::done});
  one.hears(Kind::done, 0);
  EXPECT_EQ(one.sent(), (Kinds{Kind::close, Kind::mix}));
  EXPECT_FALSE(one.goes_on());
  one.hears(Kind::mix, 0, {2, 0});
  EXPECT_TRUE(one.goes_on());
  EXPECT_EQ(one.value(), 5);
}

TEST(NeighbourRounds, Who_computes_when_a_round_is_closed_says_so_at_once_and_enters_the_next) {
  One one("backup");
  one.hears(Kind::done, 0);
  EXPECT_TRUE(one.out.sends.empty());
  one.hears(Kind::close, 0);
  EXPECT_EQ(one.sent(), Kinds{Kind::skip});
  one.ends_step(8);
  EXPECT_EQ(one.sent(), Kinds{Kind::done});
  EXPECT_EQ(one.value(), 8);
}

TEST(NeighbourRounds, A_round_of_consensus_is_one_mix_each) {
  One one("consensus");
  one.hears(Kind::mix, 0, {2, 0});
  EXPECT_TRUE(one.out.sends.empty());
  one.ends_step(8);
  EXPECT_EQ(one.sent(), Kinds{Kind::mix});
  EXPECT_TRUE(one.goes_on());
  EXPECT_EQ(one.value(), 5);
}

TEST(NeighbourRounds, A_message_that_cannot_be_changes_nothing_and_leaves_a_line) {
  One one("backup");
  one.ends_step(8);
  const auto refused = [&](Kind kind, uint32_t round, std::vector<float> floats = {},
                           uint32_t from = 1) {
    one.hears(kind, round, std::move(floats), from);
    EXPECT_EQ(one.out.lines.size(), 1u) << static_cast<int>(kind) << " " << round;
    EXPECT_TRUE(one.out.sends.empty());
    EXPECT_FALSE(one.goes_on());
  };
  refused(Kind::mix, 0, {2, 0});     // before its `done`
  refused(Kind::mix, 0, {2, 0, 1});  // of another model
  refused(Kind::done, 0, {2});       // with something behind
  refused(Kind::done, 1u << 30);     // of a round that cannot have begun
  refused(Kind::done, 0, {}, 0);     // of this worker itself
  refused(Kind::done, 0, {}, 9);     // of nobody
  refused(Kind::whole, 3);           // of an epoch that has not begun
  refused(Kind::propose, 0);         // of another strategy
  one.hears(Kind::done, 0);
  refused(Kind::skip, 0);  // it has said the contrary
  one.hears(Kind::mix, 0, {2, 0});
  EXPECT_TRUE(one.goes_on());
  EXPECT_EQ(one.value(), 5);
}

// All that the other may have missed: that the first round was closed and taken part in, with the
// replica, and that this worker is ready for the second.
TEST(NeighbourRounds, When_a_link_is_back_what_may_be_lost_is_said_again) {
  One one("backup");
  one.ends_step(8);
  one.hears(Kind::done, 0);
  one.hears(Kind::mix, 0, {2, 0});
  one.ends_step(1);
  one.on(PeerUp{NodeId{1}, true});
  EXPECT_EQ(one.sent(), (Kinds{Kind::done, Kind::done, Kind::close, Kind::mix}));
  one.hears(Kind::done, 1);
  one.on(PeerUp{NodeId{1}, true});
  for (const Kind kind : one.sent()) EXPECT_NE(kind, Kind::mix);
}

TEST(NeighbourRounds, Topologies_are_what_the_user_says_or_what_suits) {
  const auto graph = [](uint32_t nodes, const std::string& topology) {
    One one("consensus", nodes, topology);
    return dynamic_cast<const NeighbourRounds&>(one.machine.strategy()).graph();
  };
  EXPECT_EQ(edges_of(graph(4, "")).size(), 4u);
  EXPECT_EQ(edges_of(graph(10, "")).size(), 20u);
  EXPECT_EQ(edges_of(graph(10, "star")).size(), 9u);
  EXPECT_THROW(graph(10, "one-peer"), UserError);
}

}  // namespace
}  // namespace hemiola
