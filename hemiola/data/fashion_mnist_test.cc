#include "hemiola/data/fashion_mnist.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

TEST(FashionMnist, What_is_missing_is_told_with_what_brings_it) {
  EXPECT_EQ(test::error_of([] { require_fashion_mnist("/no/such/images"); }),
            "Fashion-MNIST is not on this machine (/no/such/images is missing); `apt-get install "
            "dataset-fashion-mnist` brings it");
}

TEST(FashionMnist, It_is_as_published_and_can_be_written_unpacked) {
  if (!std::filesystem::exists(fashion_mnist_train())) {
    GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  }
  const FashionMnist data = read_fashion_mnist();
  EXPECT_EQ(data.train.size(), 60'000u);
  EXPECT_EQ(data.test.size(), 10'000u);
  EXPECT_EQ(data.train.classes, 10u);
  EXPECT_EQ(data.train.labels[0], 9);
  const test::TempFolder place;
  const std::string folder = place.path("new/fashion");
  write_fashion_mnist(folder, data);
  const Images again = read_images(folder + "/t10k-images-idx3-ubyte", "");
  EXPECT_EQ(again.pixels, data.test.pixels);
  EXPECT_EQ(again.labels, data.test.labels);
}

}  // namespace
}  // namespace hemiola
