#include "hemiola/cluster/verdict.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

using What = Failed::What;

TEST(Verdict, Each_failure_has_its_sentence) {
  const auto reason = [](const Failed& failed, uint32_t from) {
    const Verdict verdict = judge_failure(failed, NodeId{from}, NodeId{0});
    return verdict.reason;
  };
  EXPECT_EQ(reason({What::worker, 5, "no memory"}, 2), "node 2, worker 5: no memory");
  EXPECT_EQ(reason({What::alone, 5, "no memory"}, 2), "node 2, worker 5: no memory");
  EXPECT_EQ(judge_failure({What::alone, 5, "no memory"}, NodeId{2}, NodeId{0}).gone, NodeId{2});
  EXPECT_FALSE(judge_failure({What::worker, 5, "no memory"}, NodeId{2}, NodeId{0}).gone);
  EXPECT_EQ(reason({What::worker, kNoWorker.value, "interrupted"}, 2), "node 2: interrupted");
  EXPECT_EQ(reason({What::lost, 2, "reset"}, 0), "node 2 was lost: reset");
  EXPECT_EQ(reason({What::lost, 2, "reset"}, 1), "node 2 was lost: reset (seen by node 1)");
  EXPECT_EQ(reason({What::silent, 2, "node 2 is silent for 30 s"}, 0), "node 2 is silent for 30 s");
  EXPECT_EQ(reason({What::unreachable, 1, "at tcp:b:1: refused"}, 2),
            "node 2 cannot reach node 1 at tcp:b:1: refused");
  EXPECT_EQ(reason({What::nonsense, 1, "a message that makes no sense"}, 0),
            "node 1 sent a message that makes no sense");
}

TEST(Verdict, The_absent_are_named_and_the_present_counted) {
  ClusterOptions o;
  o.nodes = 4;
  o.address = "tcp:a:1";
  const std::vector<NodeId> missing = {NodeId{1}, NodeId{3}};
  EXPECT_EQ(judge_absence(missing, o).reason,
            "nodes 1 and 3 never arrived: waited 60 s at tcp:a:1; 2 of 4 nodes are here");
  EXPECT_EQ(judge_unready(std::span(missing).first(1), o).reason,
            "node 1 has no connection to all other nodes: waited 60 s");
}

}  // namespace
}  // namespace hemiola
