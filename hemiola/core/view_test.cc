#include "hemiola/core/view.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

View two_nodes() {
  return {Epoch{7},
          {{NodeId{3}, "tcp:a:1", 2, WorkerId{0}, 11}, {NodeId{1}, "tcp:b:1", 3, WorkerId{2}, 12}}};
}

TEST(View, A_member_stands_where_it_is_in_the_order_of_members) {
  EXPECT_EQ(two_nodes().rank_of(NodeId{3}), 0u);
  EXPECT_EQ(two_nodes().rank_of(NodeId{1}), 1u);
  EXPECT_FALSE(two_nodes().has(NodeId{0}));
  EXPECT_EQ(two_nodes().workers(), 5u);
}

TEST(View, Another_process_that_is_the_same_node_later_is_told_from_it) {
  View view;
  view.members.push_back({NodeId{2}, "tcp:a:1", 1, WorkerId{0}, 7});
  view.leaving.push_back({NodeId{5}, "tcp:a:2", 1, {}, 8});
  EXPECT_TRUE(view.has(NodeId{2}, 7) && view.has(NodeId{5}, 8));
  EXPECT_FALSE(view.has(NodeId{2}, 8) || view.has(NodeId{3}, 7));
  View later, another;
  later.members.push_back({NodeId{5}, "tcp:a:2", 1, WorkerId{0}, 8});
  another.members.push_back({NodeId{5}, "tcp:a:2", 1, WorkerId{0}, 9});
  EXPECT_TRUE(view.meets(later));
  EXPECT_FALSE(view.meets(another) || view.meets(View{}));
}

TEST(View, It_comes_back_as_it_was) {
  const auto view = decode_view(encode_view(two_nodes()));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->epoch, Epoch{7});
  EXPECT_EQ(view->members[1].address, "tcp:b:1");
  EXPECT_EQ(view->members[1].instance, 12u);
}

TEST(View, What_has_a_node_twice_or_wrong_worker_numbers_does_not_decode) {
  View twice = two_nodes();
  twice.members[1].node = NodeId{3};
  EXPECT_FALSE(decode_view(encode_view(twice)));
  View overlap = two_nodes();
  overlap.members[1].first_worker = WorkerId{1};
  EXPECT_FALSE(decode_view(encode_view(overlap)));
  View huge = two_nodes();
  huge.members[1].workers = UINT32_MAX;
  EXPECT_FALSE(decode_view(encode_view(huge)));
  EXPECT_FALSE(decode_view(encode_view(two_nodes()).slice(0, 9)));
}

}  // namespace
}  // namespace hemiola
