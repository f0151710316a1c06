// Whole jobs under random schedules: which message comes next, who is slow, who dies. Each seed
// is one job; HEMIOLA_CLUSTER_SEED=n in the environment of the test replays one of them aloud.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "hemiola/cluster/harness_test.h"

namespace hemiola {
namespace {

constexpr uint32_t kPasses = 2;

struct Job {
  explicit Job(uint64_t seed) : random(seed), harness(count(5), count(3)) {
    const uint32_t rows = count(5);
    const uint32_t columns = count(5);
    auto grid = std::make_shared<BlockPlan>();
    for (uint32_t b = 0; b < rows * columns; ++b) {
      grid->blocks.push_back({1, b / columns, b % columns});
    }
    plan = grid;
    fixed = random.chance(0.2);
    steps.resize(harness.workers());
  }

  uint32_t count(uint64_t most) { return static_cast<uint32_t>(1 + random.below(most)); }

  Random random;
  Harness harness;
  std::shared_ptr<const BlockPlan> plan;
  bool fixed = false;

  struct Step {
    bool begun = false;
    uint32_t pass = 0;
    bool reducing = false;
    bool finishing = false;
  };
  std::vector<Step> steps;  // by worker
};

// A worker's life: all blocks of a pass, a sum, the next pass, the finish.
void advance_worker(Job& job, WorkerId worker) {
  Job::Step& step = job.steps[worker.value];
  if (step.finishing) return;
  if (step.begun) {
    ClusterCall* last = job.harness.completed(worker);
    if (!last) return;
    if (step.reducing) {
      step.reducing = false;
      const auto workers = static_cast<double>(job.harness.workers());
      EXPECT_EQ(static_cast<Reduce*>(last)->values.at(0), workers);
      ++step.pass;
    } else if (!static_cast<NextBlock*>(last)->block) {
      auto reduce = std::make_unique<Reduce>();
      reduce->round = step.pass;
      reduce->values = {1, 0.1 * worker.value};
      step.reducing = true;
      job.harness.post(std::move(reduce), worker);
      return;
    }
  }
  step.begun = true;
  if (step.pass == kPasses) {
    step.finishing = true;
    job.harness.post(std::make_unique<Finish>(), worker);
    return;
  }
  auto next = std::make_unique<NextBlock>();
  next->pass = step.pass;
  next->seed = 3;
  next->fixed = job.fixed;
  next->plan = job.plan;
  job.harness.post(std::move(next), worker);
}

using Disturb = std::function<void(Job&)>;  // called before each step

bool all_over(const Job& job, uint32_t nodes, std::optional<uint32_t> gone) {
  for (uint32_t n = 0; n < nodes; ++n) {
    if (n != gone && !job.harness.over(n)) return false;
  }
  return true;
}

// Until all nodes are over; `gone` is a node that does not count.
void play(Job& job, const Disturb& disturb, const std::optional<uint32_t>& gone = {}) {
  const auto nodes = job.harness.nodes();
  job.harness.show_messages(true);
  std::vector<uint32_t> order(nodes);
  for (uint32_t n = 0; n < nodes; ++n) order[n] = n;
  shuffle(order, job.random);
  for (uint32_t n : order) {
    for (uint64_t i = job.random.below(4); i > 0; --i) job.harness.deliver_one(job.random);
    job.harness.start(n);
  }
  for (int i = 0; i < 20'000 && !all_over(job, nodes, gone); ++i) {
    disturb(job);
    if (job.random.chance(0.3)) {
      const auto w = static_cast<uint32_t>(job.random.below(job.steps.size()));
      const uint32_t node = job.harness.node_of_worker(WorkerId{w});
      if (node != gone && job.harness.started(node) && !job.harness.over(node)) {
        advance_worker(job, WorkerId{w});
      }
    } else if (!job.harness.deliver_one(job.random) || job.random.chance(0.02)) {
      job.harness.fire_next_timer();
    }
    if (!job.harness.violation().empty()) return;
  }
  EXPECT_TRUE(all_over(job, nodes, gone)) << "the job did not end";
}

std::vector<uint64_t> seeds(uint64_t count) {
  if (const char* one = std::getenv("HEMIOLA_CLUSTER_SEED")) return {std::stoull(one)};
  std::vector<uint64_t> all(count);
  for (uint64_t s = 0; s < count; ++s) all[s] = s;
  return all;
}

// True when the seed went wrong: the caller stops at the first.
bool failed(Job& job, uint64_t seed) {
  if (std::getenv("HEMIOLA_CLUSTER_SEED")) std::cout << job.harness.take_log();
  EXPECT_EQ(job.harness.violation(), "");
  if (testing::Test::HasFailure()) {
    ADD_FAILURE() << "replay: HEMIOLA_CLUSTER_SEED=" << seed
                  << " cluster_test --gtest_filter=ClusterSweep.*";
  }
  return testing::Test::HasFailure();
}

TEST(ClusterSweep, Every_schedule_deals_each_block_once_and_ends_well) {
  for (uint64_t seed : seeds(1500)) {
    Job job(seed);
    play(job, [](Job&) {});
    for (uint32_t n = 0; n < job.harness.nodes(); ++n) {
      EXPECT_TRUE(job.harness.over(n) && job.harness.over(n)->ok);
    }
    for (uint32_t pass = 0; pass < kPasses; ++pass) {
      const auto dealt = job.harness.invariants().dealt().find(pass);
      ASSERT_NE(dealt, job.harness.invariants().dealt().end());
      EXPECT_EQ(dealt->second.size(), job.plan->blocks.size());
    }
    if (failed(job, seed)) return;
  }
}

TEST(ClusterSweep, A_node_that_dies_at_any_moment_after_the_start_ends_all_with_one_reason) {
  size_t died = 0;
  for (uint64_t seed : seeds(1500)) {
    Job job(seed);
    const auto nodes = job.harness.nodes();
    if (nodes == 1) continue;
    const auto victim = static_cast<uint32_t>(job.random.below(nodes));
    std::optional<uint32_t> gone;
    uint64_t left = job.random.below(200);
    const Disturb kill = [&](Job& j) {
      if (gone || !j.harness.started(victim) || j.harness.over(victim) || left-- > 0) return;
      gone = victim;
      ++died;
      j.harness.lose(victim, "connection reset");
    };
    play(job, kill, gone);
    if (gone) {
      std::set<std::string> reasons;
      for (uint32_t n = 0; n < nodes; ++n) {
        if (n == *gone || !job.harness.over(n)) continue;
        EXPECT_FALSE(job.harness.over(n)->reason.empty());
        reasons.insert(job.harness.over(n)->reason);
      }
      EXPECT_LE(reasons.size(), *gone == 0 ? nodes : 1u) << *reasons.begin();
    }
    if (failed(job, seed)) return;
  }
  EXPECT_TRUE(died > 500 || std::getenv("HEMIOLA_CLUSTER_SEED")) << died;
}

TEST(ClusterSweep, A_worker_that_fails_at_any_moment_is_named_on_all_nodes) {
  for (uint64_t seed : seeds(1000)) {
    Job job(seed);
    const WorkerId worker{static_cast<uint32_t>(job.random.below(job.steps.size()))};
    const uint32_t node = job.harness.node_of_worker(worker);
    uint64_t left = job.random.below(100);
    bool thrown = false;
    play(job, [&](Job& j) {
      if (thrown || !j.harness.started(node) || j.harness.over(node) || left-- > 0) return;
      if (j.steps[worker.value].finishing) return;
      thrown = j.steps[worker.value].finishing = true;
      auto fail = std::make_unique<Fail>();
      fail->text = "boom";
      j.harness.post(std::move(fail), worker);
    });
    for (uint32_t n = 0; thrown && n < job.harness.nodes(); ++n) {
      ASSERT_TRUE(job.harness.over(n));
      EXPECT_EQ(job.harness.over(n)->reason, "node " + std::to_string(node) + ", worker " +
                                                 std::to_string(worker.value) + ": boom");
    }
    if (failed(job, seed)) return;
  }
}

// Controls: what the sweep must catch, done on purpose on the way of a message.
size_t caught(const std::function<void(Envelope&)>& tamper) {
  size_t caught = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Job job(seed);
    job.harness.tamper(tamper);
    for (uint32_t n = 0; n < job.harness.nodes(); ++n) job.harness.options(n).workers = 1;
    job.steps.resize(job.harness.workers());
    job.fixed = false;
    job.harness.start_all();
    for (int i = 0; i < 2000 && job.harness.violation().empty(); ++i) {
      if (!job.harness.deliver_one(job.random)) job.harness.fire_next_timer();
      const WorkerId w{static_cast<uint32_t>(job.random.below(job.steps.size()))};
      const uint32_t node = job.harness.node_of_worker(w);
      if (job.harness.started(node) && !job.harness.over(node)) advance_worker(job, w);
    }
    caught += !job.harness.violation().empty();
  }
  return caught;
}

TEST(ClusterSweep, Control_a_block_that_is_given_twice_is_caught) {
  std::optional<uint32_t> last;
  EXPECT_GT(caught([&](Envelope& e) {
              if (e.kind != Kind::give_block) return;
              GiveBlock give = GiveBlock::decode(e.body).value();
              if (!give.block) return;
              if (last) give.block = last;
              last = give.block;
              e.body = give.encode();
            }),
            10u);
}

TEST(ClusterSweep, Control_two_views_of_one_epoch_are_caught) {
  EXPECT_GT(caught([](Envelope& e) {
              if (e.kind != Kind::view) return;
              View view = decode_view(e.body).value();
              view.members.back().address += std::to_string(e.to.value);
              e.body = encode_view(view);
            }),
            10u);
}

TEST(ClusterSweep, Control_a_start_before_all_are_connected_is_caught) {
  size_t caught_early = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Job job(seed);
    job.harness.start_all();
    while (job.harness.deliver_one(job.random)) {
      const auto node = static_cast<uint32_t>(job.random.below(job.harness.nodes()));
      job.harness.inject(0, node, Kind::start, Start{}.encode());
    }
    caught_early += !job.harness.violation().empty();
  }
  EXPECT_GT(caught_early, 10u);
}

}  // namespace
}  // namespace hemiola
