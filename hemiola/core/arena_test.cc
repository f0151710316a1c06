#include "hemiola/core/arena.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

TEST(Arena, Small_and_large_arrays_start_as_zeros_and_keep_what_is_written) {
  for (const size_t count : {size_t{1}, size_t{1000}, size_t{1} << 20}) {
    Arena<int> arena(count);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.data()) % 64, 0u);
    EXPECT_EQ(arena[0], 0);
    EXPECT_EQ(arena[count - 1], 0);
    arena[count - 1] = 7;
    Arena<int> moved = std::move(arena);
    EXPECT_EQ(moved[count - 1], 7);
  }
}

TEST(Arena, A_terabyte_costs_nothing_until_it_is_touched) {
  Arena<char> arena(size_t{1} << 40);
  arena[size_t{1} << 39] = 1;
  EXPECT_EQ(arena[(size_t{1} << 39) + 1], 0);
}

}  // namespace
}  // namespace hemiola
