#include "hemiola/average/group_post.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hemiola {
namespace {

// Two nodes with a worker each.
struct End {
  explicit End(uint32_t self) : me(self), post(Place{NodeId{self}, 2, 1}) { post.open(out); }

  void send(uint32_t id) {
    const GroupHead head{.from = WorkerId{me}, .to = WorkerId{1 - me}, .id = id};
    post.send(Kind::propose, head);
  }
  std::optional<uint32_t> take(const Outbox::Send& s) {
    const auto message = post.take({NodeId{1 - me}, NodeId{me}, Epoch{1}, s.kind, s.body});
    if (!message) return {};
    return message->head.id;
  }

  uint32_t me;
  Outbox out;
  GroupPost post;
};

TEST(GroupPost, What_comes_twice_is_taken_once) {
  End a(0), b(1);
  a.send(7);
  EXPECT_EQ(b.take(a.out.sends[0]), 7u);
  EXPECT_EQ(b.take(a.out.sends[0]), std::nullopt);
}

TEST(GroupPost, What_was_lost_is_sent_again_and_taken_in_order) {
  End a(0), b(1);
  for (uint32_t id = 1; id <= 4; ++id) a.send(id);
  EXPECT_EQ(b.take(a.out.sends[0]), 1u);
  EXPECT_EQ(b.take(a.out.sends[3]), std::nullopt);
  a.out.clear();
  a.post.up_again(NodeId{1});
  std::vector<uint32_t> taken;
  for (const auto& send : a.out.sends) {
    if (const auto id = b.take(send)) taken.push_back(*id);
  }
  EXPECT_EQ(taken, (std::vector<uint32_t>{2, 3, 4}));
}

TEST(GroupPost, What_is_known_to_have_come_is_not_kept) {
  End a(0), b(1);
  a.send(1);
  a.send(2);
  b.take(a.out.sends[0]);
  b.send(9);
  a.take(b.out.sends[0]);
  a.out.clear();
  a.post.up_again(NodeId{1});
  ASSERT_EQ(a.out.sends.size(), 1u);
  EXPECT_EQ(b.take(a.out.sends[0]), 2u);
}

TEST(GroupPost, One_who_has_nothing_to_say_lets_the_other_know_in_time) {
  End a(0), b(1);
  for (uint32_t id = 1; id <= 1000; ++id) {
    a.send(id);
    b.take(a.out.sends.back());
    for (const auto& send : b.out.sends) EXPECT_EQ(a.take(send), std::nullopt);
    b.out.clear();
  }
  a.out.clear();
  a.post.up_again(NodeId{1});
  EXPECT_LE(a.out.sends.size(), 16u);
}

TEST(GroupPost, A_message_that_cannot_be_is_refused) {
  End a(0), b(1);
  a.send(1);
  auto send = a.out.sends[0];
  send.body = send.body.slice(0, sizeof(GroupHead) - 1);
  EXPECT_THROW(b.take(send), std::runtime_error);
  GroupHead head{.from = WorkerId{0}, .to = WorkerId{5}, .number = 1};
  send.body = Bytes::copy_of(std::as_bytes(std::span(&head, 1)));
  EXPECT_THROW(b.take(send), std::runtime_error);
  head = {.from = WorkerId{0}, .to = WorkerId{1}, .number = 1, .received = 3};
  send.body = Bytes::copy_of(std::as_bytes(std::span(&head, 1)));
  EXPECT_THROW(b.take(send), std::runtime_error);
  EXPECT_EQ(b.take(a.out.sends[0]), 1u);
}

}  // namespace
}  // namespace hemiola
