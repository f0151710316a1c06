#include "hemiola/train/launch.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "hemiola/data/temp_folder.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

Job two_nodes() {
  Job job;
  set_override(job, "cluster.nodes=2");
  resolve(job);
  return job;
}

Flags flags_in(const test::TempFolder& folder) {
  Flags flags;
  flags.out = folder.path("run");
  return flags;
}

TEST(Launch, Programs_that_end_at_once_are_told_once_each) {
  const test::TempFolder folder;
  testing::internal::CaptureStderr();
  const LaunchResult result = launch(two_nodes(), flags_in(folder), {"/bin/false", {}});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(said.find("hemiola: node 0 ended with status 1\n"), std::string::npos) << said;
}

TEST(Launch, Programs_that_end_well_make_a_run_that_ends_well) {
  const test::TempFolder folder;
  EXPECT_EQ(launch(two_nodes(), flags_in(folder), {"/bin/true", {}}).status, 0);
}

TEST(Launch, A_node_reports_an_order_that_it_cannot_read) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const uint32_t size = 3;
  ASSERT_EQ(::write(ends[0], &size, sizeof size), 4);
  ASSERT_EQ(::write(ends[0], "abc", 3), 3);
  EXPECT_EQ(obey(ends[1]), 1);
  char text[200];
  const ssize_t n = ::read(ends[0], text, sizeof text);
  ASSERT_GT(n, 0);
  EXPECT_EQ(std::string(text, static_cast<size_t>(n)), "the launcher's order cannot be read");
  ::close(ends[0]);
}

}  // namespace
}  // namespace hemiola
