#include "hemiola/data/cache.h"

#include <gtest/gtest.h>

#include <chrono>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;

class CacheTest : public testing::Test {
 protected:
  size_t kept() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(cache_), {}));
  }
  fs::path only_file() const { return fs::directory_iterator(cache_)->path(); }

  bool ratings_hit(const RatingsOptions& options = {}) {
    CacheUse use;
    const RatingsSplit split = read_ratings_cached(ratings_, options, cache_, in_order, &use);
    const RatingsSplit plain = read_ratings(ratings_, options);
    EXPECT_EQ(split.train, plain.train);
    EXPECT_EQ(split.test, plain.test);
    EXPECT_EQ(use.problem, "");
    return use.hit;
  }
  bool libsvm_hit(const LibsvmOptions& options = {}) {
    CacheUse use;
    const LibsvmFile file = read_libsvm_cached(libsvm_, options, cache_, in_order, &use);
    const LibsvmFile plain = read_libsvm(libsvm_, options);
    EXPECT_EQ(file.examples, plain.examples);
    EXPECT_EQ(file.classes, plain.classes);
    EXPECT_EQ(use.problem, "");
    return use.hit;
  }

  test::TempFolder folder_;
  const std::string cache_ = folder_.path("made/on/demand");
  const std::string ratings_ = folder_.write("r", "1 2 3 1\n4 5 6 2\n7 8 9 1\n");
  const std::string libsvm_ = folder_.write("l", "1 2:1 3:1\n2 9:1\n");
};

TEST_F(CacheTest, The_second_reading_comes_from_the_cache) {
  EXPECT_FALSE(ratings_hit());
  EXPECT_TRUE(ratings_hit());
  EXPECT_FALSE(libsvm_hit());
  EXPECT_TRUE(libsvm_hit());
  EXPECT_EQ(kept(), 2u);
}

TEST_F(CacheTest, Other_options_are_other_data) {
  EXPECT_FALSE(ratings_hit());
  EXPECT_FALSE(ratings_hit({.fold_column = 4, .test_fold = 1}));
  EXPECT_FALSE(ratings_hit({.fold_column = 4, .test_fold = 2}));
  EXPECT_FALSE(libsvm_hit());
  EXPECT_FALSE(libsvm_hit({.first_index = 0}));
  EXPECT_FALSE(libsvm_hit({.classify = false}));
  EXPECT_FALSE(libsvm_hit({.classes = Classes{1, 2}}));
  EXPECT_TRUE(ratings_hit());
  EXPECT_TRUE(ratings_hit({.fold_column = 4, .test_fold = 2}));
  EXPECT_TRUE(libsvm_hit({.classify = false}));
  EXPECT_EQ(kept(), 7u);
}

TEST_F(CacheTest, A_changed_source_is_read_again) {
  EXPECT_FALSE(ratings_hit());
  folder_.write("r", "1 2 3 1\n4 5 6 2\n7 8 9 1\n1 1 1 1\n");
  EXPECT_FALSE(ratings_hit());
  EXPECT_TRUE(ratings_hit());
  folder_.write("r", "1 2 3 1\n4 5 6 2\n7 8 9 1\n1 1 1 2\n");  // the same size
  fs::last_write_time(ratings_, fs::last_write_time(ratings_) + std::chrono::seconds(1));
  EXPECT_FALSE(ratings_hit());
  EXPECT_EQ(kept(), 1u);
}

TEST_F(CacheTest, A_torn_file_is_written_anew) {
  EXPECT_FALSE(libsvm_hit());
  fs::resize_file(only_file(), fs::file_size(only_file()) - 1);
  EXPECT_FALSE(libsvm_hit());
  EXPECT_TRUE(libsvm_hit());
  EXPECT_EQ(kept(), 1u);
}

TEST_F(CacheTest, Without_a_folder_nothing_is_kept) {
  CacheUse use;
  read_ratings_cached(ratings_, {}, "", in_order, &use);
  EXPECT_FALSE(use.hit);
  EXPECT_FALSE(fs::exists(cache_));
}

TEST_F(CacheTest, A_folder_that_cannot_be_made_is_a_note_and_not_an_error) {
  CacheUse use;
  EXPECT_EQ(read_ratings_cached(ratings_, {}, libsvm_ + "/sub", in_order, &use).train.size(), 3u);
  EXPECT_EQ(use.problem, "cannot make the folder " + libsvm_ + "/sub: Not a directory");
}

TEST_F(CacheTest, A_broken_source_is_told_as_without_a_cache) {
  const std::string path = folder_.write("broken", "1 2 3\nabc\n");
  EXPECT_EQ(test::error_of([&] { read_ratings_cached(path, {}, cache_); }),
            path + ":2: expected `user item rating`, found `abc`");
  const std::string missing = folder_.path("missing");
  EXPECT_EQ(test::error_of([&] { read_libsvm_cached(missing, {}, cache_); }),
            "cannot open " + missing + ": No such file or directory");
  EXPECT_FALSE(fs::exists(cache_));
}

}  // namespace
}  // namespace hemiola
