#include "hemiola/table/row_packer.h"

#include <gtest/gtest.h>

#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

// A copy as workers and the loop see it, and what the owner gets of it.
struct Copy {
  explicit Copy(const char* coding) : form(3, 3, parse_row_coding(coding)), to(form.bytes()) {}

  bool send() {
    std::vector<float> delta(3);
    if (!vec().take_delta(value.data(), base.data(), delta.data(), 3)) return false;
    if (!packer.put_change(form, delta.data(), base.data(), to.data())) return false;
    const float* got = packer.get(form, to.data());
    for (size_t i = 0; i < 3; ++i) owner[i] += got[i];
    return true;
  }

  RowForm form;
  std::vector<std::byte> to;
  RowPacker packer;
  std::vector<float> value{0, 0, 0}, base{0, 0, 0}, owner{0, 0, 0};
};

TEST(RowPacker, What_the_owner_has_and_the_copy_still_has_to_send_is_what_was_added) {
  Copy copy("quantise(2)");
  copy.value = {100, 30, -7};
  EXPECT_TRUE(copy.send());
  EXPECT_NE(copy.owner, copy.value);
  EXPECT_EQ(copy.base, copy.owner);
  for (int i = 0; i < 40; ++i) copy.send();
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(copy.owner[i], copy.value[i], 1e-6);
}

TEST(RowPacker, Where_nothing_is_left_nothing_is_sent) {
  Copy copy("bf16");
  copy.value = {1, 2, 3};
  EXPECT_TRUE(copy.send());
  EXPECT_EQ(copy.owner, copy.value);
  EXPECT_FALSE(copy.send());
  Copy tiny("quantise(2)");
  tiny.value = {1e-44f, 0, 0};
  EXPECT_FALSE(tiny.send());
  EXPECT_EQ(tiny.base, tiny.owner);
}

TEST(RowPacker, Floats_and_rows_that_are_read_come_as_they_are_or_near_it) {
  const std::vector<float> row{1.001f, -2, 0.5f};
  RowPacker packer;
  const RowForm floats(3);
  std::vector<std::byte> to(floats.bytes());
  packer.put(floats, row.data(), to.data());
  EXPECT_EQ(packer.get(floats, to.data())[0], row[0]);
  const RowForm halves(3, 3, parse_row_coding("bf16"));
  packer.put(halves, row.data(), to.data());
  EXPECT_EQ(packer.get(halves, to.data())[0], 1.0f);
  EXPECT_EQ(packer.get(halves, to.data())[2], 0.5f);
}

}  // namespace
}  // namespace hemiola
