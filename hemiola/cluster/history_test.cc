#include "hemiola/cluster/history.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

View view_of(std::vector<std::pair<uint32_t, uint64_t>> members,
             std::vector<std::pair<uint32_t, uint64_t>> leaving = {}) {
  View view;
  for (const auto& [node, instance] : members) {
    view.members.push_back({NodeId{node}, "", 1, {}, instance});
  }
  for (const auto& [node, instance] : leaving) {
    view.leaving.push_back({NodeId{node}, "", 1, {}, instance});
  }
  return view;
}

TEST(History, Tells_the_lost_from_those_who_left_and_those_who_came) {
  History history;
  history.begun(view_of({{0, 10}, {1, 11}, {2, 12}}), 3, 9, {7, 7, 7});
  EXPECT_EQ(history.counts().changes, 0u) << "the begin is no change";
  EXPECT_EQ(history.counts().paused, 0);
  EXPECT_EQ(history.counts().rows.from_backups, 0u);

  history.begun(view_of({{0, 10}, {2, 22}, {3, 13}}, {{1, 11}}), 0.5, 4, {100, 0, 2});
  EXPECT_EQ(history.counts().changes, 1u);
  EXPECT_EQ(history.counts().lost, 1u) << "another process answers for node 2";
  EXPECT_EQ(history.counts().left, 1u);
  EXPECT_EQ(history.counts().joined, 2u);
  EXPECT_EQ(history.counts().blocks_again, 4u);
  EXPECT_EQ(history.counts().rows.initial, 2u);

  history.begun(view_of({{0, 10}, {3, 13}}), 0.25, 1, {1, 5, 0});
  EXPECT_EQ(history.counts().lost, 2u);
  EXPECT_EQ(history.counts().paused, 0.75);
  EXPECT_EQ(history.counts().longest_pause, 0.5);
  EXPECT_EQ(history.counts().rows.from_backups, 101u);
  EXPECT_EQ(history.counts().rows.from_checkpoint, 5u);
}

TEST(History, One_that_comes_takes_over_what_the_others_know) {
  History old, fresh;
  old.begun(view_of({{0, 1}, {1, 2}}), 0, 0, {});
  old.begun(view_of({{0, 1}}), 1, 0, {});
  fresh.merge(old);
  EXPECT_EQ(fresh.counts().lost, 1u);
  History behind;
  behind.begun(view_of({{0, 1}, {1, 2}}), 0, 0, {});
  old.merge(behind);
  EXPECT_EQ(old.counts().lost, 1u) << "the later word counts";

  Writer out;
  old.encode(out);
  const Bytes body = std::move(out).take();
  Reader in(body);
  History read = History::decode(in);
  EXPECT_TRUE(in.finished());
  read.begun(view_of({{0, 1}, {5, 9}}), 0, 0, {});
  EXPECT_EQ(read.counts().lost, 1u);
  EXPECT_EQ(read.counts().joined, 1u);
}

}  // namespace
}  // namespace hemiola
