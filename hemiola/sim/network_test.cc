#include "hemiola/sim/network.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola::sim {
namespace {

constexpr NodeId kA{0};
constexpr NodeId kB{1};
constexpr NodeId kC{2};

NetworkModel exact() {
  NetworkModel model;
  model.latency = microseconds(100);
  model.jitter = {};
  model.frame_bytes = 0;
  model.nic_bytes_per_second = 0;
  return model;
}

Network opened(const NetworkModel& model, uint64_t seed = 1) {
  Network network(model, 3, seed);
  for (uint32_t a = 0; a < 3; ++a) {
    for (uint32_t b = 0; b < 3; ++b) network.link(NodeId{a}, NodeId{b}).open = true;
  }
  return network;
}

TEST(Network, A_message_takes_latency_plus_size_over_bandwidth) {
  NetworkModel model = exact();
  model.link_bytes_per_second = 1e6;  // a microsecond for each byte
  Network network = opened(model);
  EXPECT_EQ(network.depart(kA, kB, 50, Instant{1000})->ns, 1000 + 50'000 + 100'000);
}

TEST(Network, Messages_of_one_link_queue_for_it_and_other_links_do_not) {
  NetworkModel model = exact();
  model.link_bytes_per_second = 1e6;
  Network network = opened(model);
  EXPECT_EQ(network.depart(kA, kB, 50, Instant{0})->ns, 150'000);
  EXPECT_EQ(network.depart(kA, kB, 10, Instant{0})->ns, 160'000);
  EXPECT_EQ(network.depart(kA, kC, 10, Instant{0})->ns, 110'000);
  EXPECT_EQ(network.depart(kB, kA, 10, Instant{0})->ns, 110'000);
}

TEST(Network, The_links_of_a_node_share_its_card) {
  NetworkModel model = exact();
  model.nic_bytes_per_second = 1e6;
  Network network = opened(model);
  EXPECT_EQ(network.depart(kA, kB, 50, Instant{0})->ns, 150'000);
  EXPECT_EQ(network.depart(kA, kC, 10, Instant{0})->ns, 160'000);
}

TEST(Network, Two_senders_share_the_card_of_the_receiver) {
  NetworkModel model = exact();
  model.nic_bytes_per_second = 1e6;
  Network network = opened(model);
  const Instant first = *network.depart(kA, kC, 50, Instant{0});
  const Instant second = *network.depart(kB, kC, 50, Instant{0});
  EXPECT_EQ(first, second);
  EXPECT_EQ(network.admit(kC, 50, first).ns, 150'000);
  EXPECT_EQ(network.admit(kC, 50, second).ns, 200'000);
}

TEST(Network, A_frame_adds_its_bytes_to_each_message) {
  NetworkModel model = exact();
  model.frame_bytes = 20;
  model.link_bytes_per_second = 1e6;
  Network network = opened(model);
  EXPECT_EQ(network.depart(kA, kB, 0, Instant{0})->ns, 120'000);
  EXPECT_EQ(network.wire_bytes(5), 25u);
}

TEST(Network, Jitter_never_reorders_one_link) {
  NetworkModel model = exact();
  model.jitter = milliseconds(5);
  model.tail_chance = 0.1;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Network network = opened(model, seed);
    Instant last{};
    for (int i = 0; i < 200; ++i) {
      const Instant arrival = *network.depart(kA, kB, 8, Instant{i * 1000});
      EXPECT_GT(arrival, last);
      last = arrival;
    }
  }
}

TEST(Network, Different_links_overtake_each_other_under_jitter) {
  NetworkModel model = exact();
  model.jitter = microseconds(50);
  Network network = opened(model);
  int overtaken = 0;
  for (int i = 0; i < 200; ++i) {
    const Instant at{i * 1'000'000};
    overtaken += *network.depart(kA, kC, 8, at) > *network.depart(kB, kC, 8, at);
  }
  EXPECT_GT(overtaken, 50);
  EXPECT_LT(overtaken, 150);
}

TEST(Network, A_clogged_link_is_slow_until_the_clog_ends) {
  Network network = opened(exact());
  network.link(kA, kB).clogged_until = 1000;
  network.link(kA, kB).clog = 7000;
  EXPECT_EQ(network.depart(kA, kB, 8, Instant{0})->ns, 107'000);
  EXPECT_EQ(network.depart(kB, kA, 8, Instant{0})->ns, 100'000);
  EXPECT_EQ(network.depart(kA, kB, 8, Instant{200'000})->ns, 300'000);
}

TEST(Network, Nothing_departs_without_a_connection) {
  Network network(exact(), 3, 1);
  EXPECT_FALSE(network.depart(kA, kB, 8, Instant{0}));
}

TEST(Network, A_span_without_end_stays_without_end) {
  EXPECT_EQ(until(Instant{5}, kWithoutEnd), kForever);
  EXPECT_EQ(until(Instant{5}, Duration{6}), Instant{11});
}

TEST(Network, A_model_that_makes_no_sense_is_refused) {
  NetworkModel model = exact();
  model.tail_chance = 2;
  EXPECT_THROW(model.validate(), UserError);
  model = exact();
  model.nic_bytes_per_second = -1;
  EXPECT_THROW(Network(model, 2, 1), UserError);
}

}  // namespace
}  // namespace hemiola::sim
