#include "hemiola/table/messages.h"

#include <gtest/gtest.h>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

TEST(TableMessages, A_pull_survives_the_wire) {
  PullBody pull{7, TableId{2}, Clock{-3}, true, {Key{1}, Key{9}, Key{1}}};
  const auto read = PullBody::decode(pull.encode());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->request, 7u);
  EXPECT_EQ(read->table, TableId{2});
  EXPECT_EQ(read->needed, Clock{-3});
  EXPECT_TRUE(read->subscribe);
  EXPECT_EQ(read->keys, pull.keys);
}

TEST(TableMessages, A_cut_or_lengthened_pull_is_not_read) {
  const Bytes whole = PullBody{7, TableId{2}, Clock{3}, false, {Key{1}, Key{9}}}.encode();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(PullBody::decode(whole.slice(0, size))) << size;
  }
  Writer longer;
  std::memcpy(longer.skip(whole.size()), whole.data(), whole.size());
  longer.put<uint8_t>(0);
  EXPECT_FALSE(PullBody::decode(std::move(longer).take()));
}

TEST(TableMessages, Records_are_read_only_when_they_are_whole) {
  Writer writer;
  for (uint32_t k = 0; k < 3; ++k) writer.put(Key{k}).put(1.5f * static_cast<float>(k)).put(2.0f);
  const Bytes body = std::move(writer).take();
  Reader reader(body);
  auto records = RowRecords::read(reader, RowForm(2));
  ASSERT_TRUE(records);
  ASSERT_EQ(records->count(), 3u);
  EXPECT_EQ(records->key(2), Key{2});
  EXPECT_EQ(records->row(2)[0], 3.0f);
  Reader cut(body.span().first(body.size() - 4));
  EXPECT_FALSE(RowRecords::read(cut, RowForm(2)));
}

TEST(TableMessages, Random_bytes_are_never_read_beyond_their_end) {
  Random random(1);
  for (int round = 0; round < 20000; ++round) {
    MutableBytes bytes(random.below(64));
    for (auto& b : bytes.span()) b = static_cast<std::byte>(random());
    const Bytes body = std::move(bytes).freeze();
    const auto pull = PullBody::decode(body);
    if (pull) {
      EXPECT_LE(pull->keys.size() * 4, body.size());
    }
    Reader reader(body);
    reader.get<RefreshHead>();
    const auto records =
        RowRecords::read(reader, RowForm(1 + static_cast<uint32_t>(random.below(4))));
    if (records) {
      EXPECT_LE(records->count() * 8, body.size());
    }
  }
}

}  // namespace
}  // namespace hemiola
