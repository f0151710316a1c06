#include "hemiola/cluster/why.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

TEST(Why, Times_have_one_decimal_at_most) {
  EXPECT_EQ(text_of(seconds(12.34)), "12.3 s");
  EXPECT_EQ(text_of(seconds(60)), "60 s");
  EXPECT_EQ(text_of(milliseconds(40)), "0 s");
}

TEST(Why, Nodes_are_listed_and_the_many_are_counted) {
  const std::vector<NodeId> nodes = {NodeId{1}, NodeId{2}, NodeId{3}, NodeId{5}, NodeId{7}};
  EXPECT_EQ(names_of(std::span(nodes).first(1)), "node 1");
  EXPECT_EQ(names_of(std::span(nodes).first(2)), "nodes 1 and 2");
  EXPECT_EQ(names_of(std::span(nodes).first(4)), "nodes 1, 2, 3 and 5");
  EXPECT_EQ(names_of(nodes), "nodes 1, 2, 3, 5 and 1 more");
}

TEST(Why, Workers_are_named_with_their_nodes) {
  View view;
  view.members = {{NodeId{0}, "", 2, WorkerId{0}}, {NodeId{1}, "", 3, WorkerId{2}}};
  const std::vector<WorkerId> all = {WorkerId{0}, WorkerId{1}, WorkerId{2}, WorkerId{3},
                                     WorkerId{4}};
  EXPECT_EQ(names_of(std::span(all).last(1), view), "worker 4 on node 1");
  EXPECT_EQ(names_of(std::span(all).subspan(1, 2), view),
            "worker 1 on node 0 and worker 2 on node 1");
  EXPECT_EQ(names_of(all, view), "workers 0 and 1 on node 0, workers 2 and 3 on node 1 and 1 more");
  EXPECT_EQ(node_of(WorkerId{1}, view), NodeId{0});
  EXPECT_EQ(node_of(WorkerId{2}, view), NodeId{1});
}

}  // namespace
}  // namespace hemiola
