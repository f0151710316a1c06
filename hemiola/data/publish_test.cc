#include "hemiola/data/publish.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;

size_t files_in(const test::TempFolder& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder.path("")), {}));
}

TEST(PublishTest, A_file_appears_when_it_is_whole) {
  const test::TempFolder folder;
  const std::string path = folder.path("file");
  {
    Publisher file(path);
    file.write("one ", 4);
    file.write("two", 3);
    EXPECT_FALSE(fs::exists(path));
    file.commit();
  }
  EXPECT_EQ(test::read_all(path), "one two");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(PublishTest, A_file_that_is_given_up_leaves_the_old_one_and_nothing_else) {
  const test::TempFolder folder;
  const std::string path = folder.write("file", "old");
  {
    Publisher file(path), other(path);
    file.write("new", 3);
  }
  EXPECT_EQ(test::read_all(path), "old");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(PublishTest, A_place_that_cannot_be_written_is_named) {
  const test::TempFolder folder;
  const std::string path = folder.path("no/such/folder");
  EXPECT_EQ(test::error_of([&] { Publisher file(path); }),
            "cannot create " + path + ": No such file or directory");
}

TEST(PublishTest, A_full_disk_is_told_and_leaves_nothing) {
  const test::TempFolder folder;
  const std::string path = folder.path("file");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string error = test::error_of([&] {
    Publisher file(path);
    const std::string much(5000, 'x');
    file.write(much.data(), much.size());
    file.commit();
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error, "cannot write " + path + ": File too large");
  EXPECT_EQ(files_in(folder), 0u);
}

}  // namespace
}  // namespace hemiola
