#include "hemiola/net/questions.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <future>

namespace hemiola::net {
namespace {

TEST(Questions, Each_gets_its_answer) {
  std::string folder = "/tmp/hemiola-questions-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/socket";
  EXPECT_FALSE(ask(path, "?"));
  {
    Questions questions(path);
    for (const std::string& text : {std::string("a"), std::string(20'000, 'b'), std::string()}) {
      auto asker = std::async(std::launch::async, [&] { return ask(path, text); });
      pollfd ready{questions.fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&ready, 1, 20'000), 1);
      questions.serve([](const std::string& q) { return "<" + q + ">"; });
      EXPECT_EQ(asker.get().value(), "<" + text + ">");
    }
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(ask(path, "?"));
  std::filesystem::remove(folder);
}

}  // namespace
}  // namespace hemiola::net
