// Simulated jobs that end at any moment with all of their nodes, and go on from their checkpoints.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "hemiola/cluster/machine.h"
#include "hemiola/core/random.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/sim/world.h"
#include "hemiola/train/checkpoint_run.h"
#include "hemiola/train/node_life.h"
#include "hemiola/train/run_settings.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

using test::TempFolder;

struct Trial {
  std::vector<std::string> settings;
  uint32_t epochs = 4;
  uint64_t seed = 1;  // of the world: what a job learns does not depend on it
  Instant deadline{seconds(1e6).ns};
  std::optional<uint32_t> astray;  // a node that does not see the checkpoint
};

Job job_of(const Trial& trial) {
  Job job;
  for (const std::string& s :
       {std::string("data.examples=1200"), std::string("data.users=40"),
        std::string("data.items=30"), std::string("model.factors=3"), std::string("train.batch=40"),
        std::string("train.optimizer=adagrad"), std::string("checkpoint.every=1 epoch"),
        std::string("sync.strict=true")}) {
    set_override(job, s);
  }
  for (const std::string& s : trial.settings) set_override(job, s);
  set_override(job, "train.epochs=" + std::to_string(trial.epochs));
  resolve(job);
  return job;
}

ClusterOptions cluster_of(const Job& job, uint32_t node, const Resumed* resumed) {
  ClusterOptions o;
  o.self = NodeId{node};
  o.nodes = job.cluster.nodes;
  o.workers = job.cluster.workers;
  o.address = "sim:" + std::to_string(node);
  o.rendezvous = "sim:0";
  if (resumed) o.agenda = resumed->checkpoint.manifest().agenda;
  return o;
}

// One life of the job, from its newest checkpoint if there is one: how it ended, if it did.
std::optional<JobOver> live(const Trial& trial, const std::string& folder) {
  const Job job = job_of(trial);
  Progress progress({.quiet = true});
  Flags flags;
  flags.quiet = true;
  flags.out = folder;
  if (!checkpoints_in(checkpoint_folder(job, folder)).empty()) {
    try {
      flags.resume = checkpoint_to_resume(job, flags, "", progress);
    } catch (const UserError&) {
      // It ended before the first was whole.
    }
  }
  const LoadedTask loaded(job, in_order);
  RunSettings settings = run_settings(job, flags);
  settings.cost.ns_per_example = 1e5;
  const Sampling sampling = sampling_of(job, loaded.task());

  sim::WorldOptions options;
  options.seed = trial.seed;
  options.network.jitter = milliseconds(1);
  options.deadline = trial.deadline;
  const auto resumed = resumed_from(job, flags, loaded.task());
  std::vector<std::unique_ptr<Checkpoints>> checkpoints;
  std::vector<std::unique_ptr<NodeLife>> lives;
  sim::World world(std::move(options));
  for (uint32_t n = 0; n < job.cluster.nodes; ++n) {
    checkpoints.push_back(checkpoints_for(job, flags, loaded.task(), resumed.get(), progress));
    lives.push_back(std::make_unique<NodeLife>(job, "", loaded, settings, sampling, NodeId{n},
                                               std::vector<CodecSpeed>()));
    NodeLife& life = *lives.back();
    if (trial.astray != n) life.resumed = resumed.get();
    life.planned_workers = planned_workers(job, flags);
    life.checkpoints = checkpoints.back().get();
    auto core = std::make_unique<NodeCore>(NodeId{n});
    ClusterOptions cluster = cluster_of(job, n, resumed.get());
    cluster.state_machines = life.state_machines();
    core->add(MachineId::cluster, std::make_unique<ClusterMachine>(cluster));
    life.live_in(*core);
    world.add_node(std::move(core), [&life](WorkerPort& port) { life.run(port); });
  }
  const sim::Outcome outcome = world.run();
  for (const auto& c : checkpoints) c->finish(outcome.finished);
  return outcome.finished ? std::optional(outcome.over) : std::nullopt;
}

// All that the last checkpoint of a run holds: every row, and every worker's replica.
std::vector<float> state_of(const Trial& trial, const std::string& folder) {
  const Job job = job_of(trial);
  auto good = newest_good(checkpoint_folder(job, folder),
                          [](const std::string& why) { ADD_FAILURE() << why; });
  EXPECT_EQ(good->manifest.epoch(), trial.epochs);
  const CheckpointReader reader(std::move(*good));
  const CheckpointManifest& m = reader.manifest();
  std::vector<float> all;
  for (uint32_t t = 0; t < m.tables.size(); ++t) {
    std::vector<float> row(m.tables[t].row_length());
    for (Key k{0}; k.value < m.tables[t].rows; ++k.value) {
      reader.row(TableId{t}, k, row);
      all.insert(all.end(), row.begin(), row.end());
      for (WorkerId w{0}; m.averages && w.value < m.nodes * m.workers; ++w.value) {
        reader.replica_row(w, TableId{t}, k, row);
        all.insert(all.end(), row.begin(), row.end());
      }
    }
  }
  return all;
}

class Resume : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Resume, Whenever_all_nodes_end_the_job_comes_to_the_same_bits) {
  const TempFolder folder;
  Trial calm{.settings = GetParam()};
  ASSERT_TRUE(live(calm, folder.path("calm"))->ok);
  const auto wanted = state_of(calm, folder.path("calm"));
  uint32_t all_lives = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const std::string place = folder.path("run" + std::to_string(seed));
    Random chance(seed);
    uint32_t lives = 0;
    Trial trial = calm;
    std::optional<JobOver> over;
    while (!over) {
      ASSERT_LT(++lives, 40U);
      trial.seed = 100 * seed + lives;
      trial.deadline = Instant{} + milliseconds(20 + static_cast<int64_t>(chance.below(200)));
      over = live(trial, place);
    }
    ASSERT_TRUE(over->ok) << over->reason;
    EXPECT_EQ(state_of(trial, place), wanted) << seed << ", after " << lives << " lives";
    all_lives += lives;
  }
  EXPECT_GT(all_lives, 2 * 12U);
}

INSTANTIATE_TEST_SUITE_P(
    Schemes, Resume,
    testing::Values(std::vector<std::string>{"sync.scheme=bsp", "cluster.nodes=3", "sync.copies=1"},
                    std::vector<std::string>{"sync.scheme=bsp", "cluster.nodes=2",
                                             "cluster.workers=2"},
                    std::vector<std::string>{"sync.scheme=allreduce", "cluster.nodes=3"},
                    std::vector<std::string>{"sync.scheme=allreduce", "cluster.nodes=2",
                                             "cluster.workers=2", "sync.compress=topk(0.1)"},
                    std::vector<std::string>{"sync.scheme=local(5)", "cluster.nodes=3",
                                             "sync.compress=quantise(4)"},
                    std::vector<std::string>{"sync.scheme=outer(7)", "cluster.nodes=3"}));

// 4 nodes, then 3, then 6; under what it learns nothing changes but the order of additions. At that
// rate no order makes the loss of an epoch as noisy as the bound below.
TEST(Resuming, A_job_goes_on_with_fewer_and_with_more_nodes) {
  for (const char* scheme : {"bsp", "essp(2)", "allreduce", "gossip", "pushsum"}) {
    const TempFolder folder;
    Trial trial{{std::string("sync.scheme=") + scheme, "sync.strict=false", "train.rate=0.02"}};
    uint32_t epochs = 0;
    for (const uint32_t nodes : {4U, 3U, 6U}) {
      trial.settings.push_back("cluster.nodes=" + std::to_string(nodes));
      trial.epochs = epochs += 3;
      ASSERT_TRUE(live(trial, folder.path("run"))->ok) << scheme << " " << nodes;
      const auto state = state_of(trial, folder.path("run"));
      EXPECT_FALSE(state.empty());
    }
    const auto good = newest_good(folder.path("run/checkpoints"), [](const std::string&) {});
    const auto& history = good->manifest.epochs;
    ASSERT_EQ(history.size(), 9U);
    EXPECT_LT(history[8].loss, 0.97 * history[0].loss) << scheme;
    for (size_t e = 1; e < 9; ++e) {
      EXPECT_LT(history[e].loss, 1.03 * history[e - 1].loss) << scheme << " epoch " << e + 1;
      EXPECT_EQ(history[e].samples, history[0].samples);
      EXPECT_GE(history[e].elapsed, history[e - 1].elapsed);
    }
  }
}

TEST(Resuming, A_node_that_goes_on_from_elsewhere_ends_the_job_with_that_reason) {
  const TempFolder folder;
  Trial trial{{"sync.scheme=bsp", "cluster.nodes=3"}};
  trial.epochs = 2;
  ASSERT_TRUE(live(trial, folder.path("run"))->ok);
  trial.epochs = 4;
  trial.astray = 1;
  const auto over = live(trial, folder.path("run"));
  ASSERT_TRUE(over && !over->ok);
  EXPECT_NE(over->reason.find("this one is at the end of epoch 0, another at that of epoch 2"),
            std::string::npos)
      << over->reason;
}

}  // namespace
}  // namespace hemiola
