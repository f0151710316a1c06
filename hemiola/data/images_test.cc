#include "hemiola/data/images.h"

#include <gtest/gtest.h>

#include "hemiola/data/idx.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

Images grey(uint32_t side, std::vector<uint8_t> labels) {
  Images set;
  set.height = set.width = side;
  set.channels = 1;
  set.classes = 10;
  set.pixels.assign(labels.size() * side * side, 7);
  set.labels = std::move(labels);
  return set;
}

class ImagesTest : public testing::Test {
 protected:
  const test::TempFolder folder_;
  const std::string idx_ = folder_.path("a-images-idx3-ubyte");
  const std::string labels_ = folder_.path("a-labels-idx1-ubyte");
};

TEST_F(ImagesTest, Labels_are_found_beside_their_images) {
  write_idx(grey(3, {1, 2, 0}), idx_, labels_);
  EXPECT_EQ(read_images(idx_, "").labels, (std::vector<uint8_t>{1, 2, 0}));
  write_idx(grey(3, {1, 1, 1}), folder_.path("other"), folder_.path("chosen"));
  EXPECT_EQ(read_images(idx_, folder_.path("chosen")).labels, (std::vector<uint8_t>{1, 1, 1}));
  EXPECT_EQ(test::error_of([&] { read_images(folder_.path("other"), ""); }),
            "the labels of " + folder_.path("other") +
                " are not named: its name has no `images-idx3` in it, so the file of labels must "
                "be given");
}

TEST_F(ImagesTest, Cifar_batches_are_known_by_their_first_bytes_and_listed_by_commas) {
  const std::string one = folder_.write("1.bin", std::string(3073, '\x05'));
  const std::string two = folder_.write("2.bin", std::string(2 * 3073, '\x00'));
  const Images set = read_images(one + ", " + two, "");
  EXPECT_EQ(set.labels, (std::vector<uint8_t>{5, 0, 0}));
  EXPECT_EQ(test::error_of([&] { read_images(one, two); }),
            one + " is no IDX file, so " + two + " is not wanted: CIFAR batches hold their labels");
  write_idx(grey(3, {1}), idx_, labels_);
  EXPECT_EQ(test::error_of([&] { read_images(idx_ + "," + one, ""); }),
            "several files of images are named, but " + idx_ +
                " is an IDX file; only CIFAR batches come in several files");
  EXPECT_EQ(test::error_of([&] { read_images(" , ", ""); }), "no file of images is named");
}

TEST_F(ImagesTest, A_test_set_of_another_shape_or_with_unknown_labels_is_refused) {
  Images train = grey(3, {0, 1, 2});
  train.classes = 3;
  check_same_kind(train, "train", grey(3, {2}), "test");
  EXPECT_EQ(test::error_of([&] { check_same_kind(train, "train", grey(4, {2}), "test"); }),
            "images of test are 4 x 4 x 1, but those of train are 3 x 3 x 1");
  EXPECT_EQ(test::error_of([&] {
              check_same_kind(train, "train", grey(3, {2, 3}), "test");
            }),
            "image 1 of test has label 3, but the labels of train go up to 2");
}

TEST_F(ImagesTest, Mnist_is_read_as_published) {
  const std::string path = test::shared_data("mnist/t10k-images-idx3-ubyte.gz");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/mnist";
  const Images set = read_images(path, "");
  EXPECT_EQ(set.size(), 10'000u);
  EXPECT_EQ(set.height, 28u);
  EXPECT_EQ(set.classes, 10u);
  EXPECT_EQ(set.labels[0], 7);
  EXPECT_EQ(set.labels[9'999], 6);
}

}  // namespace
}  // namespace hemiola
