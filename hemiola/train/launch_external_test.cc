#include "hemiola/train/launch_external.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/net/socket.h"

namespace hemiola {
namespace {

std::string secret_file(const std::string& text, mode_t mode) {
  static const test::TempFolder folder;
  const std::string path = folder.write("secret", text);
  ::chmod(path.c_str(), mode);
  return path;
}

LaunchPlace place(uint32_t rank, const std::string& rendezvous) {
  return {"torchrun", rank, 2, rank, rendezvous};
}

TEST(LaunchExternal, On_the_loopback_interface_nothing_needs_to_be_said) {
  const NodePlace first = external_place(place(0, "tcp:127.0.0.1:29400"), Job{});
  const NodePlace second = external_place(place(1, "tcp:127.0.0.1:29400"), Job{});
  EXPECT_EQ(first.listen, "tcp:127.0.0.1:29400");
  EXPECT_EQ(second.listen, "tcp:127.0.0.1:0");
  EXPECT_EQ(second.rendezvous, "tcp:127.0.0.1:29400");
  EXPECT_EQ(first.secret, second.secret);
}

TEST(LaunchExternal, Several_machines_need_a_secret_that_others_cannot_read) {
  Job job;
  const auto error = [&] {
    try {
      external_place(place(0, "tcp:192.0.2.1:29400"), job);
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(error().find("`cluster.secret_file`"), std::string::npos) << error();
  job.cluster.secret_file = secret_file("0123456789abcdef\n", 0644);
  EXPECT_NE(error().find("chmod 600"), std::string::npos) << error();
  job.cluster.secret_file = secret_file("short", 0600);
  EXPECT_NE(error().find("shorter than 16"), std::string::npos) << error();
  job.cluster.secret_file = "/no/such/file";
  EXPECT_NE(error().find("/no/such/file"), std::string::npos) << error();
}

TEST(LaunchExternal, A_job_of_one_listens_nowhere) {
  const NodePlace alone = external_place({"srun", 0, 1, 0, ""}, Job{});
  EXPECT_EQ(alone.listen, "");
}

TEST(LaunchExternal, The_own_address_depends_on_who_asks) {
  EXPECT_EQ(net::own_host_towards("127.0.0.1"), "127.0.0.1");
}

}  // namespace
}  // namespace hemiola
