#include "hemiola/cluster/options.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(ClusterOptions, The_defaults_make_a_job_of_one_node) { EXPECT_NO_THROW(validate({})); }

TEST(ClusterOptions, What_makes_no_sense_is_refused_with_the_remedy) {
  const auto refused = [](auto change) {
    ClusterOptions o;
    o.nodes = 2;
    o.address = o.rendezvous = "tcp:a:1";
    validate(o);
    change(o);
    try {
      validate(o);
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refused([](auto& o) { o.self = NodeId{2}; }),
            "rank 2 does not exist in a job of 2 nodes: ranks count from 0");
  EXPECT_EQ(refused([](auto& o) { o.workers = 0; }),
            "cluster.workers is 0: a node has at least one worker");
  EXPECT_NE(refused([](auto& o) { o.nodes = 0; }), "accepted");
  EXPECT_NE(refused([](auto& o) { o.address = ""; }), "accepted");
  EXPECT_NE(refused([](auto& o) { o.self = NodeId{1}, o.rendezvous = ""; }), "accepted");
  EXPECT_NE(refused([](auto& o) { o.instance = 0; }), "accepted");
  EXPECT_NE(refused([](auto& o) { o.silence_warn = milliseconds(300); }), "accepted");
  EXPECT_NE(refused([](auto& o) { o.on_silence = OnSilence::end, o.silence_limit = seconds(1); }),
            "accepted");
}

}  // namespace
}  // namespace hemiola
