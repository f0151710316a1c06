// groups(M, S) over simulated jobs.
#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/average/groups.h"
#include "tests/average_troubles.h"
#include "tests/average_world.h"

namespace hemiola::averaging {
namespace {

// All sizes and speeds that matter, by seed.
Trial trial_of(uint64_t seed) {
  Trial trial;
  trial.seed = seed;
  Random random(mix(seed, 0x96));
  trial.nodes = 1 + static_cast<uint32_t>(random.below(9));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(3));
  AverageRule& rule = trial.options.rule;
  rule.kind = AverageRule::Kind::groups;
  rule.members = 1 + static_cast<uint32_t>(random.below(5));
  rule.enough = rule.members == 1 ? 1 : 2 + static_cast<uint32_t>(random.below(rule.members - 1));
  trial.options.group_trade_every = 1 + static_cast<uint32_t>(random.below(3));
  trial.options.group_regroup_every = static_cast<uint32_t>(random.below(3)) * 4;
  trial.floats = 1 + static_cast<uint32_t>(random.below(3) ? random.below(20) : 3000);
  trial.network.jitter = microseconds(300);
  const uint64_t slow = random.below(4) ? random.below(trial.workers()) : UINT64_MAX;
  trial.time = [seed, slow](WorkerId w, uint32_t step) {
    const int64_t factor = w.value == slow ? 6 : 1;
    return microseconds(factor * (100 + static_cast<int64_t>(mix(seed, w.value, step) % 2000)));
  };
  return trial;
}

// Calls f with every node's strategy.
template <class F>
void on_every_event(Trial& trial, F&& f) {
  trial.after_event = [f](const std::vector<const Strategy*>& strategies) {
    for (const Strategy* s : strategies) f(static_cast<const GroupRounds&>(*s));
  };
}

// n nodes with a worker each, no jitter, steps of a millisecond.
Trial plain_trial(const char* rule, uint32_t n) {
  Trial trial;
  trial.options.rule = parse_average(rule);
  trial.nodes = n;
  trial.floats = 8;
  trial.network.jitter = Duration{};
  trial.start_spread = Duration{};
  return trial;
}

TEST(AverageGroups, The_mean_stays_whatever_workers_add_and_when) {
  std::map<std::string, uint64_t> reasons;
  uint64_t plans = 0, stale = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Trial trial = trial_of(seed);
    trial.passes = 1 + seed % 3;
    uint64_t most = 0, last = 0;
    on_every_event(trial, [&](const GroupRounds& rounds) {
      most = std::max<uint64_t>(most, rounds.plan(rounds.first()).number);
      last = std::max(last, rounds.stale());
    });
    Result result;
    EXPECT_LT(drift_of_the_mean(trial, &result), 1e-5)
        << seed << " " << result.outcome.stuck_reason;
    for (const auto& [reason, times] : result.reasons) reasons[reason] += times;
    plans += most;
    stale += last;
  }
  EXPECT_GT(plans, 50u);
  EXPECT_GT(stale, 20u);
  for (const char* reason : {"all were ready", "2 of 3 were ready", "3 of 4 were ready",
                             "all that had work left were ready", "another group was free to trade",
                             "another group was busy: one is asked after the next round"}) {
    EXPECT_GT(reasons[reason], 0u) << reason;
  }
}

TEST(AverageGroups, Workers_with_unequal_work_lose_nothing_and_hold_nobody_up) {
  std::map<std::string, uint64_t> reasons;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Trial trial = trial_of(seed);
    trial.passes = 4;
    trial.steps_of = [seed](WorkerId w) {
      return static_cast<uint32_t>(mix(seed, w.value) % 3 * (mix(seed, w.value) % 11));
    };
    Result result;
    EXPECT_LT(drift_of_the_mean(trial, &result), 1e-5)
        << seed << " " << result.outcome.stuck_reason;
    for (const auto& [reason, times] : result.reasons) reasons[reason] += times;
  }
  EXPECT_GT(reasons["all rest and another group asked"], 0u);
}

TEST(AverageGroups, Links_that_fail_and_messages_that_come_twice_change_nothing) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Trial trial = trial_of(seed);
    trial.passes = 2;
    if (trial.nodes == 1) continue;
    Random random(seed);
    if (seed % 2) drop_links(trial, random);
    if (seed % 3) trial.meddle = doubling(seed);
    Result result;
    EXPECT_LT(drift_of_the_mean(trial, &result), 1e-5)
        << seed << " " << result.outcome.stuck_reason;
  }
}

// Also where a step takes less time than a message: then everybody waits for messages only.
TEST(AverageGroups, Without_gradients_all_come_to_the_mean_of_what_they_started_with) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Trial trial = trial_of(seed);
    trial.floats = 7;
    trial.steps = 150;
    trial.options.group_trade_every = 1;
    if (seed % 4 == 0) {
      trial.network.latency = milliseconds(4);
      trial.steps = 1000;
    }
    const Consensus c = consensus_of(trial);
    EXPECT_LT(c.error, 1e-2) << seed << " " << trial.options.rule.name() << " " << trial.workers();
  }
}

// A group that has done all its work takes part as long as others ask it to.
TEST(AverageGroups, Those_who_rest_come_to_the_mean_as_well) {
  Trial trial = plain_trial("groups(3, 2)", 9);
  trial.steps_of = [](WorkerId w) { return w.value < 3 ? 1u : 200u; };
  EXPECT_LT(consensus_of(trial).error, 1e-3);
}

// Workers 0 and 2 are ready at one time, 1 and 3 at another, for ever.
TEST(AverageGroups, Two_halves_of_a_group_do_not_take_turns_for_ever) {
  for (const uint32_t groups : {1u, 2u}) {
    Trial trial = plain_trial("groups(4, 2)", 4 * groups);
    trial.steps = 60;
    trial.time = [](WorkerId w, uint32_t step) {
      return microseconds(step == 0 && w.value % 2 ? 5500 : 10'000);
    };
    EXPECT_LT(consensus_of(trial).error, 1e-3);
  }
}

// Two nodes without a network: messages between them stay until the test delivers them.
struct TwoNodes {
  explicit TwoNodes(const char* rule) {
    AverageOptions options;
    options.rule = parse_average(rule);
    for (uint32_t n = 0; n < 2; ++n) {
      sets[n] = std::make_unique<ReplicaSet>(
          std::vector{TableSpec{.name = "x", .rows = 1, .row_length = 2}}, Place{NodeId{n}, 2, 1},
          options);
      nodes[n].add(MachineId::average, std::make_unique<AverageMachine>(*sets[n]));
      calls[n].worker = WorkerId{n};
    }
  }

  void step(uint32_t n, float by) {
    sets[n]->of(WorkerId{n}).rows()[0] += by;
    nodes[n].on(CallPosted{&calls[n]}, Instant{}, out);
  }
  // All that are not of this kind, and what they lead to.
  void deliver_all_but(Kind kind) {
    std::vector<Outbox::Send> left;
    while (!out.sends.empty()) {
      const Outbox::Send s = out.sends.front();
      out.sends.erase(out.sends.begin());
      if (s.kind == kind) {
        left.push_back(s);
        continue;
      }
      Outbox next;
      nodes[s.to.value].on(MessageArrived{{NodeId{1 - s.to.value}, s.to, {}, s.kind, s.body}},
                           Instant{}, next);
      for (auto& send : next.sends) out.sends.push_back(std::move(send));
    }
    out.sends = std::move(left);
  }
  float value(uint32_t n) const { return sets[n]->of(WorkerId{n}).values()[0]; }

  std::unique_ptr<ReplicaSet> sets[2];
  NodeCore nodes[2] = {NodeCore(NodeId{0}), NodeCore(NodeId{1})};
  StepCall calls[2];
  Outbox out;
};

// Two phases: what a member has got changes nothing until its controller knows that all have all.
TEST(AverageGroups, The_mean_is_taken_only_when_all_of_it_is_with_all) {
  TwoNodes two("groups(2, 2)");
  two.step(0, 4);
  two.step(1, 8);
  two.deliver_all_but(Kind::done);
  ASSERT_EQ(two.out.sends.size(), 1u);
  EXPECT_EQ(two.value(0), 4);
  EXPECT_EQ(two.value(1), 8);
  two.deliver_all_but(Kind::close);
  EXPECT_EQ(two.value(0), 6);
  EXPECT_EQ(two.value(1), 8);
  two.deliver_all_but(Kind::rested);
  EXPECT_EQ(two.value(1), 6);
}

// Where somebody was late. Its values are from another time than the mean that it is given.
TEST(AverageGroups, A_model_sent_to_all_of_a_group_is_caught) {
  uint32_t caught = 0, of = 0;
  for (uint64_t seed = 1; seed <= 80; ++seed) {
    Trial trial = trial_of(seed);
    const AverageRule& rule = trial.options.rule;
    if (rule.enough >= first_plan(trial.workers(), rule.members).groups[0].size()) continue;
    trial.options.sabotage = AverageSabotage::model_to_all;
    ++of;
    caught += drift_of_the_mean(trial) > 1e-3;
  }
  EXPECT_GT(of, 10u);
  EXPECT_EQ(caught, of);
}

TEST(AverageGroups, The_same_seed_gives_the_same_bits) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Trial trial = trial_of(seed);
    trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
      for (float& v : x) v += 0.1f * static_cast<float>(mix(w.value, step) % 100);
    };
    const Result one = run(trial), two = run(trial);
    EXPECT_EQ(one.outcome.trace_hash, two.outcome.trace_hash);
    EXPECT_EQ(one.values, two.values);
  }
}

// Quadratics with a minimum of each worker's own.
void descend(Trial& trial) {
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    for (size_t i = 0; i < x.size(); ++i) {
      const auto target = static_cast<float>(mix(w.value, step, i) % 100);
      x[i] -= 0.1f * (x[i] - target);
    }
  };
}

TEST(AverageGroups, One_group_that_waits_for_all_is_the_exact_mean_of_all) {
  std::vector<std::vector<float>> values;
  for (const char* rule : {"allreduce", "groups(6, 6)", "groups(99, 99)"}) {
    Trial trial = plain_trial(rule, 3);
    trial.workers_per_node = 2;
    trial.time = [](WorkerId w, uint32_t step) {
      return microseconds(100 + static_cast<int64_t>(mix(w.value, step) % 3000));
    };
    descend(trial);
    values.push_back(run(trial).values[4]);
  }
  for (size_t i = 0; i < values[0].size(); ++i) {
    EXPECT_NEAR(values[0][i], values[1][i], 1e-4);
    EXPECT_EQ(values[1][i], values[2][i]);
  }
}

TEST(AverageGroups, One_worker_descends_as_if_alone) {
  for (const char* rule : {"groups(4, 3)", "groups(1)"}) {
    Trial trial = plain_trial(rule, 1);
    descend(trial);
    std::vector<float> x(trial.floats);
    for (uint32_t step = 0; step < trial.steps; ++step) trial.change(WorkerId{0}, step, x);
    const auto values = run(trial).values[0];
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(values[i], x[i], 1e-4);
  }
}

// Then a group's mean is its worker's values, and a trade takes both to the middle.
TEST(AverageGroups, Groups_of_one_are_pairs_that_meet_in_the_middle) {
  Trial trial = plain_trial("groups(1)", 2);
  trial.steps = 1;
  const auto wanted = mean_of(scattered_starts(trial));
  const Result result = run(trial);
  EXPECT_LT(result.furthest_from(wanted), 1e-5);
  EXPECT_EQ(result.reasons.at("another group was free to trade"), 1u);

  Trial many = trial_of(4);
  many.options.rule = parse_average("groups(1)");
  many.nodes = 16;
  many.floats = 3;
  many.steps = 250;
  EXPECT_LT(consensus_of(many).error, 1e-3);
}

// A trade counts members: a group of three weighs more than one of two.
TEST(AverageGroups, Trades_are_weighted_by_the_sizes_of_groups) {
  Trial trial = plain_trial("groups(3, 3)", 5);
  trial.steps = 1;
  const auto wanted = mean_of(scattered_starts(trial));
  EXPECT_LT(run(trial).furthest_from(wanted), 1e-4);
}

TEST(AverageGroups, A_member_sends_what_the_pattern_says) {
  for (const uint32_t m : {2u, 4u, 7u}) {
    Trial trial = plain_trial("allreduce", m);
    trial.options.rule = {.kind = AverageRule::Kind::groups, .members = m, .enough = m};
    trial.floats = 28'000;
    uint64_t blocks = 0;
    size_t largest_note = 0;
    trial.meddle = [&](std::vector<Outbox::Send>& sends, size_t first) {
      for (size_t i = first; i < sends.size(); ++i) {
        const Kind kind = sends[i].kind;
        const bool note = kind >= Kind::mix && kind != Kind::block && kind != Kind::block_delta;
        if (note) largest_note = std::max(largest_note, sends[i].body.size());
      }
    };
    trial.steps = 10;
    const Result with = run(trial);
    trial.steps = 0;
    blocks = with.bytes_sent - run(trial).bytes_sent;
    const double wanted = m * 10 * 2.0 * (m - 1) / m * trial.floats * sizeof(float);
    EXPECT_NEAR(static_cast<double>(blocks), wanted, 0.01 * wanted) << m;
    EXPECT_LE(largest_note, 100u);
  }
}

// Steps per second until the first worker has no work left.
double speed_of(const Result& result) {
  Instant end{INT64_MAX};
  for (const auto& ends : result.step_ends) end = std::min(end, ends.back());
  uint64_t steps = 0;
  for (const auto& ends : result.step_ends) {
    for (const Instant at : ends) steps += at <= end;
  }
  return static_cast<double>(steps) / (end - Instant{}).seconds();
}

// The bar.
TEST(AverageGroups, Four_groups_of_four_are_three_times_as_fast_as_one_with_one_slow_worker) {
  double speed[3] = {};
  const char* rules[] = {"allreduce", "groups(4, 4)", "groups(4, 3)"};
  for (int i = 0; i < 3; ++i) {
    Trial trial = plain_trial(rules[i], 16);
    trial.steps = 150;
    trial.floats = 1000;
    trial.time = [](WorkerId w, uint32_t step) {
      const auto base = 1000 + static_cast<int64_t>(mix(w.value, step) % 200);
      return microseconds(w.value == 5 ? 6 * base : base);
    };
    trial.options.group_regroup_every = 0;
    descend(trial);
    speed[i] = speed_of(run(trial));
  }
  printf("steps/s: one group %.0f, 4 x 4 %.0f (%.2f x), 3 of 4 %.0f (%.2f x)\n", speed[0], speed[1],
         speed[1] / speed[0], speed[2], speed[2] / speed[0]);
  EXPECT_GE(speed[1], 3 * speed[0]);
  EXPECT_GE(speed[2], 3 * speed[0]);
}

TEST(AverageGroups, Equally_fast_workers_come_together) {
  double speed[2] = {};
  for (const uint32_t every : {0u, 8u}) {
    Trial trial = plain_trial("groups(4, 4)", 16);
    trial.steps = 200;
    // One slow worker in each of the first groups.
    trial.time = [](WorkerId w, uint32_t step) {
      const auto base = 1000 + static_cast<int64_t>(mix(w.value, step) % 200);
      return microseconds(w.value % 4 == 1 ? 5 * base : base);
    };
    trial.options.group_regroup_every = every;
    GroupPlan last;
    on_every_event(trial, [&](const GroupRounds& rounds) {
      const GroupPlan& plan = rounds.plan(rounds.first());
      if (plan.number > last.number) last = plan;
    });
    descend(trial);
    const Result result = run(trial);
    ASSERT_TRUE(result.outcome.finished) << result.outcome.stuck_reason;
    speed[every > 0] = speed_of(result);
    EXPECT_EQ(last.number, every > 0 ? 1u : 0u);
    if (every > 0) {
      EXPECT_EQ(last.groups.back(), (std::vector<uint32_t>{1, 5, 9, 13}));
    }
  }
  printf("steps/s: groups as they were %.0f, by speed %.0f\n", speed[0], speed[1]);
  EXPECT_GT(speed[1], 2 * speed[0]);
}

// Only with the option; who is missing then loses nothing.
TEST(AverageGroups, With_patience_a_round_goes_on_without_who_is_silent) {
  for (const double patience : {0.0, 0.02}) {
    Trial trial = plain_trial("groups(4, 4)", 4);
    trial.options.group_patience_seconds = patience;
    trial.steps = 30;
    trial.time = [](WorkerId w, uint32_t step) {
      return milliseconds(w.value == 2 && step == 3 ? 500 : 1);
    };
    Result result;
    EXPECT_LT(drift_of_the_mean(trial, &result), 1e-5);
    const bool went_on = result.step_ends[0][10] < Instant{milliseconds(400).ns};
    EXPECT_EQ(went_on, patience > 0);
    EXPECT_EQ(result.reasons.contains("3 of 4 were ready when the time was up"), patience > 0);
  }
}

}  // namespace
}  // namespace hemiola::averaging
