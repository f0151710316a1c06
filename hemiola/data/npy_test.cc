#include "hemiola/data/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

TEST(Npy, The_header_is_as_NumPy_writes_it) {
  const std::string header = npy_header(3, 4);
  EXPECT_EQ(header.size(), 128U);
  EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(static_cast<unsigned char>(header[8]), 118);
  EXPECT_EQ(header[9], 0);
  EXPECT_TRUE(header.substr(10).starts_with(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  "));
  EXPECT_EQ(header.back(), '\n');
  for (const uint64_t n : {uint64_t{0}, uint64_t{99}, UINT64_MAX}) {
    EXPECT_EQ(npy_header(n, n).size() % 64, 0U) << n;
  }
}

TEST(Npy, Rows_are_written_one_after_the_other) {
  const test::TempFolder folder;
  const std::string path = folder.path("a.npy");
  std::vector<float> values(300'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.5f;
  NpyWriter file(path, 100'000, 3);
  for (size_t i = 0; i < values.size(); i += 3) file.write({&values[i], 3});
  EXPECT_FALSE(std::filesystem::exists(path));
  file.commit();
  const std::string bytes = test::read_all(path);
  ASSERT_EQ(bytes.size(), 128 + values.size() * 4);
  EXPECT_EQ(file.bytes(), bytes.size());
  EXPECT_EQ(bytes.substr(0, 128), npy_header(100'000, 3));
  EXPECT_EQ(std::memcmp(bytes.data() + 128, values.data(), values.size() * 4), 0);
}

TEST(Npy, A_file_that_was_not_committed_leaves_nothing_behind) {
  const test::TempFolder folder;
  { NpyWriter(folder.path("a.npy"), 1, 1).write(std::vector<float>{1}); }
  EXPECT_TRUE(std::filesystem::is_empty(std::filesystem::path(folder.path("a.npy")).parent_path()));
}

}  // namespace
}  // namespace hemiola
