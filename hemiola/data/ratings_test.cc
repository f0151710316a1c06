#include "hemiola/data/ratings.h"

#include <gtest/gtest.h>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;

class RatingsTest : public testing::Test {
 protected:
  Ratings read(const std::string& text) {
    return read_ratings(folder_.write("ratings.txt", text)).train;
  }
  // What is said about the text, without the file's name.
  std::string error(const std::string& text, const RatingsOptions& options = {}) {
    const std::string path = folder_.write("ratings.txt", text);
    const std::string all = error_of([&] { read_ratings(path, options); });
    const size_t at = all.find(path);
    return at == std::string::npos ? all
                                   : all.substr(0, at) + "FILE" + all.substr(at + path.size());
  }
  test::TempFolder folder_;
  const Ratings three_{{0, 1, 4}, {7, 0, 2}, {5, 3.5F, -1}, 5, 8};
};

TEST_F(RatingsTest, All_separators_are_read) {
  EXPECT_EQ(read("0\t7\t5\n1\t0\t3.5\n4\t2\t-1\n"), three_);
  EXPECT_EQ(read("0 7 5\n1  0 3.5 \n 4 2 -1\n"), three_);
  EXPECT_EQ(read("0,7,5\n1, 0, 3.5\n4,2,-1\n"), three_);
  EXPECT_EQ(read("0::7::5\n1::0::3.5\n4::2::-1\n"), three_);
}

TEST_F(RatingsTest, More_columns_are_ignored) {
  EXPECT_EQ(read("0::7::5::978300760\n1::0::3.5::x\n4::2::-1::\n"), three_);
  EXPECT_EQ(read("0\t7\t5\t\t\n1\t0\t3.5\tgood film\n4\t2\t-1\n"), three_);
}

TEST_F(RatingsTest, Line_ends_comments_and_headings_are_accepted) {
  EXPECT_EQ(read("0 7 5\r\n1 0 3.5\r\n4 2 -1\r\n"), three_);
  EXPECT_EQ(read("0 7 5\n1 0 3.5\n4 2 -1"), three_);
  EXPECT_EQ(read("0 7 5\r\n1 0 3.5\r\n4 2 -1\r"), three_);
  EXPECT_EQ(read("# mine\n\n0 7 5\n1 0 3.5\n  \n% four\n4 2 -1\n\n"), three_);
  EXPECT_EQ(read("userId,movieId,rating,timestamp\n0,7,5,1\n1,0,3.5,1\n4,2,-1,1\n"), three_);
  EXPECT_EQ(read("\xEF\xBB\xBF\"user\",\"item\",\"rating\"\n0,7,5\n1,0,3.5\n4,2,-1\n"), three_);
}

TEST_F(RatingsTest, Folds_part_train_from_test) {
  RatingsOptions options{.fold_column = 4, .test_fold = 2};
  const std::string path = folder_.write("folds", "0 7 5 1\n1 0 3.5 2\n4 2 -1 3\n");
  const RatingsSplit split = read_ratings(path, options);
  EXPECT_EQ(split.train, (Ratings{{0, 4}, {7, 2}, {5, -1}, 5, 8}));
  EXPECT_EQ(split.test, (Ratings{{1}, {0}, {3.5F}, 5, 8}));
  options.fold_column = 6;
  EXPECT_EQ(read_ratings(folder_.write("six", "0,1,2,x,y,2\n0,1,3,,,3\n"), options).test.size(),
            1u);
}

TEST_F(RatingsTest, Train_and_test_files_share_their_sizes) {
  const RatingsSplit split =
      read_ratings_pair(folder_.write("train", "1 9 5\n"), folder_.write("test", "3 4 2\n"));
  EXPECT_EQ(split.train, (Ratings{{1}, {9}, {5}, 4, 10}));
  EXPECT_EQ(split.test, (Ratings{{3}, {4}, {2}, 4, 10}));
}

TEST_F(RatingsTest, A_broken_line_is_shown_with_its_place) {
  const std::string want = "expected `user item rating`, found ";
  EXPECT_EQ(error("abc\n1 2 3\n"), "FILE:1: " + want + "`abc`");
  EXPECT_EQ(error("1 2 3\nabc\n"), "FILE:2: " + want + "`abc`");
  EXPECT_EQ(error("1 2 3\n1 2\n"), "FILE:2: " + want + "`1 2`");
  EXPECT_EQ(error("1 2 3\n\n1 2 \r\n"), "FILE:3: " + want + "`1 2 `");
  EXPECT_EQ(error("1 2 3\n1 2 x"), "FILE:2: " + want + "`1 2 x`");
  EXPECT_EQ(error("1 2 3\n1 2 3x\n"), "FILE:2: " + want + "`1 2 3x`");
  EXPECT_EQ(error("1 2 3\n1.5 2 3\n"), "FILE:2: " + want + "`1.5 2 3`");
  EXPECT_EQ(error("1 2 3\n1,,3\n"), "FILE:2: " + want + "`1,,3`");
  EXPECT_EQ(error("1 2 3\n1;2;3\n"), "FILE:2: " + want + "`1;2;3`");
  EXPECT_EQ(error("1 2 3\nuser item rating\n"), "FILE:2: " + want + "`user item rating`");
}

TEST_F(RatingsTest, Ids_out_of_range_are_told) {
  const std::string range = " is out of range: ids go from 0 to 268435455";
  EXPECT_EQ(error("1 2 3\n5000000000 2 3\n"),
            "FILE:2: user id 5000000000" + range + " (raise max_id for more)");
  EXPECT_EQ(error("1 268435456 3\n"),
            "FILE:1: item id 268435456" + range + " (raise max_id for more)");
  EXPECT_EQ(error("1 99999999999999999999999 3\n"),
            "FILE:1: item id 99999999999999999999999" + range + " (raise max_id for more)");
  EXPECT_EQ(error("-1 2 3\n"), "FILE:1: user id -1" + range);
  EXPECT_EQ(error("1 8 3\n", {.max_id = 7}),
            "FILE:1: item id 8 is out of range: ids go from 0 to 7 (raise max_id for more)");
}

TEST_F(RatingsTest, A_rating_that_is_not_finite_is_told) {
  for (const std::string value : {"nan", "NaN", "-nan", "inf", "-INF", "infinity", "1e39", "-1e400",
                                  "9999999999999999999999999999999999999999999"}) {
    EXPECT_EQ(error("1 2 " + value + "\n"),
              "FILE:1: the rating `" + value + "` is not a finite number that fits a float");
  }
}

TEST_F(RatingsTest, A_file_without_ratings_is_told) {
  EXPECT_EQ(error(""), "FILE is empty");
  EXPECT_EQ(error("# nothing\n\n"), "FILE holds no ratings");
}

TEST_F(RatingsTest, Binary_rubbish_is_told_in_printable_letters) {
  EXPECT_EQ(error(std::string("\x00\x01\xfe\n", 4)),
            "FILE:1: expected `user item rating`, found `\\x00\\x01\\xfe`");
}

TEST_F(RatingsTest, Wrong_folds_are_told) {
  const RatingsOptions options{.fold_column = 4, .test_fold = 9};
  EXPECT_EQ(error("1 2 3 2\n1 2 3 1\n1 2 3 2\n", options),
            "no line of FILE has fold 9 in column 4, so there is nothing to test on; "
            "the folds are 1, 2");
  EXPECT_EQ(error("1 2 3 9\n", options),
            "all lines of FILE have fold 9 in column 4, so there is nothing to train on");
  EXPECT_EQ(error("1 2 3 9\n1 2 3\n", options),
            "FILE:2: expected a fold in column 4, found `1 2 3`");
  EXPECT_EQ(error("1 2 3 9\n1 2 3 b\n", options),
            "FILE:2: expected a fold (a whole number) in column 4, found `b`");
  EXPECT_EQ(error("1 2 3\n", {.fold_column = 2}),
            "fold_column = 2 is one of `user item rating`; columns count from 1, so 4 is the first "
            "for it");
}

TEST_F(RatingsTest, Options_that_cannot_be_are_told) {
  EXPECT_EQ(error("1 2 3\n", {.max_id = UINT32_MAX}), "max_id can be at most 4294967294");
  EXPECT_EQ(error_of([] { read_ratings_pair("a", "b", {.fold_column = 4}); }),
            "a test file and fold_column = 4 exclude each other; leave one of them out");
}

TEST_F(RatingsTest, A_cut_off_gz_is_told) {
  const std::string packed = test::gzip("1 2 3\n4 5 6\n");
  const std::string path = folder_.write("ratings.gz", packed.substr(0, packed.size() - 5));
  EXPECT_EQ(error_of([&] { read_ratings(path); }),
            path + " ends in the middle of the compressed data");
}

TEST_F(RatingsTest, Threads_do_not_change_what_is_read) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) {
    text +=
        std::to_string(i) + " " + std::to_string(i % 977) + " " + std::to_string(i % 5) + ".5\n";
  }
  const std::string path = folder_.write("many", text);
  const Ratings one = read_ratings(path).train;
  EXPECT_EQ(one.size(), 300'000u);
  EXPECT_EQ(one.user[299'999], 299'999u);
  EXPECT_TRUE(one == read_ratings(path, {}, test::on_threads).train);
}

TEST(RatingsDataTest, MovieLens_1M_has_its_published_counts) {
  const std::string path = test::shared_data("ml-1m/ratings.tsv.zst");
  if (path.empty()) GTEST_SKIP() << "../shared/data/ml-1m is not here";
  const size_t sizes[] = {200'355, 200'030, 200'026, 200'039, 199'753};
  for (int32_t fold = 1; fold <= 5; ++fold) {
    const RatingsSplit split = read_ratings(path, {.fold_column = 4, .test_fold = fold});
    EXPECT_EQ(split.test.size(), sizes[fold - 1]);
    EXPECT_EQ(split.train.size() + split.test.size(), 1'000'203u);
    EXPECT_EQ(split.train.users, 6041u);
    EXPECT_EQ(split.train.items, 3953u);
  }
  const Ratings all = read_ratings(path).train;
  double sum = 0;
  for (const float v : all.value) sum += v;
  EXPECT_NEAR(sum / static_cast<double>(all.size()), 3.5816, 1e-4);
}

}  // namespace
}  // namespace hemiola
