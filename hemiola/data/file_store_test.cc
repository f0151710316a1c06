#include "hemiola/data/file_store.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "hemiola/data/faulty_disk_for_test.h"
#include "hemiola/data/publish.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::FaultyDisk;
using test::read_all;
using test::TempFolder;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void publish(const std::string& path, const std::string& text, const FileStore& store) {
  Publisher file(path, store);
  file.write(text.data(), text.size());
  file.commit();
}

TEST(FileStore, A_new_file_holds_what_was_written) {
  const TempFolder folder;
  const std::string path = folder.path("file");
  std::unique_ptr<FileStore::File> file;
  ASSERT_EQ(disk().create(path, file), 0);
  EXPECT_EQ(file->write(bytes_of("one ")), 0);
  EXPECT_EQ(file->write(bytes_of("two")), 0);
  EXPECT_EQ(file->sync(), 0);
  EXPECT_EQ(read_all(path), "one two");
  std::unique_ptr<FileStore::File> again;
  EXPECT_EQ(disk().create(path, again), EEXIST);
}

TEST(FileStore, Names_are_listed_in_order_and_of_no_folder_there_are_none) {
  const TempFolder folder;
  folder.write("b", "");
  folder.write("a", "");
  EXPECT_EQ(disk().make_folder(folder.path("c")), 0);
  EXPECT_EQ(disk().make_folder(folder.path("c")), EEXIST);
  EXPECT_EQ(names_in(folder.path("")), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(names_in(folder.path("none")).empty());
  EXPECT_EQ(disk().rename(folder.path("a"), folder.path("b")), 0);
  EXPECT_EQ(disk().remove(folder.path("c")), 0);
  EXPECT_EQ(names_in(folder.path("")), std::vector<std::string>{"b"});
  EXPECT_EQ(disk().remove(folder.path("c")), ENOENT);
  EXPECT_EQ(disk().sync_folder(folder.path("c")), ENOENT);
}

TEST(FileStore, A_published_file_survives_a_crash_at_every_call_as_old_or_new) {
  uint64_t calls = 0;
  bool was_old = false, was_new = false;
  for (uint64_t at = 0; at == 0 || at < calls; ++at) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      const TempFolder folder;
      const std::string path = folder.path("file");
      publish(path, "old", disk());
      FaultyDisk faulty({.at = at, .fault = test::Fault::crash, .seed = seed});
      EXPECT_NE(test::error_of([&] { publish(path, "new text", faulty); }), "") << at;
      faulty.lose_power();
      const std::string found = read_all(path);
      EXPECT_TRUE(found == "old" || found == "new text") << at << ": " << found;
      was_old |= found == "old";
      was_new |= found == "new text";
    }
    const TempFolder folder;
    FaultyDisk whole({});
    publish(folder.path("file"), "new text", whole);
    calls = whole.calls();
  }
  EXPECT_EQ(calls, 5u);  // create, write, sync, rename, sync of the folder
  EXPECT_TRUE(was_old && was_new);
}

// The fault that the layer must be able to show, or the test above proves nothing.
TEST(FileStore, Without_syncing_a_crash_leaves_half_a_file) {
  bool torn = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const TempFolder folder;
    const std::string part = folder.path("part"), path = folder.path("file");
    FaultyDisk faulty({.seed = seed});
    std::unique_ptr<FileStore::File> file;
    ASSERT_EQ(faulty.create(part, file), 0);
    ASSERT_EQ(file->write(bytes_of("a text of some length")), 0);
    ASSERT_EQ(faulty.rename(part, path), 0);
    ASSERT_EQ(faulty.sync_folder(folder.path("")), 0);
    faulty.lose_power();
    torn |= read_all(path) != "a text of some length";
  }
  EXPECT_TRUE(torn);
}

TEST(FileStore, A_name_that_was_not_synced_may_be_lost) {
  bool lost = false, stayed = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const TempFolder folder;
    FaultyDisk faulty({.seed = seed});
    std::unique_ptr<FileStore::File> file;
    ASSERT_EQ(faulty.create(folder.path("file"), file), 0);
    ASSERT_EQ(file->write(bytes_of("text")), 0);
    ASSERT_EQ(file->sync(), 0);
    faulty.lose_power();
    (folder.has("file") ? stayed : lost) = true;
  }
  EXPECT_TRUE(lost && stayed);
}

TEST(FileStore, Every_call_that_fails_is_told_and_leaves_the_old_file) {
  for (uint64_t at = 0; at < 5; ++at) {
    const TempFolder folder;
    const std::string path = folder.path("file");
    publish(path, "old", disk());
    const FaultyDisk faulty({.at = at, .fault = test::Fault::full});
    const std::string error = test::error_of([&] { publish(path, "new", faulty); });
    EXPECT_NE(error.find("No space left on device"), std::string::npos) << error;
    EXPECT_EQ(read_all(path), at == 4 ? "new" : "old");
    EXPECT_EQ(names_in(folder.path("")).size(), 1u);
  }
}

}  // namespace
}  // namespace hemiola
