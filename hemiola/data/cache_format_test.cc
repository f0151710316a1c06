#include "hemiola/data/cache_format.h"

#include <gtest/gtest.h>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

const CacheStamp kStamp{10, 20, 30};

class CacheFormatTest : public testing::Test {
 protected:
  void SetUp() override {
    write_cache_file(path_, kStamp,
                     {std::as_bytes(std::span(numbers_)), {}, std::as_bytes(std::span(text_))});
  }
  test::TempFolder folder_;
  const std::string path_ = folder_.path("cache");
  const std::vector<uint64_t> numbers_{1, 2, 3, UINT64_MAX, 5};
  const std::string text_ = "some text of no round length, longer than a line of the checksum";
};

TEST_F(CacheFormatTest, Arrays_come_back_in_order) {
  CacheFile file(path_, kStamp);
  ASSERT_TRUE(file.open());
  EXPECT_EQ(file.take<uint64_t>(), numbers_);
  EXPECT_TRUE(file.take<float>().empty());
  const auto text = file.take<char>();
  EXPECT_EQ(std::string(text.begin(), text.end()), text_);
}

TEST_F(CacheFormatTest, Another_stamp_does_not_open_it) {
  EXPECT_FALSE(CacheFile(path_, {11, 20, 30}).open());
  EXPECT_FALSE(CacheFile(path_, {10, 21, 30}).open());
  EXPECT_FALSE(CacheFile(path_, {10, 20, 31}).open());
  EXPECT_FALSE(CacheFile(folder_.path("missing"), kStamp).open());
  EXPECT_FALSE(CacheFile(folder_.path(""), kStamp).open());
}

TEST_F(CacheFormatTest, A_file_cut_off_anywhere_does_not_open) {
  const std::string whole = test::read_all(path_);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(CacheFile(folder_.write("cut", whole.substr(0, size)), kStamp).open()) << size;
  }
  EXPECT_FALSE(CacheFile(folder_.write("long", whole + "x"), kStamp).open());
}

TEST_F(CacheFormatTest, A_flipped_bit_does_not_open_or_does_not_matter) {
  const std::string whole = test::read_all(path_);
  size_t opened = 0;
  for (size_t byte = 0; byte < whole.size(); ++byte) {
    std::string bent = whole;
    bent[byte] = static_cast<char>(bent[byte] ^ (1 << byte % 8));
    CacheFile file(folder_.write("bent", bent), kStamp);
    if (!file.open()) continue;
    ++opened;  // the bit lies between two arrays
    EXPECT_EQ(file.take<uint64_t>(), numbers_);
    EXPECT_TRUE(file.take<float>().empty());
    const auto text = file.take<char>();
    EXPECT_EQ(std::string(text.begin(), text.end()), text_);
  }
  // What is not header (56), directory (3 x 16) and arrays (40 and 64).
  EXPECT_EQ(opened, whole.size() - 56 - 48 - 40 - text_.size());
}

}  // namespace
}  // namespace hemiola
