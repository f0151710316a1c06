#include "hemiola/data/write.h"

#include <gtest/gtest.h>

#include "hemiola/data/synthetic.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

TEST(WriteTest, Ratings_are_read_back_bit_for_bit) {
  const test::TempFolder folder;
  Ratings made = make_ratings({.users = 900, .items = 90, .ratings = 300'000}).split.train;
  const std::string path = folder.path("ratings.txt");
  write_ratings(path, made);
  const Ratings back = read_ratings(path).train;
  made.users = back.users, made.items = back.items;
  EXPECT_TRUE(back == made);
}

TEST(WriteTest, Examples_are_read_back_bit_for_bit) {
  const test::TempFolder folder;
  const std::string path = folder.path("examples.svm");
  SparseExamples made =
      make_regression({.rows = 20'000, .features = 5'000, .true_weights = 50}).train;
  write_libsvm(path, made);
  EXPECT_TRUE(read_libsvm(path, {.classify = false}).examples == made);
  made = make_logistic({.rows = 20'000, .features = 5'000}).train;
  write_libsvm(path, made);
  made.features = read_libsvm(path).examples.features;
  EXPECT_TRUE(read_libsvm(path).examples == made);
}

}  // namespace
}  // namespace hemiola
