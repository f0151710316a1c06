#include "hemiola/net/framing.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "hemiola/core/random.h"

namespace hemiola::net {
namespace {

constexpr NodeId kPeer{3};
constexpr NodeId kSelf{0};
constexpr size_t kMax = 1 << 20;

std::string frame(const std::string& body, Kind kind = Kind::pull, NodeId from = kPeer) {
  const auto span = std::as_bytes(std::span(body));
  const auto header = encode_header(kind, from, Epoch{7}, span);
  return std::string(reinterpret_cast<const char*>(header.data()), header.size()) + body;
}

// Feeds the stream in steps of at most `step` bytes; gives the bodies.
std::vector<Bytes> feed(FrameParser& parser, std::string_view stream, size_t step) {
  std::vector<Bytes> bodies;
  while (!stream.empty() && parser.error().empty()) {
    const auto space = parser.space();
    size_t given = 0;
    for (const auto part : space) {
      const size_t n = std::min({part.size(), stream.size(), step - given});
      if (n > 0) std::memcpy(part.data(), stream.data(), n);
      stream.remove_prefix(n);
      given += n;
      if (n < part.size()) break;
    }
    parser.filled(given);
    while (auto envelope = parser.next()) bodies.push_back(envelope->body);
  }
  return bodies;
}

std::string text(const Bytes& bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST(Framing, A_message_comes_out_as_it_went_in) {
  BytePool pool(1 << 20);
  FrameParser parser(kPeer, kSelf, kMax, pool);
  const std::string stream = frame("hello", Kind::update);
  const auto space = parser.space();
  std::memcpy(space[0].data(), stream.data(), stream.size());
  parser.filled(stream.size());
  const auto envelope = parser.next();
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->from, kPeer);
  EXPECT_EQ(envelope->to, kSelf);
  EXPECT_EQ(envelope->epoch, Epoch{7});
  EXPECT_EQ(envelope->kind, Kind::update);
  EXPECT_EQ(text(envelope->body), "hello");
  EXPECT_FALSE(parser.next());
}

TEST(Framing, Bodies_of_all_sizes_survive_any_cutting_of_the_stream) {
  for (const size_t step : {1u, 7u, 1000u, 65'536u, 1u << 30}) {
    Random random(step);
    std::vector<std::string> sent;
    std::string stream;
    const int count = step == 1 ? 40 : 300;
    for (int i = 0; i < count; ++i) {
      const size_t sizes[] = {0, 5, 300, 16'383, 16'384, 16'385, 70'000};
      sent.push_back(std::string(sizes[random.below(7)], static_cast<char>('a' + i % 26)));
      stream += frame(sent.back());
    }
    BytePool pool(1 << 20);
    FrameParser parser(kPeer, kSelf, kMax, pool);
    const auto bodies = feed(parser, stream, step);  // all kept alive: no slice may be overwritten
    ASSERT_EQ(parser.error(), "");
    ASSERT_EQ(bodies.size(), sent.size());
    for (size_t i = 0; i < sent.size(); ++i) ASSERT_EQ(text(bodies[i]), sent[i]);
  }
}

TEST(Framing, Every_flipped_bit_is_found) {
  const std::string good = frame("some body of a message");
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    BytePool pool(1 << 20);
    FrameParser parser(kPeer, kSelf, kMax, pool);
    EXPECT_TRUE(feed(parser, bad, 1 << 20).empty()) << bit;
    EXPECT_NE(parser.error(), "") << bit;
  }
}

TEST(Framing, Each_kind_of_wrong_frame_has_its_sentence) {
  const auto error = [](const std::string& stream, size_t max = kMax) {
    BytePool pool(1 << 20);
    FrameParser parser(kPeer, kSelf, max, pool);
    feed(parser, stream, 1 << 20);
    return parser.error();
  };
  EXPECT_EQ(error("GET / HTTP/1.1\r\nHost: example\r\n\r\n"), "it sent bytes that are no frame");
  EXPECT_EQ(error(frame("x", Kind::pull, NodeId{5})), "it sent a frame in the name of node 5");
  EXPECT_EQ(error(frame(std::string(101, 'x')), 100),
            "it sent a frame of 101 bytes, allowed are 100");
  std::string damaged = frame("body");
  damaged.back() = 'x';
  EXPECT_EQ(error(damaged), "a frame arrived damaged (its checksum is wrong)");
}

TEST(Framing, Random_bytes_never_do_more_than_an_error) {
  Random random(9);
  for (int round = 0; round < 20'000; ++round) {
    std::string stream = random.chance(0.5) ? frame("first") : "";
    if (random.chance(0.5)) stream += frame(std::string(random.below(300), 'y')).substr(0, 200);
    const size_t noise = random.below(60);
    for (size_t i = 0; i < noise; ++i) stream += static_cast<char>(random());
    if (!stream.empty() && random.chance(0.5)) {
      stream[random.below(stream.size())] = static_cast<char>(random());
    }
    BytePool pool(1 << 20);
    FrameParser parser(kPeer, kSelf, 1000, pool);
    for (const Bytes& body : feed(parser, stream, 1 + random.below(100))) {
      ASSERT_LE(body.size(), 1000u);
    }
  }
}

}  // namespace
}  // namespace hemiola::net
