#include "hemiola/data/idx.h"

#include <gtest/gtest.h>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

std::string number(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

// Two images of 2 x 3, and their labels.
std::string images_file() {
  return number(0x803) + number(2) + number(2) + number(3) + "abcdefghijkl";
}
std::string labels_file(std::string labels = "\x04\x01") {
  return number(0x801) + number(static_cast<uint32_t>(labels.size())) + labels;
}

class IdxTest : public testing::Test {
 protected:
  std::string error(const std::string& images, const std::string& labels) {
    const std::string image_path = folder_.write("images", images);
    const std::string label_path = folder_.write("labels", labels);
    std::string text = test::error_of([&] { read_idx(image_path, label_path); });
    for (size_t at; (at = text.find(folder_.path(""))) != std::string::npos;) {
      text.erase(at, folder_.path("").size());
    }
    return text;
  }
  const test::TempFolder folder_;
};

TEST_F(IdxTest, Images_are_read_with_their_labels_plain_and_packed) {
  for (const bool packed : {false, true}) {
    const auto kept = [&](const std::string& bytes) { return packed ? test::gzip(bytes) : bytes; };
    const Images set =
        read_idx(folder_.write("i", kept(images_file())), folder_.write("l", kept(labels_file())));
    EXPECT_EQ(set.height, 2u);
    EXPECT_EQ(set.width, 3u);
    EXPECT_EQ(set.channels, 1u);
    EXPECT_EQ(set.classes, 5u);
    EXPECT_EQ(set.labels, (std::vector<uint8_t>{4, 1}));
    EXPECT_EQ(std::string(set.pixels.begin(), set.pixels.end()), "abcdefghijkl");
  }
}

TEST_F(IdxTest, What_was_written_is_read_again) {
  Images set;
  set.height = 2, set.width = 2, set.channels = 1, set.classes = 3;
  set.pixels = {0, 255, 3, 4, 5, 6, 7, 8};
  set.labels = {2, 0};
  write_idx(set, folder_.path("i"), folder_.path("l"));
  const Images again = read_idx(folder_.path("i"), folder_.path("l"));
  EXPECT_EQ(again.pixels, set.pixels);
  EXPECT_EQ(again.labels, set.labels);
  EXPECT_EQ(again.classes, 3u);
}

TEST_F(IdxTest, A_file_of_another_kind_is_told_apart) {
  EXPECT_EQ(error(labels_file(), labels_file()),
            "images is no IDX file of images: it begins with 00000801, where 00000803 is wanted, "
            "so it is one of labels");
  EXPECT_EQ(error(images_file(), images_file()),
            "labels is no IDX file of labels: it begins with 00000803, where 00000801 is wanted, "
            "so it is one of images");
  EXPECT_EQ(error("hello, world", labels_file()),
            "images is no IDX file of images: it begins with 68656c6c, where 00000803 is wanted");
}

TEST_F(IdxTest, A_file_that_is_cut_off_says_after_how_many) {
  const std::string images = images_file();
  EXPECT_EQ(error(images.substr(0, images.size() - 1), labels_file()),
            "images ends after 1 of 2 images");
  EXPECT_EQ(error(images.substr(0, 9), labels_file()),
            "images ends in its header, so it is no IDX file of images");
  EXPECT_EQ(error("", labels_file()), "images ends in its header, so it is no IDX file of images");
  EXPECT_EQ(error(images, labels_file().substr(0, 9)), "labels ends after 1 of 2 labels");
  const std::string packed = test::gzip(images);
  EXPECT_EQ(error(packed.substr(0, packed.size() - 9), labels_file()),
            "images ends in the middle of the compressed data");
}

TEST_F(IdxTest, A_header_that_the_file_does_not_fit_is_refused_without_its_memory) {
  EXPECT_EQ(error(images_file() + "x", labels_file()),
            "images goes on after the 2 images that its header speaks of");
  EXPECT_EQ(error(images_file(), labels_file("\x01")),
            "labels has 1 labels, but images has 2 images");
  const std::string huge = number(0x803) + number(2) + number(0xFFFFFFFF) + number(0xFFFFFFFF);
  EXPECT_EQ(error(huge, labels_file()),
            "images says that it has 2 images of 4294967295 x 4294967295 pixels, which cannot be");
  const std::string many = number(0x803) + number(0xFFFFFFFF) + number(28) + number(28);
  const std::string all = number(0x801) + number(0xFFFFFFFF) + "\x01";
  EXPECT_EQ(error(many, all), "labels ends after 1 of 4294967295 labels");
  EXPECT_EQ(error(number(0x803) + number(0) + number(28) + number(28), labels_file("")),
            "images says that it has 0 images of 28 x 28 pixels, which cannot be");
}

}  // namespace
}  // namespace hemiola
