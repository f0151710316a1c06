#include "hemiola/average/group_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace hemiola {
namespace {

constexpr size_t kValues = 40;

LinkBasis basis_of(const char* codec) {
  LinkBasis basis;
  basis.codec = make_codec(codec);
  basis.start.assign(kValues, 5);
  return basis;
}

std::vector<float> some_values(uint64_t seed) {
  Random random(seed);
  std::vector<float> values(kValues);
  for (float& v : values) v = static_cast<float>(10 * random.normal());
  return values;
}

double furthest(std::span<const float> a, std::span<const float> b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(0.0 + a[i] - b[i]));
  return most;
}

// Worker 1 tells worker 2 a block again and again.
TEST(GroupCodec, What_was_told_comes_nearer_each_time_block_by_block) {
  for (const char* codec : {"bf16", "quantise(8)", "quantise(4)"}) {
    LinkBasis basis = basis_of(codec);
    GroupCodec teller(basis, WorkerId{1}), hearer(basis, WorkerId{2});
    const auto values = some_values(3);
    const Block blocks[] = {{0, 25}, {20, 20}};
    double before = 50;
    for (int turn = 0; turn < 8; ++turn) {
      double off = 0;
      for (const Block& of : blocks) {
        const auto part = std::span(values).subspan(of.from, of.count);
        const Bytes heard = hearer.hear(WorkerId{1}, of, teller.tell(WorkerId{2}, of, part));
        const std::span floats(reinterpret_cast<const float*>(heard.data()), of.count);
        off = std::max(off, furthest(floats, part));
      }
      EXPECT_LE(off, std::max(0.7 * before, 1e-5)) << codec << " " << turn;
      before = off;
    }
    EXPECT_LT(before, 0.05) << codec;
  }
}

TEST(GroupCodec, Both_begin_anew_when_the_group_is_another) {
  LinkBasis basis = basis_of("quantise(8)");
  GroupCodec teller(basis, WorkerId{1}), hearer(basis, WorkerId{2});
  const auto values = some_values(4);
  const Block all{0, kValues};
  double off = 0;
  for (int turn = 0; turn < 2; ++turn) {
    const Bytes heard = hearer.hear(WorkerId{1}, all, teller.tell(WorkerId{2}, all, values));
    off = furthest({reinterpret_cast<const float*>(heard.data()), kValues}, values);
    teller.forget();
    hearer.forget();
  }
  EXPECT_LT(off, 1);
  EXPECT_GT(off, 1e-3);
}

TEST(GroupCodec, Two_who_pack_the_same_with_the_same_draws_get_the_same) {
  LinkBasis one = basis_of("quantise(4)"), other = basis_of("quantise(4)");
  GroupCodec a(one, WorkerId{1}), b(other, WorkerId{7});
  auto x = some_values(5), y = x;
  Random draws_a = a.draws_of(9, 3), draws_b = b.draws_of(9, 3);
  const auto first = a.pack(x, draws_a), second = b.pack(y, draws_b);
  EXPECT_EQ(x, y);
  EXPECT_EQ(first, second);
  std::vector<float> back(kValues);
  b.unpack(first, back);
  EXPECT_EQ(back, x);
  EXPECT_THROW(b.unpack(std::span(first).first(first.size() - 1), back), std::runtime_error);
}

}  // namespace
}  // namespace hemiola
