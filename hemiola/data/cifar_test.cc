#include "hemiola/data/cifar.h"

#include <gtest/gtest.h>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

// An image whose pixels say where they are.
std::string image(uint8_t label) {
  std::string bytes(1, static_cast<char>(label));
  for (int plane = 0; plane < 3; ++plane) {
    for (int pixel = 0; pixel < 1024; ++pixel) {
      bytes += static_cast<char>((plane * 100 + pixel + label) % 256);
    }
  }
  return bytes;
}

TEST(Cifar, Planes_become_pixels_and_batches_come_in_order) {
  const test::TempFolder folder;
  const Images set = read_cifar10(
      {folder.write("1.bin", image(3) + image(9)), folder.write("2.bin.gz", test::gzip(image(0)))});
  EXPECT_EQ(set.labels, (std::vector<uint8_t>{3, 9, 0}));
  EXPECT_EQ(set.height, 32u);
  EXPECT_EQ(set.width, 32u);
  EXPECT_EQ(set.channels, 3u);
  EXPECT_EQ(set.classes, 10u);
  ASSERT_EQ(set.pixels.size(), 3 * set.image_bytes());
  for (size_t pixel = 0; pixel < 1024; pixel += 77) {
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(set.pixels[3072 + 3 * pixel + c], (100 * c + pixel + 9) % 256);
    }
  }
}

TEST(Cifar, A_batch_that_is_cut_off_or_damaged_is_named_with_the_image) {
  const test::TempFolder folder;
  const auto error = [&](const std::string& bytes) {
    const std::string path = folder.write("b.bin", bytes);
    return test::error_of([&] { read_cifar10({path}); }).substr(path.size());
  };
  EXPECT_EQ(error(image(1) + image(2).substr(0, 99)),
            " ends in the middle of image 1 (from 0); an image of a CIFAR batch is 3073 bytes");
  EXPECT_EQ(error(image(1) + image(10)),
            " is no CIFAR-10 batch, or damaged: image 1 (from 0) has label 10, and labels are 0 to "
            "9");
  EXPECT_EQ(error(""),
            " is neither an IDX file nor a CIFAR batch: it has 0 bytes, less than an image");
}

}  // namespace
}  // namespace hemiola
