#include "hemiola/cluster/admission.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

class Admission : public testing::Test {
 protected:
  Admission() {
    here_.nodes = 4;
    here_.job_hash = 5;
    here_.job_summary = "model.dim = 16\nsync.scheme = bsp\n";
    join_.rank = NodeId{2};
    join_.nodes = 4;
    join_.workers = 1;
    join_.instance = 20;
    join_.job_hash = 5;
    join_.address = "tcp:c:1";
    join_.job_summary = here_.job_summary;
  }

  std::string why(NodeId from = NodeId{2}) const {
    return refusal(here_, from, join_, joined_).value_or("let in");
  }

  ClusterOptions here_;
  Join join_;
  std::map<NodeId, Join> joined_;
};

TEST_F(Admission, A_node_of_the_same_job_is_let_in) { EXPECT_EQ(why(), "let in"); }

TEST_F(Admission, Another_version_is_refused_with_both_versions) {
  join_.version = 9;
  EXPECT_EQ(why(), "node 2 speaks version 9 and node 0 version " + std::to_string(kWireVersion) +
                       ": run the same Hemiola on all nodes");
}

TEST_F(Admission, Another_size_of_the_job_is_refused) {
  join_.nodes = 3;
  EXPECT_EQ(why(),
            "node 2 expects 3 nodes and node 0 expects 4: start all of them with the same "
            "cluster.nodes");
}

TEST_F(Admission, Other_settings_are_refused_and_the_first_difference_is_named) {
  join_.job_summary = "model.dim = 32\nsync.scheme = ssp(3)\n";
  EXPECT_EQ(why(),
            "node 2 runs another job: model.dim = 32 there and model.dim = 16 here, and 1 more");
  join_.job_summary = "sync.scheme = bsp\n";
  EXPECT_EQ(why(), "node 2 runs another job: no model.dim there and model.dim = 16 here");
}

TEST_F(Admission, A_difference_that_no_setting_shows_is_refused_by_the_hash) {
  join_.job_hash = 6;
  EXPECT_EQ(why(), "node 2 runs another job: its job file or data differ from those of node 0");
}

TEST_F(Admission, A_rank_that_another_process_holds_is_refused_but_its_holder_may_come_again) {
  joined_[NodeId{2}] = join_;
  EXPECT_EQ(why(), "let in");
  join_.instance = 21;
  join_.address = "tcp:d:1";
  EXPECT_EQ(why(),
            "two processes claim to be node 2: the one at tcp:c:1 was first, the one at tcp:d:1 "
            "is refused");
}

TEST_F(Admission, Ranks_that_do_not_fit_are_refused) {
  EXPECT_EQ(why(NodeId{3}), "node 3 says that it is node 2: a mix-up of ranks");
  join_.rank = NodeId{4};
  EXPECT_EQ(why(NodeId{4}), "there is no node 4 in a job of 4 nodes: ranks count from 0");
}

TEST_F(Admission, A_node_without_workers_or_address_is_refused) {
  join_.workers = 0;
  EXPECT_EQ(why(), "node 2 has 0 workers: 1 to 65536 are possible");
  join_.workers = 1;
  join_.address = "";
  EXPECT_EQ(why(), "node 2 has no address for its peers");
}

}  // namespace
}  // namespace hemiola
