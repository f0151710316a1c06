#include "hemiola/train/launch_desk.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"

namespace hemiola {
namespace {

using What = DeskRequest::What;

class LaunchDeskTest : public testing::Test {
 protected:
  // What the desk is asked, and what the asker gets from it.
  std::pair<DeskRequest, DeskAnswer> ask(const DeskRequest& request, const DeskAnswer& answer) {
    LaunchDesk desk(socket_, out_);
    auto asker = std::async(std::launch::async, [&] { return ask_desk(out_, request); });
    DeskRequest heard;
    pollfd ready{desk.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 20'000), 1);
    desk.serve([&](const DeskRequest& r) {
      heard = r;
      return answer;
    });
    return {heard, asker.get().value()};
  }

  const test::TempFolder folder_;
  const std::string socket_ = folder_.path("desk"), out_ = folder_.path("run");
};

TEST_F(LaunchDeskTest, A_request_and_its_answer_come_as_they_were) {
  const auto [heard, said] = ask({What::leave, 2, {3, 0}}, {true, "node 3\nnode 0\n"});
  EXPECT_EQ(heard.what, What::leave);
  EXPECT_EQ(heard.nodes, (std::vector<uint32_t>{3, 0}));
  EXPECT_TRUE(said.ok);
  EXPECT_EQ(said.text, "node 3\nnode 0\n");
  const auto [next, refused] = ask({What::join, 4, {}}, {false, "no\n"});
  EXPECT_EQ(next.what, What::join);
  EXPECT_EQ(next.count, 4u);
  EXPECT_FALSE(refused.ok);
  EXPECT_EQ(refused.text, "no\n");
}

TEST_F(LaunchDeskTest, Where_no_launcher_is_nobody_answers) {
  EXPECT_FALSE(ask_desk(out_, {}));
  {
    const LaunchDesk desk(socket_, out_);
    EXPECT_TRUE(std::filesystem::exists(out_ + "/launcher"));
  }
  EXPECT_FALSE(std::filesystem::exists(out_ + "/launcher"));
  std::ofstream(out_ + "/launcher") << socket_ << "\n";  // of one that was killed
  EXPECT_FALSE(ask_desk(out_, {}));
}

}  // namespace
}  // namespace hemiola
