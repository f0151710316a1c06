#include "hemiola/average/codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "hemiola/average/codec_for_test.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

using test::decoded;
using test::encoded;
using test::kCodecs;
using test::kLengths;
using test::Message;
using test::normal_vector;

TEST(Codec, Every_name_is_read_and_written_back) {
  for (const char* text : kCodecs) EXPECT_EQ(make_codec(text)->text(), text);
  EXPECT_EQ(make_codec("quantise(4)")->text(), "quantise(4, 512)");
  EXPECT_EQ(make_codec("quantise(2)")->text(), "quantise(2, 256)");
  EXPECT_EQ(make_codec("quantise(8,1024)")->text(), "quantise(8, 1024)");
}

TEST(Codec, A_name_or_number_that_is_wrong_is_answered_with_what_is_right) {
  const auto said = [](const char* text) -> std::string {
    try {
      make_codec(text);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no complaint";
  };
  for (const char* text : {"", "None", "quantise", "quantise(4", "zip(3)", "sign(3)"}) {
    EXPECT_NE(said(text).find("use none, bf16, quantise(BITS)"), std::string::npos) << text;
  }
  for (const char* text : {"quantise(3)", "quantise()", "quantise(4.5)", "quantise(x, 256)"}) {
    EXPECT_NE(said(text).find("must be 2, 4 or 8"), std::string::npos) << text;
  }
  for (const char* text : {"quantise(4, 100)", "quantise(4, 0)", "quantise(4,)"}) {
    EXPECT_NE(said(text).find("a multiple of 256"), std::string::npos) << text;
  }
  for (const char* text : {"topk(0)", "topk(1.5)", "topk(-1)", "topk(nan)", "topk()"}) {
    EXPECT_NE(said(text).find("above 0 and at most 1"), std::string::npos) << text;
  }
  for (const char* text : {"lowrank(0)", "lowrank(a)", "lowrank(1000)"}) {
    EXPECT_NE(said(text).find("from 1 to 256"), std::string::npos) << text;
  }
}

TEST(Codec, A_message_has_the_size_that_was_announced_and_is_understood) {
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    for (const size_t n : kLengths) {
      SCOPED_TRACE(std::string(text) + ", " + std::to_string(n) + " values");
      const auto x = normal_vector(n, n);
      const Message message = encoded(*codec, x);
      EXPECT_LE(message.size(), codec->bytes_for(n));
      if (std::string_view(text).find("topk") == std::string_view::npos) {
        EXPECT_EQ(message.size(), codec->bytes_for(n));
      }
      const auto y = decoded(*codec, message, n);
      for (const float v : y) EXPECT_TRUE(std::isfinite(v));
      EXPECT_EQ(message, encoded(*codec, x)) << "the same seed gives other bytes";
    }
  }
}

TEST(Codec, Long_messages_are_as_small_as_their_names_promise) {
  const size_t n = 1 << 16;
  EXPECT_EQ(make_codec("none")->bytes_for(n), 4 * n);
  EXPECT_EQ(make_codec("bf16")->bytes_for(n), 2 * n);
  EXPECT_EQ(make_codec("quantise(8)")->bytes_for(n), n + 4 * n / 512);
  EXPECT_EQ(make_codec("quantise(4)")->bytes_for(n), n / 2 + 4 * n / 512);
  EXPECT_EQ(make_codec("quantise(2)")->bytes_for(n), n / 4 + 4 * n / 256);
  EXPECT_EQ(make_codec("sign")->bytes_for(n), n / 8 + 4 * n / 1024);
  EXPECT_EQ(make_codec("lowrank(2)")->bytes_for(n), 4u * 2 * (256 + 256));
  EXPECT_LE(make_codec("topk(0.01)")->bytes_for(n), 7 * n / 100 + 1);
}

TEST(Codec, Adding_with_a_weight_is_adding_what_is_decoded) {
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    for (const size_t n : kLengths) {
      const Message message = encoded(*codec, normal_vector(n, 3));
      const auto y = decoded(*codec, message, n);
      auto got = normal_vector(n, 4), want = got;
      ASSERT_EQ(codec->decode_add(message, -0.25f, got), "");
      for (size_t i = 0; i < n; ++i) {
        volatile float product = -0.25f * y[i];  // not fused with the sum
        want[i] += product;
      }
      EXPECT_EQ(got, want) << text << ", " << n << " values";
    }
  }
}

TEST(Codec, Messages_may_lie_at_any_address) {
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    const auto x = normal_vector(1000, 3);
    const auto want = decoded(*codec, encoded(*codec, x), 1000);
    Message room(codec->bytes_for(1000) + 4);
    for (size_t shift = 0; shift < 4; ++shift) {
      CodecMemory memory;
      Random random(1);
      const std::span<std::byte> part(room.data() + shift, codec->bytes_for(1000));
      const size_t used = codec->encode(x, memory, random, part);
      std::vector<float> got(1000);
      ASSERT_EQ(codec->decode(part.first(used), got), "");
      EXPECT_EQ(got, want) << text;
    }
  }
}

TEST(Codec, The_mean_error_is_within_the_bound) {
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    for (const size_t n : {1u, 10u, 100u, 700u, 3000u}) {
      auto x = normal_vector(n, n);
      for (size_t i = 0; i < n; i += 9) x[i] *= 20;
      double error = 0;
      const int times = codec->biased() ? 1 : 50;
      for (int i = 0; i < times; ++i) {
        error += test::squared_distance(x, decoded(*codec, encoded(*codec, x, i), n)) / times;
      }
      EXPECT_LE(error, codec->error_bound(n) * test::squares(x) * (1 + 1e-6))
          << text << " of " << n;
    }
  }
}

TEST(Codec, The_tighter_codec_has_the_tighter_bound) {
  const auto bound = [](const char* text) { return make_codec(text)->error_bound(4096); };
  EXPECT_EQ(bound("none"), 0);
  EXPECT_LT(bound("bf16"), bound("quantise(8)"));
  EXPECT_LT(bound("quantise(8)"), bound("quantise(4)"));
  EXPECT_LT(bound("quantise(4)"), bound("quantise(2)"));
  EXPECT_LT(bound("topk(0.5)"), bound("topk(0.1)"));
}

TEST(Codec, What_is_not_finite_is_seen_by_the_receiver) {
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      for (const size_t n : {1u, 40u, 2000u}) {
        auto x = normal_vector(n, 1);
        x[n / 2] = bad;
        const auto y = decoded(*codec, encoded(*codec, x), n);
        EXPECT_FALSE(std::isfinite(y[n / 2])) << text << " of " << n;
      }
    }
  }
}

TEST(Codec, A_message_of_the_wrong_size_is_refused_and_changes_nothing) {
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    const auto x = normal_vector(1000, 2);
    const Message whole = encoded(*codec, x);
    Message longer = whole;
    longer.push_back(std::byte{0});
    std::vector<Message> bad{longer};
    for (size_t size = 0; size < whole.size(); size += 1 + size / 50) {
      bad.emplace_back(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    }
    for (const Message& message : bad) {
      auto out = x;
      EXPECT_NE(codec->decode(message, out), "") << text << ", " << message.size() << " bytes";
      EXPECT_NE(codec->decode_add(message, 2, out), "");
      EXPECT_EQ(out, x);
    }
  }
}

// Bytes of an exact size in memory of their own, so that the address sanitizer sees each step
// beyond them; floats within guards, so that every build does.
void throw_at(const Codec& codec, const Message& message, size_t n) {
  const auto bytes = std::make_unique<std::byte[]>(message.size() + 1);
  if (!message.empty()) std::memcpy(bytes.get(), message.data(), message.size());
  std::vector<float> out(n + 128, 5.0f);
  const std::span<float> inner(out.data() + 64, n);
  const Refusal first = codec.decode({bytes.get(), message.size()}, inner);
  const Refusal second = codec.decode_add({bytes.get(), message.size()}, 0.5f, inner);
  EXPECT_EQ(first, second);
  for (size_t i = 0; i < 64; ++i) {
    ASSERT_EQ(out[i], 5.0f);
    ASSERT_EQ(out[64 + n + i], 5.0f);
  }
}

TEST(Codec, Any_bytes_are_refused_or_decoded_within_the_vector) {
  Random random(17);
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    for (int i = 0; i < 3000; ++i) {
      const size_t n = random.below(700);
      Message message;
      if (random.chance(0.5)) {  // a good message, spoilt
        message = encoded(*codec, normal_vector(n, i), i);
        for (uint64_t flips = random.below(8); flips > 0 && !message.empty(); --flips) {
          message[random.below(message.size())] = static_cast<std::byte>(random());
        }
        if (random.chance(0.3)) message.resize(random.below(message.size() + 3));
      } else {
        message.resize(random.chance(0.7) ? codec->bytes_for(n) : random.below(3000));
        for (std::byte& b : message) b = static_cast<std::byte>(random());
      }
      throw_at(*codec, message, n);
    }
  }
}

TEST(Codec, A_message_is_appended_to_a_writer) {
  for (const char* text : kCodecs) {
    const auto codec = make_codec(text);
    const auto x = normal_vector(300, 8);
    Writer out;
    out.put<uint32_t>(77);
    CodecMemory memory;
    Random random(1);
    const size_t used = encode_to(out, *codec, x, memory, random);
    out.put<uint32_t>(78);
    const Bytes bytes = std::move(out).take();
    Reader reader(bytes);
    EXPECT_EQ(reader.get<uint32_t>(), 77u);
    const std::byte* at = reader.skip(used);
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(Message(at, at + used), encoded(*codec, x));
    EXPECT_EQ(reader.get<uint32_t>(), 78u);
    EXPECT_TRUE(reader.finished());
  }
}

TEST(Codec, Bf16_is_within_half_a_unit_of_its_last_place) {
  const auto codec = make_codec("bf16");
  Random random(4);
  std::vector<float> x(20000);
  for (float& v : x) {
    v = static_cast<float>(random.normal() * std::exp(random.uniform(-80, 80)));
  }
  const auto y = decoded(*codec, encoded(*codec, x), x.size());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) - x[i]) / std::abs(x[i]));
  }
  EXPECT_LE(worst, 0x1p-8);
  EXPECT_GE(worst, 0x1p-9);  // else something else than bf16 was sent
  const std::vector<float> exact{0, -0.0f, 1, -1.5f, 256, 1.0078125f, 1e30f * 0};
  EXPECT_EQ(decoded(*codec, encoded(*codec, exact), exact.size()), exact);
  // Half way between two: the even one.
  const std::vector<float> halfway{1.00390625f, 1.01171875f};
  EXPECT_EQ(decoded(*codec, encoded(*codec, halfway), 2), (std::vector<float>{1.0f, 1.015625f}));
}

}  // namespace
}  // namespace hemiola
