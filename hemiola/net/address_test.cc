#include "hemiola/net/address.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

std::string refusal(const std::string& text) {
  try {
    resolve(Address::parse(text));
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Address, Both_forms_are_read_and_written_back) {
  for (const char* text :
       {"unix:/tmp/x", "tcp:localhost:80", "tcp:10.0.0.1:65535", "tcp:[::1]:0"}) {
    EXPECT_EQ(Address::parse(text).text(), text);
  }
  EXPECT_EQ(Address::parse("tcp:[::1]:7").host, "::1");
  EXPECT_EQ(Address::parse("tcp:h:7").port, 7);
}

TEST(Address, Nonsense_is_refused_with_what_would_be_right) {
  for (const char* text : {"", "unix:", "tcp:", "tcp:host", "tcp::80", "tcp:host:", "tcp:host:x",
                           "tcp:host:65536", "tcp:host:1x", "http://host", "/tmp/x", "tcp:[]:1"}) {
    EXPECT_NE(refusal(text).find("unix:/path or tcp:host:port"), std::string::npos) << text;
  }
}

TEST(Address, A_socket_path_that_is_too_long_is_refused_with_its_length) {
  const std::string why = refusal("unix:/" + std::string(120, 'x'));
  EXPECT_NE(why.find("121 characters"), std::string::npos) << why;
  EXPECT_NE(why.find("107"), std::string::npos) << why;
  EXPECT_EQ(refusal("unix:/" + std::string(106, 'x')), "");
}

TEST(Address, Only_what_never_leaves_the_machine_is_local) {
  const auto local = [](const char* text) { return resolve(Address::parse(text))[0].is_local(); };
  EXPECT_TRUE(local("unix:/tmp/x"));
  EXPECT_TRUE(local("tcp:127.0.0.1:1"));
  EXPECT_TRUE(local("tcp:127.9.9.9:1"));
  EXPECT_TRUE(local("tcp:[::1]:1"));
  EXPECT_TRUE(local("tcp:[::ffff:127.0.0.1]:1"));
  EXPECT_FALSE(local("tcp:10.0.0.1:1"));
  EXPECT_FALSE(local("tcp:0.0.0.0:1"));
  EXPECT_FALSE(local("tcp:[2001:db8::1]:1"));
  EXPECT_FALSE(local("tcp:[::ffff:10.0.0.1]:1"));
}

TEST(Address, A_resolved_address_names_itself) {
  EXPECT_EQ(resolve(Address::parse("tcp:127.0.0.1:99"))[0].text(), "tcp:127.0.0.1:99");
  EXPECT_EQ(resolve(Address::parse("tcp:[::1]:99"))[0].text(), "tcp:[::1]:99");
  EXPECT_EQ(resolve(Address::parse("unix:/tmp/y"))[0].text(), "unix:/tmp/y");
}

}  // namespace
}  // namespace hemiola::net
