#include "hemiola/train/node_order.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

NodeOrder example() {
  NodeOrder order;
  set_override(order.job, "sync.scheme=ssp(3)");
  set_override(order.job, "sync.tables.factors=bsp");
  order.flags.out = "runs/x";
  order.flags.quiet = true;
  order.flags.stall_chance = 0.25;
  order.place.instance = uint64_t{1} << 63 | 5;
  order.flags.throwing_node = 3, order.flags.throwing_step = 40;
  order.flags.resume = {"runs/x/checkpoints/ckpt-000007", 6, 8, 7, 9};
  order.place = {NodeId{2}, "unix:/tmp/a", "here", "unix:/tmp/b", "secret"};
  return order;
}

TEST(NodeOrder, What_was_told_is_what_is_heard) {
  const NodeOrder order = example();
  const NodeOrder heard = decode_order(encode(order));
  EXPECT_EQ(all_values(heard.job), all_values(order.job));
  EXPECT_EQ(heard.flags.out, "runs/x");
  EXPECT_TRUE(heard.flags.quiet);
  EXPECT_EQ(heard.flags.stall_chance, 0.25);
  EXPECT_EQ(heard.place.instance, order.place.instance);
  EXPECT_EQ(heard.flags.throwing_node, 3u);
  EXPECT_EQ(heard.flags.throwing_step, 40u);
  EXPECT_EQ(heard.flags.resume.path, "runs/x/checkpoints/ckpt-000007");
  EXPECT_EQ(heard.flags.resume.epoch, 6U);
  EXPECT_EQ(heard.flags.resume.planned_workers, 8U);
  EXPECT_EQ(heard.flags.resume.number, 7U);
  EXPECT_EQ(heard.flags.resume.last, 9U);
  EXPECT_EQ(heard.place.self, NodeId{2});
  EXPECT_EQ(heard.place.listen, "unix:/tmp/a");
  EXPECT_EQ(heard.place.host, "here");
  EXPECT_EQ(heard.place.rendezvous, "unix:/tmp/b");
  EXPECT_EQ(heard.place.secret, "secret");
}

TEST(NodeOrder, A_cut_off_order_is_refused) {
  const Bytes whole = encode(example());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(decode_order(whole.slice(0, size)), UserError) << size;
  }
}

}  // namespace
}  // namespace hemiola
