#include "hemiola/average/step_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>

#include "hemiola/core/random.h"
#include "hemiola/core/wire.h"

namespace hemiola {
namespace {

Graph line_of(uint32_t n) {
  std::vector<Edge> edges;
  for (uint32_t w = 0; w + 1 < n; ++w) edges.push_back({w, w + 1});
  return graph_of_edges(n, edges);
}

// A node for each worker, and messages that the test delivers.
struct Job {
  Job(const Graph& graph, GapRule rule, bool ignored = false) {
    for (uint32_t n = 0; n < graph.size(); ++n) {
      gates.push_back(
          std::make_unique<StepGate>(Place{NodeId{n}, graph.size(), 1}, graph, rule, ignored));
    }
  }
  bool free(uint32_t w) const { return gates[w]->may_go_on(WorkerId{w}); }
  uint32_t step(uint32_t w) {
    Outbox out;
    const uint32_t passed = gates[w]->stepped(WorkerId{w}, out);
    keep(w, out);
    return passed;
  }
  void rest(uint32_t w) {
    Outbox out;
    gates[w]->rested(WorkerId{w}, out);
    keep(w, out);
  }
  void keep(uint32_t from, const Outbox& out) {
    for (const auto& send : out.sends) {
      on_the_way.push_back({NodeId{from}, send.to, Epoch{1}, send.kind, send.body});
    }
  }
  void deliver_all() {
    for (; !on_the_way.empty(); on_the_way.pop_front()) {
      gates[on_the_way.front().to.value]->on_message(on_the_way.front());
    }
  }

  std::vector<std::unique_ptr<StepGate>> gates;
  std::deque<Envelope> on_the_way;
};

TEST(StepGate, A_worker_is_held_until_its_neighbour_is_near_enough) {
  Job job(line_of(2), {.most = 2});
  EXPECT_TRUE(job.free(0));
  job.step(0);
  EXPECT_TRUE(job.free(0));
  job.step(0);
  EXPECT_FALSE(job.free(0));
  EXPECT_EQ(job.gates[0]->waits_for(WorkerId{0}), WorkerId{1});
  job.step(1);
  EXPECT_FALSE(job.free(0));
  job.deliver_all();
  EXPECT_TRUE(job.free(0));
  EXPECT_TRUE(job.free(1));
}

TEST(StepGate, One_who_rests_holds_nobody_up_and_the_next_pass_begins_at_zero) {
  Job job(line_of(2), {.most = 1});
  job.step(0);
  EXPECT_FALSE(job.free(0));
  job.rest(1);
  job.deliver_all();
  for (int i = 0; i < 20; ++i) job.step(0);
  EXPECT_TRUE(job.free(0));
  job.rest(0);
  // Node 0 hears last that all rest.
  job.deliver_all();
  job.gates[1]->next_pass();
  job.step(1);
  job.deliver_all();
  EXPECT_FALSE(job.free(1));
  EXPECT_TRUE(job.free(0));
  job.gates[0]->next_pass();
  job.step(0);
  job.deliver_all();
  EXPECT_TRUE(job.free(0) && job.free(1));
  EXPECT_EQ(job.gates[0]->steps(WorkerId{0}), 1u);
}

TEST(StepGate, One_far_behind_passes_steps_over_up_to_the_one_in_front) {
  Job job(line_of(2), {.most = 8, .skip = 5});
  for (int i = 0; i < 3; ++i) job.step(0);
  job.deliver_all();
  EXPECT_EQ(job.step(1), 0u);  // two behind
  for (int i = 0; i < 5; ++i) job.step(0);
  job.deliver_all();
  EXPECT_EQ(job.step(1), 5u);
  EXPECT_EQ(job.gates[1]->steps(WorkerId{1}), 7u);
  EXPECT_EQ(job.step(1), 0u);
  EXPECT_EQ(job.gates[1]->steps(WorkerId{1}), 8u);
}

TEST(StepGate, One_that_is_behind_because_it_was_held_passes_nothing_over) {
  Job job(line_of(3), {.most = 2, .skip = 9});
  for (int i = 0; i < 2; ++i) job.step(1);
  ASSERT_FALSE(job.free(1));
  job.gates[1]->hold(WorkerId{1});
  for (int i = 0; i < 4; ++i) job.step(2);
  job.step(0);  // slow, and not yet told of anything
  job.deliver_all();
  EXPECT_EQ(job.step(1), 0u);  // one behind worker 2, but it was held
  EXPECT_EQ(job.step(1), 0u);  // and now worker 0 is behind
  job.deliver_all();
  EXPECT_EQ(job.step(0), 2u);
}

TEST(StepGate, Messages_that_come_twice_late_or_again_change_nothing) {
  Job job(line_of(2), {.most = 3});
  job.step(0);
  const Envelope early = job.on_the_way.front();
  job.step(0);
  job.deliver_all();
  job.gates[1]->on_message(early);
  for (int i = 0; i < 4; ++i) job.step(1);
  EXPECT_TRUE(job.free(1));  // after four, with the other at two
  job.step(1);
  EXPECT_FALSE(job.free(1));
  job.on_the_way.clear();
  Outbox out;
  job.gates[1]->up_again(NodeId{0}, out);
  job.keep(1, out);
  EXPECT_EQ(job.on_the_way.size(), 1u);
  job.deliver_all();
  for (int i = 0; i < 5; ++i) job.step(0);
  EXPECT_TRUE(job.free(0));
}

TEST(StepGate, What_cannot_be_is_refused) {
  Job job(line_of(3), {.most = 3});
  job.step(2);
  Envelope message = job.on_the_way.front();
  message.from = NodeId{0};
  EXPECT_THROW(job.gates[1]->on_message(message), std::runtime_error);
  message = job.on_the_way.front();
  message.body = message.body.slice(0, 8);
  EXPECT_THROW(job.gates[1]->on_message(message), std::runtime_error);
}

// Whoever may, steps, in any order, with messages as late as it gets.
struct Worst {
  uint32_t neighbours = 0, beyond = 0;
};
Worst worst_gaps(uint64_t seed, const Graph& graph, GapRule rule, bool ignored) {
  Job job(graph, rule, ignored);
  Random random(seed);
  Worst worst;
  for (int turn = 0; turn < 3000; ++turn) {
    const auto w = static_cast<uint32_t>(random.below(graph.size()));
    if (random.chance(0.3) && !job.on_the_way.empty()) {
      job.gates[job.on_the_way.front().to.value]->on_message(job.on_the_way.front());
      job.on_the_way.pop_front();
    }
    if (!job.free(w) || (w == 0 && random.chance(0.9))) continue;
    const uint32_t before = job.gates[w]->steps(WorkerId{w});
    const uint32_t passed = job.step(w);
    EXPECT_LE(passed, rule.skip);
    const auto hops = hops_from(graph, w);
    for (uint32_t other = 0; other < graph.size(); ++other) {
      const uint32_t theirs = job.gates[other]->steps(WorkerId{other});
      const uint32_t own = before + 1 + passed;
      if (own <= theirs || other == w) continue;
      if (hops[other] == 1) worst.neighbours = std::max(worst.neighbours, own - theirs);
      if (own - theirs > hops[other] * rule.most) ++worst.beyond;
    }
  }
  return worst;
}

TEST(StepGate, No_gap_is_larger_than_the_bound_for_each_edge_between_two) {
  int caught = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const GapRule rule{.most = static_cast<uint32_t>(1 + seed % 5),
                       .skip = static_cast<uint32_t>(seed % 3 * 4)};
    const Graph graph = line_of(2 + seed % 6);
    const Worst worst = worst_gaps(seed, graph, rule, false);
    EXPECT_EQ(worst.beyond, 0u) << seed;
    EXPECT_LE(worst.neighbours, rule.most) << seed;
    caught += worst_gaps(seed, graph, rule, true).beyond > 0;
  }
  EXPECT_GT(caught, 50);
}

}  // namespace
}  // namespace hemiola
