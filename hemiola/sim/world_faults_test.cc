#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/sim/toy_for_test.h"
#include "hemiola/sim/world.h"

namespace hemiola::sim {
namespace {

constexpr NodeId kA{0};
constexpr NodeId kB{1};

using Texts = std::vector<std::string>;

// Worker 0 asks node 1 once every `pause`, without waiting; the rest sleeps as long.
struct Asker {
  std::vector<std::unique_ptr<EchoCall>> calls;
  int count = 10;
  Duration pause = milliseconds(1);

  void operator()(WorkerPort& port) {
    for (int i = 0; i < count; ++i) {
      if (port.worker() == WorkerId{0}) {
        calls.push_back(std::make_unique<EchoCall>(kB, static_cast<uint64_t>(i)));
        port.post(*calls.back());
      }
      port.sleep(pause);
    }
    port.sleep(milliseconds(20));
  }

  std::vector<uint64_t> answered() const {
    std::vector<uint64_t> values;
    for (const auto& call : calls) {
      if (call->done) values.push_back(call->value);
    }
    return values;
  }
};

TEST(WorldFaults, A_lost_connection_loses_what_is_underway_and_comes_back) {
  WorldOptions options = exact_options();
  options.network.latency = microseconds(600);
  // Question 2 leaves at 2.0 ms and is on its way; 3 and 4 leave without one; the answer
  // to 1 would have come at 2.2 ms.
  options.faults = {drop_link(Instant{2'100'000}, kA, kB, milliseconds(1))};
  Asker asker;
  Toy toy(options, 2, 1, std::ref(asker));
  EXPECT_TRUE(toy.world.run().finished);
  EXPECT_EQ(asker.answered(), (std::vector<uint64_t>{0, 5, 6, 7, 8, 9}));
  for (Echo* echo : toy.echoes) {
    EXPECT_EQ(echo->links, (Texts{"up", "connection lost", "again"}));
    EXPECT_EQ(echo->link_times[1].ns, 2'100'000);
    EXPECT_EQ(echo->link_times[2].ns, 3'100'000 + 2 * 600'000);
  }
  EXPECT_EQ(toy.world.counters(kA).messages_lost, 3u);
  EXPECT_EQ(toy.world.counters(kB).messages_lost, 1u);
}

TEST(WorldFaults, Both_ends_hear_of_a_loss_before_they_hear_that_it_is_over) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.network.notice = milliseconds(2);
    for (int i = 0; i < 5; ++i) {
      options.faults.push_back(drop_link(Instant{i * 1'500'000}, kA, kB, microseconds(10)));
    }
    Asker asker;
    Toy toy(options, 2, 1, std::ref(asker));
    EXPECT_TRUE(toy.world.run().finished);
    for (Echo* echo : toy.echoes) {
      ASSERT_GE(echo->links.size(), 3u);
      EXPECT_EQ(echo->links.back(), "again");
      for (size_t i = 1; i < echo->links.size(); ++i) EXPECT_NE(echo->links[i], echo->links[i - 1]);
    }
  }
}

TEST(WorldFaults, The_other_end_of_a_half_open_connection_notices_late) {
  WorldOptions options = exact_options();
  options.faults = {half_open(Instant{2'100'000}, kA, kB, milliseconds(5))};
  Asker asker;
  Toy toy(options, 2, 1, std::ref(asker));
  toy.world.run();
  EXPECT_EQ(toy.echoes[0]->links, (Texts{"up", "connection lost"}));
  EXPECT_EQ(toy.echoes[1]->links, (Texts{"up", "connection lost"}));
  EXPECT_EQ(toy.echoes[0]->link_times[1].ns, 2'100'000);
  EXPECT_EQ(toy.echoes[1]->link_times[1].ns, 7'100'000);
  for (const Instant came : toy.echoes[1]->arrivals) EXPECT_LT(came.ns, 2'200'000);
}

TEST(WorldFaults, A_connection_lost_for_ever_does_not_come_back) {
  WorldOptions options = exact_options();
  options.faults = {drop_link(Instant{2'050'000}, kA, kB, kWithoutEnd)};
  Asker asker;
  Toy toy(options, 2, 1, std::ref(asker));
  EXPECT_TRUE(toy.world.run().finished);
  EXPECT_EQ(asker.answered(), (std::vector<uint64_t>{0, 1}));
  EXPECT_EQ(toy.echoes[0]->links, (Texts{"up", "connection lost"}));
}

TEST(WorldFaults, A_one_way_cut_holds_messages_and_lets_them_go_in_order) {
  WorldOptions options = exact_options();
  options.faults = {cut_one_way(Instant{2'500'000}, kA, kB, milliseconds(4))};
  Asker asker;
  Toy toy(options, 2, 1, std::ref(asker));
  EXPECT_TRUE(toy.world.run().finished);
  EXPECT_EQ(asker.answered().size(), 10u);
  const Echo& b = *toy.echoes[1];
  ASSERT_EQ(b.seen.size(), 10u);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(b.seen[i].second, i);
  EXPECT_LT(b.arrivals[2].ns, 2'500'000);
  for (size_t i = 3; i <= 6; ++i) EXPECT_EQ(b.arrivals[i].ns, 6'500'000) << i;
  EXPECT_GT(b.arrivals[7].ns, 7'000'000);
  EXPECT_EQ(b.links, (Texts{"up"}));  // nobody is told
}

TEST(WorldFaults, A_cut_in_the_way_of_the_answers_still_lets_the_questions_through) {
  WorldOptions options = exact_options();
  options.faults = {cut_one_way(Instant{}, kB, kA, kWithoutEnd)};
  Asker asker;
  Toy toy(options, 2, 1, std::ref(asker));
  EXPECT_TRUE(toy.world.run().finished);
  EXPECT_EQ(toy.echoes[1]->seen.size(), 10u);
  EXPECT_TRUE(asker.answered().empty());
}

TEST(WorldFaults, A_clog_delays_one_direction_for_a_while) {
  WorldOptions options = exact_options();
  options.faults = {clog(Instant{1'500'000}, kA, kB, milliseconds(1), milliseconds(5))};
  Asker asker;
  Toy toy(options, 2, 1, std::ref(asker));
  EXPECT_TRUE(toy.world.run().finished);
  const auto& arrivals = toy.echoes[1]->arrivals;
  ASSERT_EQ(arrivals.size(), 10u);
  EXPECT_NEAR(static_cast<double>(arrivals[1].ns), 1'100'000, 50);
  EXPECT_NEAR(static_cast<double>(arrivals[2].ns), 7'100'000, 50);
  EXPECT_GT(arrivals[3], arrivals[2]);  // no overtaking, and so late as well
  EXPECT_NEAR(static_cast<double>(arrivals[9].ns), 9'100'000, 50);
}

TEST(WorldFaults, A_frozen_node_handles_what_piled_up_when_it_wakes) {
  WorldOptions options = exact_options();
  options.faults = {freeze(Instant{2'050'000}, kB, milliseconds(4))};
  Asker asker;
  Toy toy(options, 2, 1, std::ref(asker));
  EXPECT_TRUE(toy.world.run().finished);
  const auto& arrivals = toy.echoes[1]->arrivals;
  ASSERT_EQ(arrivals.size(), 10u);
  for (size_t i = 2; i <= 5; ++i) EXPECT_EQ(arrivals[i].ns, 6'050'000) << i;
  EXPECT_GT(arrivals[6].ns, 6'050'000);
  EXPECT_EQ(asker.answered().size(), 10u);
  EXPECT_EQ(toy.echoes[0]->links, (Texts{"up"}));
}

TEST(WorldFaults, Work_goes_on_after_the_ice_and_sleep_goes_on_within_it) {
  WorldOptions options = exact_options();
  options.faults = {freeze(Instant{1'000'000}, kA, milliseconds(10)),
                    freeze(Instant{12'000'000}, kA, milliseconds(1))};
  std::vector<Instant> ends(3);
  Toy toy(options, 1, 3, [&](WorkerPort& port) {
    if (port.worker() == WorkerId{0}) port.spend(milliseconds(4));
    if (port.worker() == WorkerId{1}) port.sleep(milliseconds(4));
    if (port.worker() == WorkerId{2}) port.sleep(milliseconds(20));
    ends[port.worker().value] = port.now();
  });
  EXPECT_TRUE(toy.world.run().finished);
  EXPECT_NEAR(static_cast<double>(ends[0].ns), 15e6, 30);
  EXPECT_NEAR(static_cast<double>(ends[1].ns), 11e6, 30);
  EXPECT_NEAR(static_cast<double>(ends[2].ns), 20e6, 30);
}

TEST(WorldFaults, A_node_frozen_for_ever_is_named_and_a_thaw_wakes_it) {
  WorldOptions options;
  options.faults = {freeze(Instant{}, kB, kWithoutEnd)};
  const auto ask = [](WorkerPort& port) {
    EchoCall call(kB, 1);
    port.call(call);
  };
  Toy stuck(options, 2, 1, ask);
  const Outcome outcome = stuck.world.run();
  EXPECT_FALSE(outcome.finished);
  EXPECT_NE(outcome.stuck_reason.find("node 1 is frozen"), std::string::npos)
      << outcome.stuck_reason;

  options.faults.push_back(thaw(Instant{7'000'000}, kB));
  Toy woken(options, 2, 1, ask);
  EXPECT_TRUE(woken.world.run().finished);
  EXPECT_GT(woken.world.now().ns, 7'000'000);
}

TEST(WorldFaults, A_killed_node_is_lost_to_its_peers_and_its_worker_does_not_go_on) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    WorldOptions options = exact_options();
    options.seed = seed;
    options.faults = {kill(Instant{3'500'000}, kB)};
    int steps = 0;
    Toy toy(options, 3, 1, [&](WorkerPort& port) {
      for (int i = 0; i < 10; ++i) {
        if (port.worker() == WorkerId{1}) ++steps;
        port.sleep(milliseconds(1));
      }
    });
    EXPECT_TRUE(toy.world.run().finished);
    EXPECT_EQ(steps, 4);
    EXPECT_FALSE(toy.world.alive(kB));
    EXPECT_EQ(toy.echoes[0]->links, (Texts{"up", "up", "connection closed by the other end"}));
    EXPECT_EQ(toy.echoes[0]->link_times.back().ns, 3'600'000);
    EXPECT_EQ(toy.echoes[1]->links.size(), 2u);
  }
}

TEST(WorldFaults, What_a_killed_node_had_sent_comes_before_the_news_or_not_at_all) {
  int arrived = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    WorldOptions options = exact_options();
    options.seed = seed;
    options.faults = {kill(Instant{1'050'000}, kA)};
    Asker asker;
    Toy toy(options, 2, 1, std::ref(asker));
    toy.world.run();
    const Echo& b = *toy.echoes[1];
    arrived += b.seen.size() == 2;
    EXPECT_LE(b.arrivals.back(), b.link_times.back());
  }
  EXPECT_GT(arrived, 5);
  EXPECT_LT(arrived, 35);
}

TEST(WorldFaults, A_slow_span_stretches_the_work_begun_in_it) {
  WorldOptions options = exact_options();
  options.faults = {slow(Instant{1'000'000}, kA, milliseconds(1), 5)};
  Toy toy(options, 1, 1, [](WorkerPort& port) {
    port.spend(microseconds(1500));  // begun before
    port.spend(milliseconds(1));     // begun at 1.5 ms
    port.spend(milliseconds(1));     // begun after
  });
  EXPECT_EQ(toy.world.run().end.ns, 1'500'000 + 5'000'000 + 1'000'000);
}

TEST(WorldFaults, A_fault_that_names_no_node_is_refused_in_words) {
  WorldOptions options;
  options.faults = {kill(Instant{}, NodeId{9})};
  Toy toy(options, 2, 1, [](WorkerPort& port) { port.sleep(milliseconds(1)); });
  EXPECT_THROW(toy.world.run(), UserError);
}

TEST(WorldFaults, Faults_can_be_injected_while_it_runs) {
  Toy* all = nullptr;
  Toy toy(exact_options(), 2, 1, [&](WorkerPort& port) {
    if (port.worker() == WorkerId{0}) {
      all->world.inject(drop_link({}, kA, kB, milliseconds(1)));
    }
    port.sleep(milliseconds(10));
  });
  all = &toy;
  EXPECT_TRUE(toy.world.run().finished);
  EXPECT_EQ(toy.echoes[1]->links, (Texts{"up", "connection lost", "again"}));
}

TEST(WorldFaults, A_drawn_schedule_ends_without_a_crash_and_the_same_way_each_time) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SwizzleOptions swizzled{.nodes = 4, .horizon = milliseconds(30), .longest = milliseconds(8)};
    swizzled.kills = seed % 3;
    swizzled.faults_per_node = 4;
    uint64_t hashes[2];
    for (uint64_t& hash : hashes) {
      WorldOptions options;
      options.seed = seed;
      options.faults = swizzle(seed, swizzled);
      options.deadline = Instant{200'000'000};
      Toy toy(options, 4, 2, [](WorkerPort& port) {
        for (uint64_t i = 0; i < 20; ++i) {
          EchoCall call(NodeId{static_cast<uint32_t>((port.worker().value + i) % 4)}, i);
          port.call(call);
          port.spend(milliseconds(1));
        }
      });
      hash = toy.world.run().trace_hash;
    }
    EXPECT_EQ(hashes[0], hashes[1]);
  }
}

}  // namespace
}  // namespace hemiola::sim
