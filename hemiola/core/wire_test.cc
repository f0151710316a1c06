#include "hemiola/core/wire.h"

#include <gtest/gtest.h>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

Bytes first_bytes(const Bytes& all, size_t size) { return Bytes::copy_of(all.span().first(size)); }

TEST(Wire, What_was_written_is_read_in_the_same_order) {
  Writer writer;
  const std::vector<float> floats = {1.5f, -2.0f};
  writer.put(uint8_t{7}).put(NodeId{3}).put_text("hemiola").put_all(std::span(floats)).put(-1.25);
  const Bytes message = std::move(writer).take();

  Reader reader(message);
  EXPECT_EQ(reader.get<uint8_t>(), 7);
  EXPECT_EQ(reader.get<NodeId>(), NodeId{3});
  EXPECT_EQ(reader.get_text(), "hemiola");
  EXPECT_EQ(reader.get_all<float>(), floats);
  EXPECT_EQ(reader.get<double>(), -1.25);
  EXPECT_TRUE(reader.finished());
}

TEST(Wire, Values_are_packed_and_little_endian) {
  Writer writer;
  writer.put(uint8_t{1}).put(uint32_t{0x04030201}).put_text("ab");
  const Bytes message = std::move(writer).take();
  const uint8_t expected[] = {1, 1, 2, 3, 4, 2, 0, 0, 0, 'a', 'b'};
  ASSERT_EQ(message.size(), sizeof(expected));
  EXPECT_EQ(std::memcmp(message.data(), expected, sizeof(expected)), 0);
}

TEST(Wire, Empty_lists_and_texts_come_back_empty) {
  Writer writer(0);
  writer.put_all(std::span<const uint64_t>()).put_text("");
  const Bytes message = std::move(writer).take();
  Reader reader(message);
  EXPECT_TRUE(reader.get_all<uint64_t>().empty());
  EXPECT_TRUE(reader.get_text().empty());
  EXPECT_TRUE(reader.finished());
}

TEST(Wire, A_writer_grows_beyond_what_was_expected) {
  Writer writer(1);
  std::vector<uint32_t> many(10'000);
  for (uint32_t i = 0; i < many.size(); ++i) writer.put(many[i] = i);
  EXPECT_EQ(writer.size(), 40'000u);
  const Bytes message = std::move(writer).take();
  EXPECT_EQ(std::memcmp(message.data(), many.data(), message.size()), 0);
}

TEST(Wire, A_count_can_be_written_when_it_is_known) {
  Writer writer;
  const size_t place = writer.size();
  writer.put(uint32_t{0}).put(uint8_t{5}).put(uint8_t{6}).patch(place, uint32_t{2});
  const Bytes message = std::move(writer).take();
  Reader reader(message);
  EXPECT_EQ(reader.get_all<uint8_t>(), (std::vector<uint8_t>{5, 6}));
}

TEST(Wire, After_a_read_that_does_not_fit_all_reads_give_zeros) {
  const Bytes message = Bytes::copy_of("\x01\x02\x03");
  Reader reader(message);
  EXPECT_EQ(reader.get<uint8_t>(), 1);
  EXPECT_EQ(reader.get<uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.get<uint8_t>(), 0);
  EXPECT_TRUE(reader.get_text().empty());
  EXPECT_EQ(reader.skip(1), nullptr);
  EXPECT_FALSE(reader.finished());
}

TEST(Wire, Bytes_left_over_are_not_a_finished_message) {
  const Bytes message = Bytes::copy_of("\x01\x02");
  Reader reader(message);
  reader.get<uint8_t>();
  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(reader.finished());
}

TEST(Wire, A_count_that_cannot_fit_fails_before_it_allocates) {
  Writer writer;
  writer.put(UINT32_MAX).put(uint64_t{1});
  const Bytes message = std::move(writer).take();
  Reader reader(message);
  EXPECT_EQ(reader.get_all<uint64_t>().capacity(), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(Wire, A_count_whose_bytes_overflow_a_size_fails) {
  const Bytes message = Bytes::copy_of("12345678");
  Reader reader(message);
  EXPECT_EQ(reader.skip_all<uint64_t>(SIZE_MAX / 4), nullptr);
  EXPECT_FALSE(reader.ok());
}

TEST(Wire, Every_shortened_message_is_noticed) {
  Writer writer;
  writer.put(uint16_t{9}).put_text("some text").put_all(std::span<const uint32_t>({1u, 2u, 3u}));
  const Bytes whole = std::move(writer).take();
  for (size_t size = 0; size <= whole.size(); ++size) {
    const Bytes part = first_bytes(whole, size);
    Reader reader(part);
    reader.get<uint16_t>();
    reader.get_text();
    reader.get_all<uint32_t>();
    EXPECT_EQ(reader.finished(), size == whole.size()) << size << " bytes";
  }
}

TEST(Wire, Garbage_is_never_read_past_its_end) {
  Random random(1);
  for (int round = 0; round < 10'000; ++round) {
    MutableBytes block(random.below(40));
    for (std::byte& b : block.span()) b = static_cast<std::byte>(random.below(4) ? 0 : random());
    const Bytes garbage = std::move(block).freeze();
    Reader reader(garbage);
    size_t held = 0;
    while (reader.ok() && reader.left() > 0) held += reader.get_all<uint16_t>().size();
    EXPECT_LE(held * sizeof(uint16_t), garbage.size());
  }
}

}  // namespace
}  // namespace hemiola
