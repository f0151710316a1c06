#include "hemiola/table/streams.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

// Two ends of one pair of nodes, and what is on its way between them.
class StreamsTest : public testing::Test {
 protected:
  static constexpr NodeId kHere{0}, kThere{1};

  Bytes send(Streams& from, NodeId to, size_t bytes = 4) {
    Writer writer;
    writer.put(StreamHead{});
    writer.skip(bytes);
    Outbox out;
    from.send(to, Kind::change, std::move(writer), out);
    EXPECT_EQ(out.sends.size(), 1u);
    EXPECT_EQ(out.sends[0].to, to);
    return out.sends[0].body;
  }
  bool accept(Streams& at, NodeId from, const Bytes& body, Kind kind = Kind::change) {
    return at.accept({from, NodeId{1 - from.value}, Epoch{1}, kind, body});
  }
  std::vector<Outbox::Send> acknowledge(Streams& at, NodeId to, bool now = true) {
    Outbox out;
    at.acknowledge(to, now, out);
    return out.sends;
  }

  Streams here_{2}, there_{2};
};

TEST_F(StreamsTest, Every_message_is_taken_in_exactly_once_and_in_order) {
  const Bytes one = send(here_, kThere), two = send(here_, kThere), three = send(here_, kThere);
  EXPECT_TRUE(accept(there_, kHere, one));
  EXPECT_FALSE(accept(there_, kHere, one)) << "a repeat";
  EXPECT_FALSE(accept(there_, kHere, three)) << "from behind a gap";
  EXPECT_TRUE(accept(there_, kHere, two));
  EXPECT_TRUE(accept(there_, kHere, three));
  EXPECT_FALSE(accept(there_, kHere, two));
}

TEST_F(StreamsTest, A_message_is_kept_until_the_other_side_says_that_it_has_it) {
  accept(there_, kHere, send(here_, kThere, 100));
  const Bytes second = send(here_, kThere, 50);
  EXPECT_EQ(here_.unacked_bytes(kThere), 150 + 2 * sizeof(StreamHead));
  EXPECT_FALSE(here_.has(kThere, 1));
  EXPECT_TRUE(accept(here_, kThere, send(there_, kHere)));
  EXPECT_TRUE(here_.has(kThere, 1));
  EXPECT_FALSE(here_.has(kThere, 2));
  EXPECT_EQ(here_.unacked_bytes(kThere), 50 + sizeof(StreamHead));
  ASSERT_EQ(here_.unacked(kThere).size(), 1u);
  EXPECT_EQ(here_.unacked(kThere).front().number, 2u);
  EXPECT_EQ(here_.unacked(kThere).front().body.size(), second.size());
}

TEST_F(StreamsTest, After_a_lost_link_what_was_not_acknowledged_comes_again_in_its_order) {
  accept(there_, kHere, send(here_, kThere));
  accept(here_, kThere, send(there_, kHere));  // says that the first has come
  const Bytes second = send(here_, kThere), third = send(here_, kThere);
  EXPECT_TRUE(accept(there_, kHere, second));  // the third is lost
  Outbox out;
  here_.link_again(kThere, out);
  ASSERT_EQ(out.sends.size(), 3u);
  EXPECT_FALSE(accept(there_, kHere, out.sends[0].body)) << "it has come before";
  EXPECT_TRUE(accept(there_, kHere, out.sends[1].body));
  EXPECT_EQ(out.sends[2].kind, Kind::acked) << "and what has come from there is said";
  EXPECT_FALSE(accept(there_, kHere, out.sends[2].body, Kind::acked));
  EXPECT_EQ(there_.unacked(kHere).size(), 0u);
}

// "I have your message 1" in a bare acknowledgement means: before my message 2, which may carry
// rows in which it is. Whoever lacks 2 may not forget that it was under way.
TEST_F(StreamsTest, An_acknowledgement_from_behind_a_lost_message_is_not_believed) {
  accept(there_, kHere, send(here_, kThere));
  const Bytes lost = send(there_, kHere);
  accept(there_, kHere, send(here_, kThere));
  const auto acks = acknowledge(there_, kHere);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_FALSE(accept(here_, kThere, acks[0].body, Kind::acked));
  EXPECT_EQ(here_.unacked(kThere).size(), 2u);
  EXPECT_TRUE(accept(here_, kThere, lost));
  EXPECT_EQ(here_.unacked(kThere).size(), 1u);
  EXPECT_FALSE(accept(here_, kThere, acks[0].body, Kind::acked));
  EXPECT_EQ(here_.unacked(kThere).size(), 0u);
}

TEST_F(StreamsTest, A_repeat_says_what_was_so_when_it_was_written) {
  const Bytes early = send(there_, kHere);
  accept(there_, kHere, send(here_, kThere));
  const Bytes late = send(there_, kHere);
  EXPECT_TRUE(accept(here_, kThere, early));
  EXPECT_EQ(here_.unacked(kThere).size(), 1u);
  EXPECT_TRUE(accept(here_, kThere, late));
  EXPECT_EQ(here_.unacked(kThere).size(), 0u);
}

TEST_F(StreamsTest, Little_is_acknowledged_only_when_there_is_reason_to) {
  EXPECT_TRUE(acknowledge(there_, kHere).empty()) << "nothing has come";
  for (int i = 0; i < 15; ++i) accept(there_, kHere, send(here_, kThere));
  EXPECT_TRUE(acknowledge(there_, kHere, false).empty());
  accept(there_, kHere, send(here_, kThere));
  EXPECT_EQ(acknowledge(there_, kHere, false).size(), 1u) << "many messages";
  EXPECT_TRUE(acknowledge(there_, kHere).empty()) << "all was said";
  accept(there_, kHere, send(here_, kThere, size_t{256} << 10));
  EXPECT_EQ(acknowledge(there_, kHere, false).size(), 1u) << "many bytes";
  accept(there_, kHere, send(here_, kThere, size_t{256} << 10));
  send(there_, kHere);
  EXPECT_TRUE(acknowledge(there_, kHere, false).empty()) << "any message says it as well";
}

TEST_F(StreamsTest, Numbers_go_round_after_four_billion_messages) {
  here_ = Streams(2, UINT32_MAX - 2);
  there_ = Streams(2, UINT32_MAX - 2);
  std::vector<Bytes> sent;
  for (int i = 0; i < 6; ++i) sent.push_back(send(here_, kThere));
  for (const Bytes& body : sent) EXPECT_TRUE(accept(there_, kHere, body));
  for (const Bytes& body : sent) EXPECT_FALSE(accept(there_, kHere, body));
  EXPECT_EQ(here_.unacked(kThere).size(), 6u);
  EXPECT_TRUE(accept(here_, kThere, send(there_, kHere)));
  EXPECT_EQ(here_.unacked(kThere).size(), 0u);
  EXPECT_TRUE(here_.has(kThere, UINT32_MAX));
  EXPECT_TRUE(here_.has(kThere, 3));
  EXPECT_FALSE(here_.has(kThere, 4));
  send(here_, kThere);
  Outbox out;
  here_.link_again(kThere, out);
  EXPECT_EQ(out.sends.size(), 2u);
}

TEST_F(StreamsTest, What_cannot_be_is_not_taken_in) {
  send(here_, kThere);
  EXPECT_FALSE(accept(there_, kHere, Bytes::copy_of("short")));
  EXPECT_FALSE(accept(here_, kThere, Bytes::copy_of("short"), Kind::acked));
  Writer writer;
  writer.put(StreamHead{1, 7});  // has seven messages, of which one was sent
  const Bytes liar = std::move(writer).take();
  EXPECT_FALSE(accept(here_, kThere, liar));
  EXPECT_FALSE(accept(here_, kThere, liar, Kind::acked));
  EXPECT_EQ(here_.unacked(kThere).size(), 1u);
}

}  // namespace
}  // namespace hemiola
