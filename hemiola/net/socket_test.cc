#include "hemiola/net/socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

std::string path(const char* name) {
  return "/tmp/hemiola-socket-" + std::to_string(::getpid()) + name;
}

std::string refusal(const std::string& address) {
  try {
    Listener::open(address);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Listener, An_ephemeral_port_is_known_before_anything_runs) {
  const Listener listener = Listener::open("tcp:127.0.0.1:0");
  EXPECT_NE(Address::parse(listener.address()).port, 0);
  EXPECT_TRUE(start_connect(resolve(Address::parse(listener.address()))[0]));
}

TEST(Listener, An_address_in_use_is_a_clear_error) {
  const Listener tcp = Listener::open("tcp:127.0.0.1:0");
  EXPECT_NE(refusal(tcp.address()).find("in use by another program"), std::string::npos);
  const Listener local = Listener::open("unix:" + path("a"));
  EXPECT_NE(refusal(local.address()).find("in use by another program"), std::string::npos);
}

TEST(Listener, A_socket_file_left_by_a_killed_process_is_taken_over_and_removed_at_the_end) {
  const SocketAddress at = resolve(Address::parse("unix:" + path("b")))[0];
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), at.get(), at.size), 0);
  }
  ASSERT_EQ(::access(path("b").c_str(), F_OK), 0);
  {
    const Listener listener = Listener::open("unix:" + path("b"));
    struct stat info {};
    ASSERT_EQ(::stat(path("b").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  EXPECT_NE(::access(path("b").c_str(), F_OK), 0);
}

TEST(Listener, An_impossible_address_is_refused_with_the_reason_of_the_system) {
  EXPECT_NE(refusal("unix:/no/such/directory/x").find("No such file"), std::string::npos);
  EXPECT_NE(refusal("tcp:192.0.2.1:0").find("cannot listen on"), std::string::npos);
}

}  // namespace
}  // namespace hemiola::net
