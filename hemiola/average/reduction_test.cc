#include "hemiola/average/reduction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <memory>
#include <stdexcept>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

// Nodes with a reduction each; messages are delivered in an order that a seed decides.
struct World {
  World(uint32_t nodes, size_t floats, const Codec* codec = nullptr) {
    for (uint32_t n = 0; n < nodes; ++n) {
      reductions.push_back(
          std::make_unique<Reduction>(Place{NodeId{n}, nodes, 1}, 3, floats, codec, 7));
      values.emplace_back(floats);
    }
  }
  void begin(uint32_t node, double weight) {
    Outbox out;
    over += reductions[node]->begin(values[node], weight, out);
    carry(node, out);
  }
  void carry(uint32_t node, Outbox& out) {
    for (auto& send : out.sends) {
      queue.push_back({NodeId{node}, send.to, Epoch{1}, send.kind, send.body});
      bytes += send.body.size();
    }
  }
  // What is under way between two nodes, both ways, is gone.
  void lose_link(uint32_t a, uint32_t b) {
    std::erase_if(queue, [&](const Envelope& m) {
      return (m.from.value == a && m.to.value == b) || (m.from.value == b && m.to.value == a);
    });
    Outbox out;
    reductions[a]->up_again(NodeId{b}, out);
    carry(a, out);
    out.clear();
    reductions[b]->up_again(NodeId{a}, out);
    carry(b, out);
  }
  void lose_a_link(Random& random) {
    const auto nodes = static_cast<uint32_t>(reductions.size());
    const auto a = static_cast<uint32_t>(random.below(nodes));
    lose_link(a, (a + 1 + static_cast<uint32_t>(random.below(nodes - 1))) % nodes);
  }
  void deliver_all(Random& random, double losses = 0) {
    while (!queue.empty()) {
      if (random.chance(losses)) lose_a_link(random);
      if (queue.empty()) break;
      // Any message, but those of one link in order.
      size_t at = random.below(queue.size());
      for (size_t i = 0; i < at; ++i) {
        if (queue[i].from == queue[at].from && queue[i].to == queue[at].to) at = i;
      }
      const Envelope message = queue[at];
      queue.erase(queue.begin() + static_cast<ptrdiff_t>(at));
      Outbox out;
      over += reductions[message.to.value]->on_message(message, out);
      carry(message.to.value, out);
    }
  }

  std::vector<std::unique_ptr<Reduction>> reductions;
  std::vector<std::vector<float>> values;
  std::deque<Envelope> queue;
  size_t over = 0, bytes = 0;
};

TEST(Reduction, All_get_the_weighted_mean_whatever_the_order_of_messages) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    const auto nodes = static_cast<uint32_t>(1 + random.below(6));
    const size_t floats = 1 + random.below(seed % 2 ? 3000 : 300'000);
    World world(nodes, floats);
    for (int round = 0; round < 3; ++round) {
      std::vector<double> sum(floats);
      double weights = 0;
      for (uint32_t n = 0; n < nodes; ++n) {
        const double weight = static_cast<double>(n == 0 ? 1 : random.below(3));
        weights += weight;
        for (size_t i = 0; i < floats; ++i) {
          world.values[n][i] = static_cast<float>(random.below(100));
          if (weight > 0) sum[i] += world.values[n][i];
        }
        world.begin(n, weight);
      }
      world.deliver_all(random);
      ASSERT_EQ(world.over, nodes * (round + 1u));
      for (uint32_t n = 0; n < nodes; ++n) {
        EXPECT_EQ(world.values[n], world.values[0]);
        EXPECT_EQ(world.reductions[n]->weight(), weights);
      }
      for (size_t i = 0; i < floats; i += 97) {
        EXPECT_NEAR(world.values[0][i], sum[i] / weights, 1e-3);
      }
    }
  }
}

TEST(Reduction, A_codec_sends_less_and_leaves_all_equal) {
  const auto codec = make_codec("quantise(4)");
  Random random(5);
  World world(3, 100'000, codec.get()), dense(3, 100'000);
  for (uint32_t n = 0; n < 3; ++n) {
    for (float& v : world.values[n]) v = static_cast<float>(random.normal());
    dense.values[n] = world.values[n];
    world.begin(n, 1);
    dense.begin(n, 1);
  }
  world.deliver_all(random);
  dense.deliver_all(random);
  EXPECT_LT(world.bytes, dense.bytes / 7);
  EXPECT_EQ(world.values[1], world.values[0]);
  EXPECT_EQ(world.values[2], world.values[0]);
  double off = 0, norm = 0;
  for (size_t i = 0; i < 100'000; ++i) {
    off += std::pow(world.values[0][i] - dense.values[0][i], 2);
    norm += std::pow(dense.values[0][i], 2);
  }
  EXPECT_GT(off, 0);
  EXPECT_LT(off, norm);
}

TEST(Reduction, What_is_encoded_does_not_depend_on_the_order_of_messages) {
  const auto codec = make_codec("quantise(4)");
  std::vector<float> first;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    Random order(seed), draw(5);
    World world(3, 200'000, codec.get());
    for (uint32_t n = 0; n < 3; ++n) {
      for (float& v : world.values[n]) v = static_cast<float>(draw.normal());
    }
    for (uint32_t n = 0; n < 3; ++n) world.begin((n + seed) % 3, 1);
    world.deliver_all(order);
    if (first.empty()) first = world.values[0];
    EXPECT_EQ(world.values[0], first) << seed;
  }
}

TEST(Reduction, Of_a_long_vector_only_a_part_is_under_way_at_a_time) {
  constexpr size_t kFloats = 64 * Reduction::kPiece;
  World world(2, kFloats);
  world.begin(0, 1);
  world.begin(1, 1);
  EXPECT_EQ(world.queue.size(), 2 * Reduction::kAheadBytes / (Reduction::kPiece * sizeof(float)));
  Random random(3);
  world.deliver_all(random);
  EXPECT_EQ(world.over, 2u);
  EXPECT_LT(world.bytes, 2 * kFloats * sizeof(float) + 64 * 100);
}

TEST(Reduction, Messages_that_cannot_be_are_refused_and_change_nothing) {
  World world(2, 60'000);
  world.begin(0, 1);
  const auto refused = [&](Kind kind, const PieceHead& head, size_t floats) {
    Outbox out;
    const Bytes body = with_floats(head, std::vector<float>(floats, 1));
    EXPECT_THROW(world.reductions[0]->on_message({NodeId{1}, NodeId{0}, Epoch{1}, kind, body}, out),
                 std::runtime_error);
    EXPECT_TRUE(out.sends.empty());
  };
  refused(Kind::part, {3, 0, 99, 0, 1}, 30'000);  // no such piece
  refused(Kind::part, {3, 0, 0, 0, 1}, 17);       // too short
  refused(Kind::part, {3, 0, 0, 0, 0}, 17);       // says that it has none
  refused(Kind::part, {3, 0, 0, 0, -1}, 30'000);  // a weight that cannot be
  refused(Kind::part, {3, 5, 0, 0, 1}, 30'000);   // of a round to come
  refused(Kind::part, {3, 0, 1, 0, 1}, 30'000);   // another node adds this piece up
  refused(Kind::total, {3, 0, 0, 0, 1}, 30'000);  // this node adds it up itself
  refused(Kind::total, {3, 1, 1, 0, 1}, 30'000);  // of a round to come
  Outbox out;
  EXPECT_THROW(world.reductions[0]->on_message(
                   {NodeId{1}, NodeId{0}, Epoch{1}, Kind::part, Bytes::copy_of("short")}, out),
               std::runtime_error);
  // All goes on as if nothing had been.
  world.values[1].assign(60'000, 4);
  world.begin(1, 1);
  Random random(1);
  world.deliver_all(random);
  EXPECT_EQ(world.over, 2u);
  EXPECT_EQ(world.values[0], std::vector<float>(60'000, 2));
}

// Every link is lost now and then, with all that is on its way; both ends then say it again.
TEST(Reduction, What_is_lost_with_a_link_is_sent_again_and_counts_once) {
  const auto quantise = make_codec("quantise(8)"), topk = make_codec("topk(0.3)");
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const auto nodes = static_cast<uint32_t>(2 + random.below(5));
    const size_t floats = 1 + random.below(seed % 2 ? 3000 : 400'000);
    const Codec* codec = seed % 3 == 0 ? quantise.get() : seed % 3 == 1 ? topk.get() : nullptr;
    World world(nodes, floats, codec), calm(nodes, floats, codec);
    for (int round = 0; round < 3; ++round) {
      for (uint32_t n = 0; n < nodes; ++n) {
        for (float& v : world.values[n]) v = static_cast<float>(random.below(100));
        calm.values[n] = world.values[n];
      }
      for (uint32_t n = 0; n < nodes; ++n) {
        world.begin(n, 1);
        calm.begin(n, 1);
        for (int i = 0; i < 2; ++i) world.lose_a_link(random);
      }
      world.deliver_all(random, 0.1);
      calm.deliver_all(random);
      ASSERT_EQ(world.over, nodes * (round + 1u)) << seed;
      for (uint32_t n = 0; n < nodes; ++n) ASSERT_EQ(world.values[n], calm.values[n]) << seed;
    }
  }
}

// One who has begun the next round can still be asked for the last one's mean.
TEST(Reduction, The_last_mean_is_sent_again_to_one_who_missed_it) {
  for (const size_t floats : {100, 100'000}) {
    World world(2, floats);
    world.values[0].assign(floats, 2);
    world.begin(0, 1);
    world.begin(1, 1);
    Random random(1);
    world.deliver_all(random);  // round 0
    world.begin(0, 1);
    world.begin(1, 1);
    while (!world.queue.empty()) {
      const Envelope message = world.queue.front();
      world.queue.pop_front();
      if (message.to == NodeId{1} && (message.kind == Kind::total || floats == 100)) continue;
      Outbox out;
      world.over += world.reductions[message.to.value]->on_message(message, out);
      world.carry(message.to.value, out);
    }
    EXPECT_EQ(world.over, 3u);  // node 0 alone
    world.values[0].assign(floats, 77);
    world.begin(0, 1);
    world.lose_link(0, 1);
    world.deliver_all(random);
    EXPECT_EQ(world.over, 4u);
    EXPECT_EQ(world.values[1], std::vector<float>(floats, 1));
  }
}

TEST(Reduction, Everybody_hears_of_a_round_however_short_the_vector) {
  for (const size_t floats : {90, 150, 161, 300, 1000, 2600}) {
    World world(160, floats);
    world.begin(7, 1);
    Random random(floats);
    world.deliver_all(random);
    for (uint32_t n = 0; n < 160; ++n) {
      EXPECT_EQ(world.reductions[n]->wanted(), n != 7) << n << " of " << floats;
    }
  }
}

// Also when a round has begun of which nothing was delivered.
TEST(Reduction, What_a_codec_left_out_is_taken_back_to_the_last_bit_of_work) {
  const auto codec = make_codec("topk(0.1)");
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    const auto nodes = static_cast<uint32_t>(2 + random.below(3));
    const size_t floats = 3000 + random.below(200'000);
    World world(nodes, floats, codec.get());
    std::vector<double> given(floats), got(floats);
    const auto fill = [&] {
      for (auto& values : world.values) {
        for (float& v : values) v = static_cast<float>(random.below(21)) - 10;
      }
    };
    for (int round = 0; round < 4; ++round) {
      fill();
      for (const auto& values : world.values) {
        for (size_t i = 0; i < floats; ++i) given[i] += values[i] / nodes;
      }
      for (uint32_t n = 0; n < nodes; ++n) world.begin(n, 1);
      world.deliver_all(random);
      for (size_t i = 0; i < floats; ++i) got[i] += world.values[0][i];
    }
    fill();
    for (uint32_t n = 0; n < nodes && seed % 2 == 0; ++n) world.begin(n, 1);
    std::vector<float> left(floats);
    for (auto& reduction : world.reductions) EXPECT_TRUE(reduction->take_back(left));
    double missing = 0;
    for (size_t i = 0; i < floats; ++i) {
      ASSERT_NEAR(got[i] + left[i] / nodes, given[i], 1e-3) << seed << " " << i;
      missing = std::max(missing, std::abs(given[i] - got[i]));
    }
    EXPECT_GT(missing, 5) << "nothing was left out: the test is too easy";
  }
}

TEST(Reduction, It_says_for_whom_it_waits) {
  World world(3, 100'000);
  world.begin(0, 1);
  EXPECT_EQ(world.reductions[0]->waits_for(), NodeId{1});
  EXPECT_FALSE(world.reductions[1]->wanted());
  Random random(2);
  world.deliver_all(random);
  EXPECT_TRUE(world.reductions[1]->wanted());
}

}  // namespace
}  // namespace hemiola
