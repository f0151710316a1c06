#include "hemiola/average/link_copies.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hemiola/average/codec_for_test.h"

namespace hemiola {
namespace {

using test::kCodecs;
using test::normal_vector;

// Worker 3 sends to worker 5.
struct Pair {
  explicit Pair(const char* codec, size_t n = 900)
      : at3{make_codec(codec), std::vector<float>(n, 0.5f), 7, {}, {}},
        at5{make_codec(codec), std::vector<float>(n, 0.5f), 7, {}, {}} {}

  Bytes message(std::span<const float> values) {
    Writer out;
    sender.encode(values, out);
    return std::move(out).take();
  }

  LinkBasis at3, at5;
  LinkCopies sender{at3, WorkerId{3}, WorkerId{5}}, receiver{at5, WorkerId{5}, WorkerId{3}};
};

std::vector<float> copy_of(std::span<const float> x) { return {x.begin(), x.end()}; }

TEST(LinkCopies, Both_ends_have_the_same_bits_and_come_to_what_is_sent) {
  for (const char* codec : kCodecs) {
    Pair pair(codec);
    const auto x = normal_vector(900, 1);
    std::vector<float> start(900, 0.5f);
    double before = test::squared_distance(x, start);
    const double first = before;
    for (int i = 0; i < 60; ++i) {
      const Bytes message = pair.message(x);
      ASSERT_EQ(pair.receiver.hold(message.span()), "");
      ASSERT_TRUE(pair.receiver.take(message.span()));
      ASSERT_EQ(copy_of(pair.receiver.theirs()), copy_of(pair.sender.mine())) << codec;
      const double after = test::squared_distance(x, pair.sender.mine());
      EXPECT_LE(after, before * (1 + 1e-6) + 1e-9) << codec << " message " << i;
      before = after;
    }
    EXPECT_LT(before, 0.05 * first) << codec;
  }
}

// Its root is one minus the share of the squared length that is still missing.
TEST(LinkCopies, The_agreement_is_what_came_over_on_the_worse_way) {
  for (const char* codec : kCodecs) {
    Pair pair(codec);
    const auto x = normal_vector(900, 1);
    const double before = test::squared_distance(x, std::vector<float>(900, 0.5f));
    const Bytes message = pair.message(x);
    const double missing = test::squared_distance(x, pair.sender.mine()) / before;
    EXPECT_NEAR(std::sqrt(pair.sender.agreement()), 1 - missing, 1e-5) << codec;
    ASSERT_EQ(pair.receiver.hold(message.span()), "");
    ASSERT_TRUE(pair.receiver.take(message.span()));
    EXPECT_EQ(pair.receiver.agreement(), pair.sender.agreement());
    Writer out;
    pair.receiver.encode(std::vector<float>(900, 0.5f), out);  // nothing new
    EXPECT_EQ(pair.receiver.agreement(), pair.sender.agreement());
  }
}

TEST(LinkCopies, Messages_count_once_and_in_order_whenever_they_come) {
  Pair pair("topk(0.1)");
  std::vector<Bytes> messages;
  std::vector<std::vector<float>> copies;
  for (int i = 0; i < 4; ++i) {
    messages.push_back(pair.message(normal_vector(900, i)));
    copies.push_back(copy_of(pair.sender.mine()));
  }
  const auto take = [&](int i) {
    EXPECT_EQ(pair.receiver.hold(messages[i].span()), "");
    return pair.receiver.take(messages[i].span());
  };
  EXPECT_FALSE(take(1));  // the one before it is missing
  EXPECT_TRUE(pair.receiver.theirs().empty());
  EXPECT_TRUE(take(0));
  EXPECT_EQ(copy_of(pair.receiver.theirs()), copies[0]);
  EXPECT_FALSE(take(0));
  EXPECT_TRUE(take(2));  // and with it the one that was held
  EXPECT_EQ(copy_of(pair.receiver.theirs()), copies[2]);
  EXPECT_FALSE(take(1));
  EXPECT_TRUE(take(3));
  EXPECT_EQ(copy_of(pair.receiver.theirs()), copies[3]);
  EXPECT_EQ(pair.receiver.taken(), 4u);
}

TEST(LinkCopies, What_cannot_be_is_refused_and_changes_nothing) {
  for (const char* codec : kCodecs) {
    Pair pair(codec);
    const auto x = normal_vector(900, 3);
    const Bytes message = pair.message(x);
    for (size_t size = 0; size < message.size(); size += 1 + size / 8) {
      EXPECT_NE(pair.receiver.hold(message.span().first(size)), "") << codec << " " << size;
    }
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -1.0f, 1.5f}) {
      MutableBytes spoilt(message.size());
      std::memcpy(spoilt.data(), message.data(), message.size());
      std::memcpy(spoilt.data() + 8, &bad, sizeof bad);
      EXPECT_NE(pair.receiver.hold(spoilt.span()), "") << codec << " " << bad;
    }
    EXPECT_EQ(pair.receiver.hold(message.span()), "");
    EXPECT_TRUE(pair.receiver.take(message.span()));
    EXPECT_EQ(copy_of(pair.receiver.theirs()), copy_of(pair.sender.mine()));
  }
}

TEST(LinkCopies, What_is_not_finite_is_seen_at_the_other_end) {
  for (const char* codec : kCodecs) {
    Pair pair(codec);
    auto x = normal_vector(900, 3);
    x[17] = std::numeric_limits<float>::quiet_NaN();
    const Bytes message = pair.message(x);
    ASSERT_EQ(pair.receiver.hold(message.span()), "");
    ASSERT_TRUE(pair.receiver.take(message.span()));
    EXPECT_FALSE(std::isfinite(pair.receiver.theirs()[17])) << codec;
  }
}

}  // namespace
}  // namespace hemiola
