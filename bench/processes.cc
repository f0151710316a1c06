#include "bench/processes.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "hemiola/average/machine.h"
#include "hemiola/cluster/machine.h"
#include "hemiola/net/node.h"
#include "hemiola/table/machine.h"

namespace hemiola::bench {
namespace {

constexpr size_t kFigures = 64;

// Finish, so that no node leaves while another still works.
void finish(WorkerPort& port) {
  Finish done;
  done.worker = port.worker();
  port.call(done);
}

int run_node(const Processes& job, NodeId self, const std::string& folder,
             std::span<double> figures) {
  const auto address = [&](uint32_t n) { return "unix:" + folder + "/" + std::to_string(n); };
  const Place place{self, job.nodes, job.workers};
  TableSet tables(job.tables, place);
  auto core = std::make_unique<NodeCore>(self);
  ClusterOptions cluster;
  cluster.self = self;
  cluster.nodes = job.nodes;
  cluster.workers = job.workers;
  cluster.address = address(self.value);
  cluster.rendezvous = address(0);
  cluster.instance = static_cast<uint64_t>(getpid());
  core->add(MachineId::cluster, std::make_unique<ClusterMachine>(cluster));
  core->add(MachineId::table, std::make_unique<TableMachine>(tables));
  std::unique_ptr<ReplicaSet> replicas;
  if (!job.replica.empty()) {
    replicas = std::make_unique<ReplicaSet>(job.replica, place, job.average);
    core->add(MachineId::average, std::make_unique<AverageMachine>(*replicas));
  }
  net::NodeOptions options;
  options.self = self;
  options.nodes = job.nodes;
  options.job = "bench";
  options.secret = "a secret of the bench";
  options.log = [](Level level, std::string_view line) {
    if (level >= Level::warning) std::fprintf(stderr, "%.*s\n", int(line.size()), line.data());
  };
  net::Node node(options, net::Listener::open(cluster.address), std::move(core),
                 [&](WorkerPort& port) {
                   if (replicas) {
                     job.work_on_replicas(port, *replicas, figures);
                   } else {
                     job.work(port, tables, figures);
                   }
                   finish(port);
                 });
  const JobOver over = node.run();
  if (!over.ok) std::fprintf(stderr, "node %u: %s\n", self.value, over.reason.c_str());
  return over.ok ? 0 : 1;
}

}  // namespace

std::vector<std::vector<double>> try_run(const Processes& job) {
  const size_t bytes = job.nodes * kFigures * sizeof(double);
  auto* shared = static_cast<double*>(
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  char name[] = "/tmp/hemiola-bench-XXXXXX";
  const std::string folder = mkdtemp(name);
  std::fflush(stdout);
  for (uint32_t n = 0; n < job.nodes; ++n) {
    if (fork() != 0) continue;
    std::_Exit(run_node(job, NodeId{n}, folder, {shared + n * kFigures, kFigures}));
  }
  bool ok = true;
  for (uint32_t n = 0; n < job.nodes; ++n) {
    int status = 0;
    wait(&status);
    ok &= status == 0;
  }
  std::filesystem::remove_all(folder);
  std::vector<std::vector<double>> figures;
  for (uint32_t n = 0; ok && n < job.nodes; ++n) {
    figures.emplace_back(shared + n * kFigures, shared + (n + 1) * kFigures);
  }
  munmap(shared, bytes);
  return figures;
}

std::vector<std::vector<double>> run(const Processes& processes) {
  auto figures = try_run(processes);
  if (figures.empty()) std::exit(1);
  return figures;
}

}  // namespace hemiola::bench
