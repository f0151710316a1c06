#include "hemiola/average/codec_trial.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

namespace hemiola {
namespace {

// Trials of all nodes of a job of a million values.
struct Job {
  explicit Job(uint32_t nodes, double gigabytes = 10) {
    for (uint32_t n = 0; n < nodes; ++n) {
      // Each node thinks otherwise of its own speed.
      const double speed = gigabytes * 1e9 * (1 + n);
      trials.push_back(std::make_unique<CodecTrial>(
          Place{NodeId{n}, nodes, 1}, 1'000'000,
          std::vector<CodecSpeed>{{"bf16", speed, speed}, {"quantise(4)", speed, speed}}));
    }
  }
  // Node n's rounds take `of(n)` milliseconds until all have decided. Gives the rounds it took.
  template <class Of>
  uint32_t rounds(Of&& of) {
    uint32_t count = 0;
    while (decided == 0) {
      ++count;
      for (uint32_t n = 0; n < trials.size(); ++n) {
        Outbox out;
        trials[n]->round_took(microseconds(static_cast<int64_t>(1000 * of(n))), out);
        for (auto& send : out.sends) {
          queue.push_back({NodeId{n}, send.to, Epoch{1}, send.kind, send.body});
        }
      }
      for (; !queue.empty(); queue.pop_front()) {
        Outbox out;
        decided += trials[queue.front().to.value]->on_message(queue.front(), out);
        for (auto& send : out.sends) {
          queue.push_back({queue.front().to, send.to, Epoch{1}, send.kind, send.body});
        }
      }
    }
    EXPECT_EQ(decided, trials.size());
    decided = 0;
    for (const auto& t : trials) {
      EXPECT_EQ(t->codec(), trials[0]->codec());
      EXPECT_EQ(t->reason(), trials[0]->reason());
    }
    return count;
  }

  std::vector<std::unique_ptr<CodecTrial>> trials;
  std::deque<Envelope> queue;
  size_t decided = 0;
};

TEST(CodecTrial, A_codec_is_kept_when_its_rounds_were_faster) {
  for (const uint32_t nodes : {2u, 3u, 17u}) {
    Job job(nodes);
    // All wait for node 1, which computes longest: its time is that of the exchange.
    EXPECT_EQ(job.rounds([](uint32_t n) { return n == 1 ? 40 : 400; }), CodecTrial::kRounds);
    EXPECT_EQ(job.trials[0]->codec(), "quantise(4, 512)");
    EXPECT_FALSE(job.trials[0]->settled());
    job.rounds([](uint32_t n) { return n == 0 ? 8 : 370; });
    EXPECT_TRUE(job.trials[0]->settled());
    EXPECT_EQ(job.trials[0]->codec(), "quantise(4, 512)");
    EXPECT_EQ(job.trials[0]->reason(), "quantise(4, 512) takes 8 ms a round, plain floats 40 ms");
  }
}

TEST(CodecTrial, A_codec_that_was_hardly_faster_is_given_up) {
  Job job(3);
  job.rounds([](uint32_t) { return 40; });
  ASSERT_EQ(job.trials[0]->codec(), "quantise(4, 512)");
  job.rounds([](uint32_t) { return 37; });
  EXPECT_TRUE(job.trials[0]->settled());
  EXPECT_EQ(job.trials[0]->codec(), "none");
  EXPECT_EQ(job.trials[0]->reason(),
            "no codec: quantise(4, 512) was tried and took 37 ms a round, plain floats 40 ms");
}

TEST(CodecTrial, On_a_fast_link_none_is_tried) {
  Job job(2, 1);
  job.rounds([](uint32_t) { return 0.4; });
  EXPECT_TRUE(job.trials[0]->settled());
  EXPECT_EQ(job.trials[0]->codec(), "none");
  Outbox out;
  job.trials[0]->round_took(milliseconds(1), out);
  EXPECT_TRUE(out.sends.empty());
  EXPECT_FALSE(job.trials[0]->is_last_round());
}

TEST(CodecTrial, Where_the_last_to_come_waits_for_nothing_none_is_tried) {
  Job job(3);
  job.rounds([](uint32_t n) { return n == 2 ? 0 : 40; });
  EXPECT_TRUE(job.trials[0]->settled());
  EXPECT_EQ(job.trials[0]->reason(),
            "no codec: the last to come finds all that it needs already there");
}

TEST(CodecTrial, One_node_needs_none) {
  Job job(1);
  EXPECT_TRUE(job.trials[0]->settled());
  EXPECT_EQ(job.trials[0]->reason(), "one node sends nothing");
}

}  // namespace
}  // namespace hemiola
