#include "hemiola/cluster/machine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/cluster/harness_test.h"
#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

TEST(ClusterMachine, Options_that_make_no_sense_are_refused_at_once) {
  ClusterOptions options;
  options.workers = 0;
  EXPECT_THROW(ClusterMachine{options}, UserError);
}

TEST(ClusterMachine, One_node_starts_and_ends_within_one_event_each) {
  ClusterMachine* machine = nullptr;
  NodeCore core(NodeId{0});
  auto owned = std::make_unique<ClusterMachine>(ClusterOptions{});
  machine = owned.get();
  core.add(MachineId::cluster, std::move(owned));
  ASSERT_EQ(core.machine(MachineId::cluster), machine);
  Outbox out;
  core.on(TimerFired{MachineId::cluster, 0}, {}, out);
  ASSERT_EQ(out.notices.size(), 3u);
  EXPECT_EQ(std::get<ViewChanged>(out.notices[0]).view.nodes(), 1u);
  EXPECT_TRUE(std::holds_alternative<Connected>(out.notices[1]));
  EXPECT_TRUE(std::holds_alternative<JobStarted>(out.notices[2]));
  EXPECT_EQ(core.epoch(), Epoch{1});
  out.clear();

  Finish finish;
  finish.worker = WorkerId{0};
  core.on(CallPosted{&finish}, {}, out);
  ASSERT_EQ(out.completions.size(), 1u);
  ASSERT_EQ(out.notices.size(), 1u);
  EXPECT_TRUE(std::get<JobOver>(out.notices[0]).ok);
  EXPECT_TRUE(out.sends.empty());
  EXPECT_TRUE(out.wakes.empty());
}

TEST(ClusterMachine, A_call_before_the_start_is_answered_with_an_error) {
  Harness h(2, 1);
  h.start(0);
  h.post(std::make_unique<Finish>(), WorkerId{0});
  ASSERT_TRUE(h.completed(WorkerId{0}));
  EXPECT_EQ(h.completed(WorkerId{0})->error,
            "the job has not started: workers call after JobStarted");
}

TEST(ClusterMachine, Messages_of_an_epoch_that_is_over_change_nothing) {
  NodeCore core(NodeId{0});
  core.add(MachineId::cluster, std::make_unique<ClusterMachine>(ClusterOptions{}));
  Outbox out;
  core.on(TimerFired{MachineId::cluster, 0}, {}, out);
  out.clear();
  core.on(MessageArrived{{NodeId{0}, NodeId{0}, Epoch{0}, Kind::ready, {}}}, {}, out);
  EXPECT_TRUE(out.sends.empty());
  ASSERT_EQ(out.lines.size(), 1u);
  EXPECT_EQ(out.lines[0].text, "dropped a message of another epoch from node 0");
}

TEST(ClusterMachine, Another_machine_may_end_the_job_and_all_hear_why) {
  Harness h(3, 1);
  h.start_all();
  h.deliver_all();
  h.inject_notice(1, JobOver{false, "rows of table 0 have two lengths"});
  h.advance(seconds(2));
  ASSERT_TRUE(h.over(2) && h.over(0));
  EXPECT_EQ(h.over(2)->reason, "node 1: rows of table 0 have two lengths");
  EXPECT_EQ(h.over(0)->reason, "node 1: rows of table 0 have two lengths");
}

TEST(ClusterMachine, A_refusal_by_the_link_ends_the_node_without_further_tries) {
  ClusterOptions options;
  options.self = NodeId{1}, options.nodes = 2;
  options.address = "tcp:b:1", options.rendezvous = "tcp:a:1";
  ClusterMachine machine(options);
  Outbox out;
  Event begin{TimerFired{MachineId::cluster, 0}};
  machine.on(begin, {}, out);
  ASSERT_EQ(out.dials.size(), 1u);
  out.clear();
  Event lost{PeerLost{NodeId{0}, "it refused the secret", true}};
  machine.on(lost, {}, out);
  ASSERT_EQ(out.notices.size(), 1u);
  EXPECT_EQ(std::get<JobOver>(out.notices[0]).reason,
            "node 1 cannot reach node 0 at tcp:a:1: it refused the secret");
}

TEST(ClusterMachine, A_finished_worker_does_not_end_the_job_of_the_others) {
  Harness h(2, 2);
  h.start_all();
  h.deliver_all();
  for (uint32_t w = 0; w < 3; ++w) h.post(std::make_unique<Finish>(), WorkerId{w});
  h.advance(seconds(5));
  EXPECT_FALSE(h.over(0));
  EXPECT_FALSE(h.completed(WorkerId{0}));
  h.post(std::make_unique<Finish>(), WorkerId{3});
  h.advance(seconds(1));
  for (uint32_t w = 0; w < 4; ++w) EXPECT_TRUE(h.completed(WorkerId{w}));
  EXPECT_TRUE(h.over(0) && h.over(0)->ok);
  EXPECT_TRUE(h.over(1) && h.over(1)->ok);
}

// Whatever a peer sends, a node ends with a reason at worst.
TEST(ClusterMachine, Random_messages_never_break_a_node) {
  constexpr Kind kKinds[] = {Kind::join,
                             Kind::view,
                             Kind::ready,
                             Kind::start,
                             Kind::heartbeat,
                             Kind::failed,
                             Kind::finished,
                             Kind::end,
                             Kind::want_block,
                             Kind::give_block,
                             Kind::reduce_part,
                             Kind::reduce_sum,
                             static_cast<Kind>(0x01ff)};
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    Harness h(3, 1);
    h.show_messages(false);
    h.start_all();
    if (random.chance(0.8)) h.deliver_all();
    for (int i = 0; i < 10; ++i) {
      MutableBytes noise(random.below(40));
      for (std::byte& b : noise.span()) {
        b = static_cast<std::byte>(random.chance(0.6) ? random.below(4) : random.below(256));
      }
      const Kind kind = kKinds[random.below(std::size(kKinds))];
      h.inject(static_cast<uint32_t>(random.below(4)), static_cast<uint32_t>(random.below(3)), kind,
               std::move(noise).freeze());
    }
    h.advance(seconds(3));
  }
}

}  // namespace
}  // namespace hemiola
