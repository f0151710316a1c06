#include "hemiola/cluster/messages.h"

#include <gtest/gtest.h>

#include "hemiola/cluster/harness_test.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

View two_nodes() {
  View view;
  view.epoch = Epoch{1};
  view.members = {{NodeId{0}, "tcp:a:1", 2, WorkerId{0}}, {NodeId{1}, "tcp:b:1", 3, WorkerId{2}}};
  return view;
}

// One of each, as kind and body.
std::vector<std::pair<Kind, Bytes>> samples() {
  Join join;
  join.rank = NodeId{1}, join.nodes = 2, join.workers = 3, join.instance = 9, join.job_hash = 11;
  join.address = "tcp:b:1", join.job_summary = "dim = 16\nseed = 7\n";
  Agenda agenda;
  agenda.add(0, {3, {1, 2}});
  agenda.close({7}, 0.25);
  agenda.add(1, {5, {0.5}});
  const PassTotals totals{{1, 2}, {0.5, 3}, 9};
  return {
      {Kind::join, join.encode()},
      {Kind::view, encode_view(two_nodes())},
      {Kind::ready, Ready{agenda}.encode()},
      {Kind::start, Start{agenda}.encode()},
      {Kind::heartbeat, Heartbeat{4, seconds(2), "x", "", "worker 1"}.encode()},
      {Kind::failed, Failed{Failed::What::lost, 1, "reset"}.encode()},
      {Kind::finished, Finished{WorkerId{4}}.encode()},
      {Kind::end, End{false, 0, "node 1 was lost"}.encode()},
      {Kind::want_block, WantBlock{WorkerId{4}, 1, 7, 12, 99}.encode()},
      {Kind::give_block, GiveBlock{WorkerId{4}, 1, 5}.encode()},
      {Kind::reduce_part, ReducePart{WorkerId{4}, 2, 1, {0.5, -1}}.encode()},
      {Kind::reduce_sum, ReduceSum{2, 1, totals}.encode()},
      {Kind::blocks_done, BlocksDone{1, {{5, {0.5}}}}.encode()},
      {Kind::ask_leave, AskLeave{true}.encode()},
  };
}

bool decodes(Kind kind, const Bytes& body) {
  switch (kind) {
    case Kind::join:
      return Join::decode(body).has_value();
    case Kind::view:
      return decode_view(body).has_value();
    case Kind::ready:
    case Kind::start:
      return Ready::decode(body).has_value();
    case Kind::heartbeat:
      return Heartbeat::decode(body).has_value();
    case Kind::failed:
      return Failed::decode(body).has_value();
    case Kind::finished:
      return Finished::decode(body).has_value();
    case Kind::end:
      return End::decode(body).has_value();
    case Kind::want_block:
      return WantBlock::decode(body).has_value();
    case Kind::give_block:
      return GiveBlock::decode(body).has_value();
    case Kind::reduce_part:
      return ReducePart::decode(body).has_value();
    case Kind::reduce_sum:
      return ReduceSum::decode(body).has_value();
    case Kind::ask_leave:
      return AskLeave::decode(body).has_value();
    case Kind::blocks_done:
      return BlocksDone::decode(body).has_value();
    default:
      return false;
  }
}

TEST(ClusterMessages, Each_comes_back_as_it_was) {
  const auto all = samples();
  const auto join = Join::decode(all[0].second).value();
  EXPECT_EQ(join.rank, NodeId{1});
  EXPECT_EQ(join.instance, 9u);
  EXPECT_EQ(join.job_hash, 11u);
  EXPECT_EQ(join.job_summary, "dim = 16\nseed = 7\n");
  EXPECT_EQ(decode_view(all[1].second)->members[1].address, "tcp:b:1");
  const char* expected[] = {
      "join 3 workers at tcp:b:1",
      "view epoch 1: 0 1 | 2 3 4",
      "ready",
      "start",
      "heartbeat 4 [x] [] [worker 1]",
      "failed lost 1: reset",
      "finished worker 4",
      "end failed: node 1 was lost",
      "want_block worker 4 pass 1",
      "give_block worker 4 pass 1: block 5",
      "reduce_part 2 worker 4: 0.5 -1",
      "reduce_sum 2: 0.5 3 closes pass 1",
      "blocks_done pass 1: 5",
      "ask_leave whole job",
  };
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(describe(all[i].first, all[i].second), expected[i]);
  }
  const auto none = GiveBlock::decode(GiveBlock{WorkerId{1}, 0, std::nullopt}.encode()).value();
  EXPECT_FALSE(none.block);
}

TEST(ClusterMessages, None_decodes_when_a_byte_is_missing_or_too_many) {
  for (const auto& [kind, body] : samples()) {
    for (size_t size = 0; size < body.size(); ++size) {
      EXPECT_FALSE(decodes(kind, body.slice(0, size)))
          << describe(kind, body) << " cut to " << size;
    }
    MutableBytes longer(body.size() + 1);
    if (!body.empty()) std::memcpy(longer.data(), body.data(), body.size());
    longer.data()[body.size()] = std::byte{0};
    EXPECT_FALSE(decodes(kind, std::move(longer).freeze())) << describe(kind, body);
  }
}

TEST(ClusterMessages, A_join_of_another_version_decodes_to_its_version) {
  Join join;
  join.version = kWireVersion + 1;
  const auto read = Join::decode(join.encode());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, kWireVersion + 1);
}

TEST(ClusterMessages, Random_bytes_never_do_more_than_fail_to_decode) {
  Random random(1);
  const auto all = samples();
  for (int i = 0; i < 200'000; ++i) {
    const auto& [kind, body] = all[random.below(all.size())];
    MutableBytes noise(random.below(80));
    for (std::byte& b : noise.span()) b = static_cast<std::byte>(random() & 0xff);
    if (!body.empty() && random.chance(0.7)) {  // a real message with a few bytes changed
      noise = MutableBytes(body.size());
      std::memcpy(noise.data(), body.data(), body.size());
      for (int change = 0; change < 3; ++change) {
        noise.data()[random.below(body.size())] = static_cast<std::byte>(random() & 0xff);
      }
    }
    decodes(kind, std::move(noise).freeze());
  }
}

}  // namespace
}  // namespace hemiola
