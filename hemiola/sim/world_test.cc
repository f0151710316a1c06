#include "hemiola/sim/world.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <stdexcept>

#include "hemiola/core/check.h"
#include "hemiola/sim/toy_for_test.h"

namespace hemiola::sim {
namespace {

void ask_everyone(WorkerPort& port, uint32_t nodes, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    for (uint32_t n = 0; n < nodes; ++n) {
      EchoCall call(NodeId{n}, port.worker().value * 1000 + static_cast<uint64_t>(i));
      port.call(call);
      EXPECT_EQ(call.answer, call.value + 1);
      port.spend(microseconds(10));
    }
  }
}

Outcome run_with(WorldOptions options, uint32_t nodes = 3, uint32_t workers = 2) {
  Toy toy(std::move(options), nodes, workers,
          [nodes](WorkerPort& port) { ask_everyone(port, nodes, 5); });
  return toy.world.run();
}

TEST(World, Workers_get_their_answers_and_the_job_ends) {
  const Outcome outcome = run_with({});
  EXPECT_TRUE(outcome.finished);
  EXPECT_TRUE(outcome.over.ok);
  EXPECT_EQ(outcome.stuck_reason, "");
  EXPECT_GT(outcome.events, 6u * 15);
  EXPECT_GT(outcome.end.ns, 0);
}

TEST(World, The_same_seed_gives_the_same_run_and_another_seed_another) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.computer.stall_chance = 0.1;
    options.faults = swizzle(
        seed,
        {.nodes = 3, .horizon = milliseconds(20), .longest = milliseconds(2), .drops = false});
    const Outcome first = run_with(options);
    const Outcome second = run_with(options);
    EXPECT_TRUE(first.finished) << first.stuck_reason;
    EXPECT_EQ(first.trace_hash, second.trace_hash);
    EXPECT_EQ(first.end, second.end);
    EXPECT_EQ(first.events, second.events);
    hashes.insert(first.trace_hash);
  }
  EXPECT_EQ(hashes.size(), 20u);
}

TEST(World, Time_is_the_sum_of_latency_and_work_in_a_simple_case) {
  Instant answered;
  Instant computed;
  Toy toy(exact_options(), 2, 1, [&](WorkerPort& port) {
    if (port.worker() != WorkerId{0}) return;
    EchoCall call(NodeId{1}, 7);
    port.call(call);
    answered = port.now();
    port.spend(milliseconds(3));
    computed = port.now();
  });
  EXPECT_TRUE(toy.world.run().finished);
  // Reading the clock costs 20 ns, handing over a call at least 1 ns.
  EXPECT_NEAR(static_cast<double>(answered.ns), 200'000, 40);
  EXPECT_NEAR(static_cast<double>((computed - answered).ns), 3'000'000, 40);
}

TEST(World, Bandwidth_and_the_loops_own_work_take_time) {
  WorldOptions options = exact_options();
  options.network.link_bytes_per_second = 1e6;
  options.loop_cost_per_message = microseconds(10);
  Instant answered;
  Toy toy(options, 2, 1, [&](WorkerPort& port) {
    if (port.worker() != WorkerId{0}) return;
    port.sleep(milliseconds(1));
    const Instant start = port.now();
    EchoCall call(NodeId{1}, 7);
    call.padding = 84;  // so 100 bytes, and 16 come back
    port.call(call);
    answered = Instant{(port.now() - start).ns};
  });
  EXPECT_TRUE(toy.world.run().finished);
  // call, send, link, receive, send, link, receive
  EXPECT_NEAR(static_cast<double>(answered.ns), (10 + 10 + 200 + 10 + 10 + 116 + 10) * 1e3, 60);
}

TEST(World, Messages_of_one_link_arrive_in_order_and_calls_of_one_worker_too) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.network.jitter = milliseconds(1);
    options.network.tail_chance = 0.2;
    Toy toy(options, 3, 1, [&](WorkerPort& port) {
      if (port.worker() == WorkerId{2}) return;
      std::vector<std::unique_ptr<EchoCall>> calls;
      for (uint64_t i = 0; i < 50; ++i) {
        calls.push_back(std::make_unique<EchoCall>(NodeId{2}, i));
        calls.back()->padding = i % 7 * 1000;
        port.post(*calls.back());
      }
      for (auto& call : calls) port.wait(*call);
    });
    EXPECT_TRUE(toy.world.run().finished);
    uint64_t next[2] = {0, 0};
    for (const auto& [from, value] : toy.echoes[2]->seen) EXPECT_EQ(value, next[from.value]++);
    EXPECT_EQ(next[0], 50u);
    EXPECT_EQ(next[1], 50u);
  }
}

TEST(World, Different_seeds_interleave_two_senders_differently) {
  std::set<std::vector<std::pair<NodeId, uint64_t>>> orders;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    WorldOptions options = exact_options();
    options.seed = seed;  // without jitter only the order of what is simultaneous differs
    Toy toy(options, 3, 1, [&](WorkerPort& port) {
      if (port.worker() == WorkerId{2}) return;
      for (uint64_t i = 0; i < 4; ++i) {
        EchoCall call(NodeId{2}, i);
        port.call(call);
      }
    });
    EXPECT_TRUE(toy.world.run().finished);
    orders.insert(toy.echoes[2]->seen);
  }
  EXPECT_GT(orders.size(), 8u);
}

TEST(World, A_call_that_failed_throws_its_error_as_the_callers_mistake) {
  std::string what;
  Toy toy({}, 1, 1, [&](WorkerPort& port) {
    EchoCall call(NodeId{0}, 1);
    call.refused = true;
    try {
      port.call(call);
    } catch (const UserError& error) {
      what = error.what();
    }
  });
  EXPECT_TRUE(toy.world.run().finished);
  EXPECT_EQ(what, "refused");
}

TEST(World, A_workers_exception_leaves_run_and_the_others_are_unwound) {
  int unwound = 0;
  Toy toy({}, 2, 2, [&](WorkerPort& port) {
    if (port.worker() == WorkerId{1}) {
      port.sleep(milliseconds(5));
      throw std::runtime_error("worker 1 is at fault");
    }
    try {
      port.sleep(seconds(1000));
    } catch (const JobEnded&) {
      ++unwound;
      throw;
    }
  });
  try {
    toy.world.run();
    FAIL() << "run() returned";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "worker 1 is at fault");
  }
  EXPECT_EQ(unwound, 3);
}

TEST(World, A_deadlock_is_reported_with_who_waits_where) {
  WorldOptions options;
  options.faults = {cut_one_way(Instant{}, NodeId{0}, NodeId{1}, kWithoutEnd)};
  int unwound = 0;
  Toy toy(options, 2, 1, [&](WorkerPort& port) {
    if (port.worker() == WorkerId{1}) return;
    EchoCall call(NodeId{1}, 1);
    try {
      port.call(call);
    } catch (const JobEnded&) {
      ++unwound;
    }
  });
  const Outcome outcome = toy.world.run();
  EXPECT_FALSE(outcome.finished);
  EXPECT_EQ(unwound, 1);
  EXPECT_TRUE(outcome.stuck_reason.starts_with(
      "nothing more can happen; worker 0 on node 0 waits for the table since 0.00"))
      << outcome.stuck_reason;
}

TEST(World, The_deadline_and_the_limit_of_events_end_a_run) {
  const auto forever = [](WorkerPort& port) {
    for (;;) port.sleep(microseconds(10));
  };
  WorldOptions options;
  options.deadline = Instant{5'000'000};
  Toy late(options, 1, 1, forever);
  Outcome outcome = late.world.run();
  EXPECT_FALSE(outcome.finished);
  EXPECT_EQ(outcome.end.ns, 5'000'000);
  EXPECT_TRUE(outcome.stuck_reason.starts_with("the deadline has come; worker 0 on node 0 sleeps"));

  options = {};
  options.max_events = 1000;
  Toy many(options, 1, 1, forever);
  outcome = many.world.run();
  EXPECT_TRUE(outcome.stuck_reason.starts_with("the limit of events")) << outcome.stuck_reason;
}

TEST(World, A_loop_on_the_clock_comes_to_an_end) {
  Toy toy({}, 1, 2, [](WorkerPort& port) {
    const Instant end = port.now() + milliseconds(2);
    while (port.now() < end) {
    }
  });
  EXPECT_TRUE(toy.world.run().finished);
}

TEST(World, A_world_that_never_ran_is_dropped_quietly) {
  Toy toy({}, 3, 2, [](WorkerPort&) { FAIL(); });
}

TEST(World, A_check_after_each_event_can_stop_the_run) {
  WorldOptions options;
  int events = 0;
  options.after_event = [&] {
    if (++events == 20) throw std::logic_error("broken");
  };
  EXPECT_THROW(run_with(options), std::logic_error);
  EXPECT_EQ(events, 20);
}

TEST(World, Counters_tell_what_each_node_sent) {
  WorldOptions options;
  options.network.frame_bytes = 10;
  Toy toy(options, 2, 1, [](WorkerPort& port) {
    if (port.worker() != WorkerId{0}) return;
    EchoCall call(NodeId{1}, 1);
    call.padding = 100;
    port.call(call);
  });
  toy.world.run();
  EXPECT_EQ(toy.world.counters(NodeId{0}).messages_sent, 1u);
  EXPECT_EQ(toy.world.counters(NodeId{0}).bytes_sent, 126u);
  EXPECT_EQ(toy.world.counters(NodeId{0}).messages_received, 1u);
  EXPECT_EQ(toy.world.counters(NodeId{1}).bytes_sent, 26u);
}

TEST(World, A_slow_computer_takes_longer_and_a_trace_can_be_read) {
  WorldOptions options = exact_options();
  options.record_trace = true;
  options.computer.speeds = {1, 0.5};
  Toy toy(options, 2, 1, [](WorkerPort& port) { port.spend(milliseconds(1)); });
  EXPECT_EQ(toy.world.run().end.ns, 2'000'000);
  const std::string& text = toy.world.trace().text();
  EXPECT_NE(text.find("      1000.000  n0    returned    w0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("      2000.000  n1    returned    w1\n"), std::string::npos) << text;
}

TEST(World, Setting_up_a_world_is_cheap) {
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t seed = 0; seed < 200; ++seed) {
    WorldOptions options;
    options.seed = seed;
    Toy toy(options, 5, 3, [](WorkerPort& port) { port.spend(milliseconds(1)); });
    EXPECT_TRUE(toy.world.run().finished);
  }
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
  RecordProperty("microseconds_per_world", static_cast<int>(taken.count() * 1000 / 200));
  std::printf("%.3f ms per world of 5 x 3 workers\n", taken.count() / 200);
}

}  // namespace
}  // namespace hemiola::sim
