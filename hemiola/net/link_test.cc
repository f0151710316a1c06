#include "hemiola/net/link.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "hemiola/net/socket.h"

namespace hemiola::net {
namespace {

// Nodes 0 and 1 joined by a socket pair.
struct Joined {
  explicit Joined(bool encrypted) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    for (int i = 0; i < 2; ++i) {
      ends[i] = Fd(fds[i]);
      auto tls = encrypted ? std::make_unique<TlsSession>(context, i == 0, SessionKey{}) : nullptr;
      const NodeId self{static_cast<uint32_t>(i)}, peer{static_cast<uint32_t>(1 - i)};
      links[i] = std::make_unique<Link>(fds[i], self, peer, 10 << 20, pool, std::move(tls));
    }
  }

  void exchange() {
    for (int i = 0; i < 2; ++i) {
      links[i]->flush();
      links[i]->receive(false, [&, i](Envelope&& e) { got[i].push_back(std::move(e)); });
    }
  }

  const TlsContext context{TlsSettings{}};
  BytePool pool{1 << 20};
  Fd ends[2];
  std::unique_ptr<Link> links[2];
  std::vector<Envelope> got[2];
};

Bytes filled(size_t size, char with) { return Bytes::copy_of(std::string(size, with)); }

TEST(Link, Messages_of_all_sizes_arrive_in_order_plain_or_encrypted) {
  for (const bool encrypted : {false, true}) {
    Joined pair(encrypted);
    for (int i = 0; i < 20 && !(pair.links[0]->ready() && pair.links[1]->ready()); ++i) {
      pair.exchange();
    }
    ASSERT_TRUE(pair.links[0]->ready() && pair.links[1]->ready());
    const size_t sizes[] = {0, 10, 5000, 20'000, 3'000'000, 1, 100'000};
    for (const size_t size : sizes) {
      pair.links[0]->add(Kind::rows, Epoch{4}, filled(size, 'x'));
      pair.links[1]->add(Kind::pull, Epoch{4}, filled(size, 'y'));
    }
    for (int i = 0; i < 10'000 && (pair.got[0].size() < 7 || pair.got[1].size() < 7); ++i) {
      pair.exchange();
    }
    for (int side = 0; side < 2; ++side) {
      ASSERT_EQ(pair.got[side].size(), 7u);
      for (int i = 0; i < 7; ++i) {
        const Bytes& body = pair.got[side][static_cast<size_t>(i)].body;
        ASSERT_EQ(body.size(), sizes[i]);
        if (body.empty()) continue;
        EXPECT_EQ(body.data()[body.size() / 2], static_cast<std::byte>(side ? 'x' : 'y'));
      }
      EXPECT_EQ(pair.links[side]->backlog(), 0u);
      EXPECT_EQ(pair.links[side]->broken(), "");
    }
  }
}

TEST(Link, A_full_socket_blocks_and_says_so_until_the_peer_reads) {
  Joined pair(false);
  pair.links[0]->add(Kind::rows, Epoch{1}, filled(8'000'000, 'x'));
  pair.links[0]->flush();
  EXPECT_TRUE(pair.links[0]->blocked());
  EXPECT_GT(pair.links[0]->backlog(), 0u);
  for (int i = 0; i < 1000 && pair.got[1].empty(); ++i) pair.exchange();
  EXPECT_FALSE(pair.links[0]->blocked());
  ASSERT_EQ(pair.got[1].size(), 1u);
}

TEST(Link, The_end_comes_after_the_last_message_and_sending_to_a_dead_peer_kills_nobody) {
  Joined pair(false);
  pair.links[0]->add(Kind::rows, Epoch{1}, filled(100, 'x'));
  pair.links[0]->flush();
  pair.links[0].reset();
  pair.ends[0].reset();
  auto& left = *pair.links[1];
  left.receive(true, [&](Envelope&& e) { pair.got[1].push_back(std::move(e)); });
  EXPECT_EQ(pair.got[1].size(), 1u);
  EXPECT_EQ(left.broken(), "it closed the connection");
  Joined other(false);
  other.ends[1].reset();
  other.links[0]->add(Kind::rows, Epoch{1}, filled(100, 'x'));
  other.links[0]->flush();
  EXPECT_EQ(other.links[0]->broken(), "the connection was reset");
}

}  // namespace
}  // namespace hemiola::net
