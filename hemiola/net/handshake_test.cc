#include "hemiola/net/handshake.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hemiola::net {
namespace {

struct Pair {
  Identity low{NodeId{0}, 2, "job", "secret"};
  Identity high{NodeId{1}, 2, "job", "secret"};
  bool low_dials = true;
  bool low_encrypts = false;
  bool high_encrypts = false;
  bool low_taken = false;

  std::string low_why, high_why;
  bool low_retry = false, high_retry = false;
  bool low_done = false, high_done = false;
  bool same_key = false;

  // Passes blocks to and fro until neither has anything to say.
  void run() {
    auto a = low_dials ? Handshake::dial(low, high.self, low_encrypts, random_nonce())
                       : Handshake::accept(low, low_encrypts, random_nonce());
    auto b = low_dials ? Handshake::accept(high, high_encrypts, random_nonce())
                       : Handshake::dial(high, low.self, high_encrypts, random_nonce());
    std::optional<Block> block = low_dials ? a.opening() : b.opening();
    for (bool to_low = !low_dials; block; to_low = !to_low) {
      const auto outcome = to_low ? a.on(*block, low_taken) : b.on(*block, false);
      (to_low ? low_done : high_done) |= outcome.done;
      if (outcome.failed) (to_low ? low_why : high_why) = outcome.why;
      if (outcome.failed) (to_low ? low_retry : high_retry) = outcome.retry;
      block = outcome.reply;
    }
    if (low_done && high_done) same_key = a.session_key() == b.session_key();
  }

  bool failed_with(const std::string& low_says, const std::string& high_says) const {
    return !low_done && !high_done && low_why.find(low_says) != std::string::npos &&
           high_why.find(high_says) != std::string::npos;
  }
};

TEST(Handshake, Two_nodes_of_a_job_agree_whoever_dials) {
  for (const bool low_dials : {true, false}) {
    Pair pair;
    pair.low_dials = low_dials;
    pair.run();
    EXPECT_TRUE(pair.low_done && pair.high_done && pair.same_key);
  }
}

TEST(Handshake, Each_difference_is_one_sentence_on_both_sides) {
  for (const bool low_dials : {true, false}) {
    const auto both = [&](auto change, const std::string& low_says, const std::string& high_says) {
      Pair pair;
      pair.low_dials = low_dials;
      change(pair);
      pair.run();
      EXPECT_TRUE(pair.failed_with(low_says, high_says)) << pair.low_why << "\n" << pair.high_why;
      EXPECT_FALSE(pair.low_retry || pair.high_retry);
    };
    const std::string own = std::to_string(kWireVersion);
    both([](Pair& p) { p.high.version = 9; }, "speaks wire version 9, this node speaks " + own,
         "speaks wire version " + own + ", this node speaks 9");
    both([](Pair& p) { p.high.job = "other"; }, "another job", "another job");
    both([](Pair& p) { p.high.secret = "guess"; }, "different secrets", "different secrets");
    both([](Pair& p) { p.high.secret = ""; }, "different secrets", "different secrets");
    both([](Pair& p) { p.high.nodes = 3; }, "counts 3 nodes in the job, this node 2",
         "counts 2 nodes in the job, this node 3");
    both([](Pair& p) { p.high.self = NodeId{7}; }, "", "");
    both([](Pair& p) { p.high_encrypts = true; }, "encryption", "encryption");
  }
}

TEST(Handshake, The_lower_rank_refuses_a_second_connection_and_the_other_may_try_again) {
  for (const bool low_dials : {true, false}) {
    Pair pair;
    pair.low_dials = low_dials;
    pair.low_taken = true;
    pair.run();
    EXPECT_TRUE(pair.failed_with("connected already", "connected already"));
    EXPECT_TRUE(pair.low_retry && pair.high_retry);
  }
}

TEST(Handshake, A_proof_of_another_connection_is_worth_nothing) {
  const Identity low{NodeId{0}, 2, "job", "secret"};
  const Identity high{NodeId{1}, 2, "job", "secret"};
  auto first_dial = Handshake::dial(high, NodeId{0}, false, random_nonce());
  auto first_accept = Handshake::accept(low, false, random_nonce());
  const Block hello = first_dial.opening();
  const auto answer = first_accept.on(hello, false);
  const auto proof = first_dial.on(*answer.reply, false);
  auto second_accept = Handshake::accept(low, false, random_nonce());
  second_accept.on(hello, false);
  const auto outcome = second_accept.on(*proof.reply, false);
  EXPECT_TRUE(outcome.failed && !outcome.done);
  // Nor may one's own proof be sent back.
  auto mirror = Handshake::dial(low, NodeId{1}, false, random_nonce());
  Block echo = mirror.opening();
  EXPECT_TRUE(mirror.on(echo, false).failed);
}

TEST(Handshake, Strange_blocks_are_refused) {
  const Identity low{NodeId{0}, 2, "job", "secret"};
  Block garbage;
  std::memset(static_cast<void*>(&garbage), 'G', sizeof(garbage));
  auto accept = Handshake::accept(low, false, random_nonce());
  auto outcome = accept.on(garbage, false);
  EXPECT_TRUE(outcome.failed);
  EXPECT_FALSE(outcome.reply);
  EXPECT_EQ(outcome.why, "the other side is not a node of hemiola");
  for (const auto step : {Block::Step::proof, Block::Step::commit, static_cast<Block::Step>(77)}) {
    Block early;
    early.step = step;
    auto fresh = Handshake::accept(low, false, random_nonce());
    outcome = fresh.on(early, false);
    EXPECT_TRUE(outcome.failed && !outcome.done);
  }
}

}  // namespace
}  // namespace hemiola::net
