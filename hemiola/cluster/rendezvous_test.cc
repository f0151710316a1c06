#include "hemiola/cluster/rendezvous.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// The outcome in one line.
std::string outcome(const Environment& environment, const LaunchHints& hints) {
  try {
    const auto p = find_place(environment, hints);
    if (!p) return "no launcher";
    return p->launcher + ": " + std::to_string(p->rank) + " of " + std::to_string(p->size) +
           ", local " + std::to_string(p->local_rank) + ", " + p->rendezvous +
           (p->later ? ", later" : "");
  } catch (const UserError& e) {
    return e.what();
  }
}

struct Row {
  const char* name;
  Environment environment;
  LaunchHints hints;
  std::string expected;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(outcome(row.environment, row.hints), row.expected) << row.name;
  }
}

const Environment kSlurm = {{"SLURM_PROCID", "3"},
                            {"SLURM_NTASKS", "4"},
                            {"SLURM_LOCALID", "1"},
                            {"SLURM_JOB_NODELIST", "n[07-08,12],m1"},
                            {"SLURM_JOB_ID", "1234567"}};
const Environment kTorch = {{"RANK", "1"},
                            {"WORLD_SIZE", "2"},
                            {"LOCAL_RANK", "1"},
                            {"MASTER_ADDR", "gpu1"},
                            {"MASTER_PORT", "29500"}};
const Environment kOpenMpi = {{"OMPI_COMM_WORLD_RANK", "1"},
                              {"OMPI_COMM_WORLD_SIZE", "2"},
                              {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                              {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};

Environment with(Environment e, const Environment& more) {
  for (const auto& [key, value] : more) e[key] = value;
  return e;
}

Environment without(Environment e, const char* key) {
  e.erase(key);
  return e;
}

TEST(Rendezvous, Each_launcher_tells_the_place) {
  check({
      {"nothing", {{"PATH", "/bin"}, {"RANK", "1"}}, {}, "no launcher"},
      {"slurm", kSlurm, {}, "Slurm: 3 of 4, local 1, tcp:n07:24567"},
      {"slurm step",
       with(kSlurm, {{"SLURM_STEP_ID", "2"}, {"SLURM_STEP_NODELIST", "m1"}}),
       {},
       "Slurm: 3 of 4, local 1, tcp:m1:24569"},
      {"slurm alone",
       {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}},
       {},
       "Slurm: 0 of 1, local 0, "},
      {"mpirun on one host", kOpenMpi, {}, "Open MPI: 1 of 2, local 1, tcp:127.0.0.1:29400"},
      {"mpirun in slurm", with(kSlurm, kOpenMpi), {}, "Open MPI: 1 of 2, local 1, tcp:n07:24567"},
      {"pmi by srun",
       with(kSlurm, {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}}),
       {},
       "PMI: 3 of 4, local 1, tcp:n07:24567"},
      {"mpich",
       {{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"MPI_LOCALNRANKS", "2"}},
       {},
       "PMI: 0 of 2, local 0, tcp:127.0.0.1:29400"},
      {"torchrun", kTorch, {}, "torchrun: 1 of 2, local 1, tcp:gpu1:29501"},
      {"torchrun in slurm", with(kSlurm, kTorch), {}, "torchrun: 1 of 2, local 1, tcp:gpu1:29501"},
      {"kubernetes",
       {{"JOB_COMPLETION_INDEX", "2"}},
       {.size = 3, .rendezvous = "tcp:train-0.train:29400"},
       "Kubernetes: 2 of 3, local 0, tcp:train-0.train:29400"},
      {"kubernetes, scaled up",
       {{"JOB_COMPLETION_INDEX", "4"}},
       {.size = 3, .rendezvous = "tcp:train-0.train:29400", .most = 5},
       "Kubernetes: 4 of 3, local 0, tcp:train-0.train:29400, later"},
      {"address by hand", kSlurm, {.rendezvous = "tcp:x:1"}, "Slurm: 3 of 4, local 1, tcp:x:1"},
  });
}

TEST(Rendezvous, Missing_and_malformed_pieces_are_named) {
  check({
      {"no size",
       without(kSlurm, "SLURM_NTASKS"),
       {},
       "started by Slurm, but SLURM_NTASKS is missing"},
      {"no list",
       without(kSlurm, "SLURM_JOB_NODELIST"),
       {},
       "started by Slurm, but SLURM_JOB_NODELIST is missing"},
      {"no job",
       without(kSlurm, "SLURM_JOB_ID"),
       {},
       "started by Slurm, but SLURM_JOB_ID is missing"},
      {"not a number",
       with(kSlurm, {{"SLURM_PROCID", "x3"}}),
       {},
       "started by Slurm, but SLURM_PROCID is \"x3\" and not a number"},
      {"empty",
       with(kSlurm, {{"SLURM_PROCID", ""}}),
       {},
       "started by Slurm, but SLURM_PROCID is empty"},
      {"too large",
       with(kSlurm, {{"SLURM_PROCID", "4"}}),
       {},
       "started by Slurm, but rank 4 does not exist among 4: ranks count from 0"},
      {"batch script",
       with(kSlurm, {{"ENVIRONMENT", "BATCH"}}),
       {},
       "started by Slurm, but the program runs in the batch script itself: write \"srun hemiola "
       "train ...\" there"},
      {"no rank",
       without(kOpenMpi, "OMPI_COMM_WORLD_RANK"),
       {},
       "started by Open MPI, but OMPI_COMM_WORLD_RANK is missing"},
      {"several hosts",
       with(kOpenMpi, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}}),
       {},
       "started by Open MPI, but nothing says where rank 0 is: add --rendezvous tcp:HOST:PORT"},
      {"no port",
       without(kTorch, "MASTER_PORT"),
       {},
       "started by torchrun, but MASTER_PORT is missing"},
      {"no world",
       without(kTorch, "WORLD_SIZE"),
       {},
       "started by torchrun, but WORLD_SIZE is missing"},
      {"bad port",
       with(kTorch, {{"MASTER_PORT", "70000"}}),
       {},
       "started by torchrun, but MASTER_PORT is not a port"},
      {"kubernetes size",
       {{"JOB_COMPLETION_INDEX", "2"}},
       {},
       "started by Kubernetes, but nothing says how many nodes there are: add --nodes N"},
      {"kubernetes address",
       {{"JOB_COMPLETION_INDEX", "2"}},
       {.size = 3},
       "started by Kubernetes, but Kubernetes does not say where index 0 is: add --rendezvous "
       "tcp:JOB-0.SERVICE:PORT"},
  });
}

TEST(Rendezvous, Contradictions_are_refused) {
  check({
      {"size by hand",
       kSlurm,
       {.size = 8},
       "started by Slurm, but it started 4 and cluster.nodes is 8: make them the same"},
      {"mpirun of torchrun",
       with(kTorch, with(kOpenMpi, {{"OMPI_COMM_WORLD_RANK", "0"}})),
       {},
       "two launchers contradict each other: Open MPI says rank 0 of 2, torchrun says rank 1 of "
       "2; unset the variables of one"},
      {"mpirun and torch agree",
       with(kTorch, kOpenMpi),
       {},
       "Open MPI: 1 of 2, local 1, tcp:127.0.0.1:29400"},
  });
}

TEST(Rendezvous, The_first_host_of_a_list) {
  EXPECT_EQ(first_host("node1"), "node1");
  EXPECT_EQ(first_host("a,b"), "a");
  EXPECT_EQ(first_host("n[001-004]"), "n001");
  EXPECT_EQ(first_host("n[3,5-7]x,b"), "n3x");
  EXPECT_EQ(first_host("rack[2-3]node[4-9]"), "rack2node4");
  EXPECT_THROW(first_host(""), UserError);
  EXPECT_THROW(first_host("n[1-"), UserError);
}

}  // namespace
}  // namespace hemiola
