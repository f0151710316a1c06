// Encoded values between workers (consensus, backup, gossip, pushsum) over simulated jobs: the sum
// stays whatever a codec leaves out and whatever happens to messages, and all come to the mean.
#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/average/codec.h"
#include "hemiola/core/check.h"
#include "tests/average_troubles.h"

namespace hemiola::averaging {
namespace {

const char* const kLossy[] = {"bf16",        "quantise(8)", "quantise(4)",
                              "quantise(2)", "topk(0.1)",   "lowrank(2)"};
const char* const kRules[] = {"consensus", "backup",    "backup(search)", "gossip",
                              "pushsum",   "groups(3)", "groups(4, 2)"};

// Those that the rule takes.
std::vector<const char*> codecs_for(std::string_view rule) {
  if (rule.starts_with("groups")) return {"bf16", "quantise(8)", "quantise(4)"};
  return {std::begin(kLossy), std::end(kLossy)};
}

class AverageCodec : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Rules, AverageCodec, testing::ValuesIn(kRules), [](const auto& at) {
  std::string name = at.param;
  if (name == "backup(search)") return std::string("search");
  std::erase_if(name, [](char c) { return !std::isalnum(c); });
  return name;
});

Trial trial_of(const char* rule, const char* codec, uint64_t seed) {
  Trial trial;
  trial.seed = seed;
  trial.options.rule = parse_average(rule);
  trial.options.codec = codec;
  trial.options.steps_by_mass = false;  // so that what was added is what there must be
  trial.options.topology = "ring";
  trial.nodes = 6;
  trial.floats = 200;
  trial.network.jitter = microseconds(200);
  trial.time = [seed](WorkerId w, uint32_t step) {
    return microseconds(200 + static_cast<int64_t>(mix(seed, w.value, step) % 2000));
  };
  return trial;
}

Trial troubled_trial(const char* rule, uint64_t seed) {
  const char* const topologies[] = {"", "ring", "complete", "star", "tree"};
  Random random(seed);
  const auto codecs = codecs_for(rule);
  Trial trial = trial_of(rule, codecs[seed % codecs.size()], seed);
  trial.options.topology = topologies[random.below(std::size(topologies))];
  trial.nodes = 1 + static_cast<uint32_t>(random.below(6));
  trial.workers_per_node = 1 + static_cast<uint32_t>(random.below(2));
  trial.floats = 1 + static_cast<uint32_t>(random.below(60));
  trial.passes = 1 + static_cast<uint32_t>(random.below(3));
  trial.network.latency = microseconds(20 + static_cast<int64_t>(random.below(2000)));
  trial.steps_of = [seed](WorkerId w) { return static_cast<uint32_t>(mix(seed, w.value) % 30); };
  if (random.chance(0.4)) trial.meddle = doubling(seed);
  // The mean over all is not sent again, so links are lost only while all still work.
  if (random.chance(0.5) && trial.nodes > 1) {
    trial.passes = 1;
    trial.steps_of = [seed](WorkerId w) {
      return 60 + static_cast<uint32_t>(mix(seed, w.value) % 30);
    };
    drop_links(trial, random);
  }
  return trial;
}

TEST_P(AverageCodec, The_mean_stays_whatever_is_left_out_lost_or_doubled) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Trial trial = troubled_trial(GetParam(), seed);
    Result result;
    ASSERT_LT(drift_of_the_mean(trial, &result), 1e-5)
        << "seed " << seed << " " << trial.options.codec << " " << result.outcome.stuck_reason;
  }
}

TEST_P(AverageCodec, Without_gradients_all_come_to_the_mean_and_nearer_with_every_hundred_rounds) {
  for (const char* codec : codecs_for(GetParam())) {
    for (const char* topology : {"ring", "complete"}) {
      Trial trial = trial_of(GetParam(), codec, 1);
      trial.options.topology = topology;
      double before = 50;
      for (const uint32_t steps : {100u, 200u, 400u}) {
        trial.steps = steps;
        const Consensus end = consensus_of(trial);
        EXPECT_LT(end.error, std::max(0.7 * before, 1e-3)) << codec << " " << topology;
        before = end.error;
      }
      EXPECT_LT(before, 1) << codec << " " << topology;
    }
  }
}

// Each worker has an optimum and a curvature of its own.
Result descent(const char* rule, const char* codec) {
  Trial trial = trial_of(rule, codec, 3);
  trial.steps = 1500;
  trial.change = [](WorkerId w, uint32_t step, std::span<float> x) {
    const float rate = (1 + static_cast<float>(w.value % 3)) / (40 + static_cast<float>(step));
    for (size_t i = 0; i < x.size(); ++i) {
      const auto best = static_cast<float>(mix(w.value, i) % 100);
      const auto noise = static_cast<float>(mix(w.value, step, i) % 21) - 10;
      x[i] -= rate * (x[i] - best + noise);
    }
  };
  return run(trial);
}

TEST_P(AverageCodec, With_gradients_a_run_stays_near_the_one_with_plain_floats) {
  const Result dense = descent(GetParam(), "none");
  for (const char* codec : codecs_for(GetParam())) {
    const Result packed = descent(GetParam(), codec);
    ASSERT_TRUE(packed.outcome.finished) << codec;
    double off = 0;
    for (size_t i = 0; i < dense.means[0].size(); ++i) {
      off = std::max(off, std::abs(0.0 + packed.means[0][i] - dense.means[0][i]));
    }
    EXPECT_LT(off, 1.5) << codec;
    // Of 200 numbers whose optima are 40 apart.
    const bool fine = codec == std::string("bf16") || codec == std::string("quantise(8)") ||
                      codec == std::string("quantise(4)");
    EXPECT_LT(packed.distances[0], fine ? 8 * dense.distances[0] + 1 : 500) << codec;
  }
}

// All bytes of a job that averages 20,000 numbers.
double bytes_of(const char* rule, const char* codec) {
  Trial trial = trial_of(rule, codec, 2);
  trial.floats = 20'000;
  scattered_starts(trial);
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished) << codec;
  return static_cast<double>(result.bytes_sent);
}

TEST_P(AverageCodec, Bytes_on_the_wire_fall_as_they_should) {
  const double floats = bytes_of(GetParam(), "none");
  // Under groups owners tell each other the means that they trade as floats; the mean that ends
  // the pass is floats under all.
  const bool groups = std::string_view(GetParam()).starts_with("groups");
  EXPECT_LT(bytes_of(GetParam(), "bf16") / floats, groups ? 0.65 : 0.58);
  EXPECT_LT(bytes_of(GetParam(), "quantise(8)") / floats, groups ? 0.5 : 0.36);
  EXPECT_LT(bytes_of(GetParam(), "quantise(4)") / floats, groups ? 0.4 : 0.25);
}

TEST_P(AverageCodec, A_message_has_the_bytes_of_the_codec) {
  if (std::string_view(GetParam()).starts_with("groups")) return;  // has blocks
  for (const char* codec : codecs_for(GetParam())) {
    Trial trial = trial_of(GetParam(), codec, 2);
    trial.floats = 20'000;
    size_t messages = 0, bytes = 0;
    trial.meddle = [&](std::vector<Outbox::Send>& sends, size_t first) {
      for (size_t i = first; i < sends.size(); ++i) {
        const Kind kind = sends[i].kind;
        const bool values = kind == Kind::mix || kind == Kind::propose || kind == Kind::accept ||
                            kind == Kind::push;
        if (!values) continue;
        ++messages;
        bytes += sends[i].body.size();
      }
    };
    scattered_starts(trial);
    ASSERT_TRUE(run(trial).outcome.finished);
    EXPECT_GT(messages, 60u);
    const size_t heads = 36, most = make_codec(codec)->bytes_for(trial.floats) + heads;
    EXPECT_LE(bytes, messages * most) << codec;
    EXPECT_LT(most, trial.floats * (codec == std::string("bf16") ? 2.1 : 1.1)) << codec;
  }
}

// Where all are on one node nothing is sent, so nothing is encoded.
TEST_P(AverageCodec, Within_a_node_values_go_as_they_are) {
  Trial trial = trial_of(GetParam(), "none", 3);
  trial.nodes = 1;
  trial.workers_per_node = 4;
  scattered_starts(trial);
  const Result dense = run(trial);
  trial.options.codec = "quantise(4)";
  EXPECT_EQ(run(trial).values, dense.values);
}

TEST_P(AverageCodec, The_same_seed_gives_the_same_bits) {
  for (const char* codec : codecs_for(GetParam())) {
    Trial trial = trial_of(GetParam(), codec, 5);
    scattered_starts(trial);
    const Result one = run(trial), two = run(trial);
    EXPECT_EQ(one.outcome.trace_hash, two.outcome.trace_hash) << codec;
    EXPECT_EQ(one.values, two.values) << codec;
  }
}

TEST(AverageCodecs, An_encoded_answer_that_is_added_twice_moves_the_mean) {
  int caught = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Trial trial = trial_of("gossip", "quantise(8)", seed);
    trial.meddle = doubling(seed);
    trial.options.sabotage = AverageSabotage::answers_twice;
    caught += drift_of_the_mean(trial) > 1e-5;
  }
  EXPECT_GT(caught, 15);
}

TEST(AverageCodecs, Rules_refuse_codecs_that_do_not_bring_replicas_together) {
  for (const char* rule : kRules) EXPECT_THROW(run(trial_of(rule, "sign", 1)), UserError) << rule;
  for (const char* codec : {"quantise(2)", "topk(0.5)", "lowrank(4)"}) {
    EXPECT_THROW(run(trial_of("groups(3)", codec, 1)), UserError) << codec;
  }
}

}  // namespace
}  // namespace hemiola::averaging
