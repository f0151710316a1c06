#include "hemiola/average/mean_at_start.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "hemiola/average/leaver.h"

namespace hemiola {
namespace {

// A view of a few nodes with two workers each; the last `leaving` of them leave.
class MeanAtStartTest : public testing::Test {
 protected:
  void make(const char* rule, uint32_t nodes, uint32_t leaving) {
    AverageOptions options;
    options.rule = parse_average(rule);
    const TableSpec table{"t", 3, 2, 0, {}};
    for (uint32_t n = 0; n < nodes + leaving; ++n) {
      const Place place{NodeId{n}, nodes, 2, leaving};
      sets_.push_back(std::make_unique<ReplicaSet>(std::vector{table}, place, options));
      for (uint32_t w = 0; w < 2; ++w) {
        for (float& v : values(n, w)) v = static_cast<float>(10 * n + w);
        replica(n, w).give_out();
      }
    }
  }
  Replica& replica(uint32_t node, uint32_t worker) {
    const Place& place = sets_[node]->place();
    return sets_[node]->of(WorkerId{place.first_worker().value + worker});
  }
  std::span<float> values(uint32_t node, uint32_t worker) { return replica(node, worker).values(); }

  // All of it; a node that leaves is there as its machine.
  void run() {
    std::vector<std::unique_ptr<MeanAtStart>> means;
    std::vector<std::unique_ptr<AverageLeaver>> leavers;
    std::vector<int> over(sets_.size());
    const uint32_t nodes = sets_[0]->place().nodes;
    for (uint32_t n = 0; n < sets_.size(); ++n) {
      n < nodes ? void(means.push_back(std::make_unique<MeanAtStart>(*sets_[n])))
                : void(leavers.push_back(std::make_unique<AverageLeaver>(*sets_[n])));
    }
    std::deque<Envelope> queue;
    const auto step = [&](uint32_t n, Event event) {
      Outbox out;
      if (n >= nodes) {
        leavers[n - nodes]->on(event, Instant{}, out);
        over[n] += static_cast<int>(out.notices.size());
      } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
        over[n] += means[n]->on_message(arrived->envelope, out);
      } else {
        over[n] += means[n]->begin(out);
      }
      for (auto& s : out.sends) queue.push_back({NodeId{n}, s.to, Epoch{2}, s.kind, s.body});
    };
    for (uint32_t n = 0; n < sets_.size(); ++n) step(n, Notice{Connected{}});
    for (; !queue.empty(); queue.pop_front()) {
      step(queue.front().to.value, MessageArrived{queue.front()});
    }
    for (uint32_t n = 0; n < sets_.size(); ++n) EXPECT_EQ(over[n], 1) << "node " << n;
    for (uint32_t n = 0; n < nodes; ++n) {
      mean_ = means[n]->mean()[0];
      means[n]->give_to_replicas();
    }
  }
  float mean_of_those_who_stay() {
    float sum = 0;
    const uint32_t nodes = sets_[0]->place().nodes;
    for (uint32_t n = 0; n < nodes; ++n) sum += values(n, 0)[5] + values(n, 1)[5];
    return sum / static_cast<float>(2 * nodes);
  }

  std::vector<std::unique_ptr<ReplicaSet>> sets_;
  float mean_ = 0;
};

TEST_F(MeanAtStartTest, Where_nobody_leaves_different_replicas_stay_as_they_are) {
  make("gossip", 3, 0);
  run();
  EXPECT_FLOAT_EQ(mean_, 10.5);
  EXPECT_EQ(values(2, 1)[0], 21);
}

TEST_F(MeanAtStartTest, Of_a_node_that_leaves_the_others_take_up_what_it_had) {
  make("gossip", 2, 2);  // means 0.5, 10.5, 20.5 and 30.5
  run();
  EXPECT_FLOAT_EQ(mean_, 15.5);
  EXPECT_FLOAT_EQ(mean_of_those_who_stay(), 15.5);
  EXPECT_FLOAT_EQ(values(1, 1)[0] - values(0, 0)[0], 11) << "all move by as much";
}

TEST_F(MeanAtStartTest, Replicas_that_are_all_alike_become_the_mean_of_all) {
  make("allreduce", 2, 1);
  run();
  EXPECT_FLOAT_EQ(mean_, 10.5);
  for (uint32_t n = 0; n < 2; ++n) EXPECT_FLOAT_EQ(values(n, 0)[3], 10.5);
}

TEST_F(MeanAtStartTest, Momentum_goes_on_and_is_the_same_on_all_nodes_also_on_one_that_comes) {
  make("outer(2)", 3, 1);
  sets_[1]->set_knows_nothing(true);
  for (const uint32_t n : {0u, 2u, 3u}) sets_[n]->set_carried(std::vector<float>(6, 4.0f));
  run();
  EXPECT_FLOAT_EQ(mean_, 17.1666667);  // of 0, 1, 20, 21, 30 and 31
  for (uint32_t n = 0; n < 3; ++n) {
    EXPECT_FLOAT_EQ(values(n, 1)[2], mean_);
    EXPECT_FLOAT_EQ(sets_[n]->carried()[5], 4);
  }
}

TEST_F(MeanAtStartTest, A_node_that_comes_while_another_leaves_begins_with_the_mean) {
  make("gossip", 2, 1);
  sets_[1]->set_knows_nothing(true);  // and so counts for nothing
  run();
  EXPECT_FLOAT_EQ(mean_, 10.5);  // of 0, 1, 20 and 21
  EXPECT_FLOAT_EQ(values(1, 0)[0], 10.5);
  EXPECT_FLOAT_EQ(values(0, 0)[0] + values(0, 1)[0], 21);
  EXPECT_FALSE(sets_[1]->knows_nothing());
}

}  // namespace
}  // namespace hemiola
