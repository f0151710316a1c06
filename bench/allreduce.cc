// How long does the exact mean of D floats take over real processes, and which share of what the
// transport can carry does it reach? Node processes with a worker each, whose step is nothing but
// the mean (StepCall under rule allreduce). Beside it the streaming rate: the same processes, all
// sending frames of 256 KB to all others at once, and nothing done with them.
//
// usage: allreduce [--nodes N] [--bytes LIST] [--codec CODEC] [--tcp] [--netns A,B,...] [--stream]
// With --netns process i works in that network namespace, at address 10.77.0.(i + 1).
// bench/allreduce.py runs it beside Open MPI and Gloo; bench/slow_link.py over a slow link.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "bench/peers/rounds.h"
#include "bench/report.h"
#include "hemiola/average/codec_trial.h"
#include "hemiola/average/machine.h"
#include "hemiola/cluster/machine.h"
#include "hemiola/core/check.h"
#include "hemiola/net/toy.h"
#include "hemiola/train/codec_speeds.h"

namespace hemiola::bench {
namespace {

struct Job {
  uint32_t nodes = 2;
  std::vector<size_t> bytes;
  std::string codec = "none";
  bool tcp = false;
  std::vector<std::string> netns;
  bool stream_only = false;
};

using Work = std::function<void(WorkerPort&, std::span<double> figures)>;
constexpr size_t kFigures = 4;

void enter_namespace(const std::string& name) {
  const net::Fd fd(open(("/var/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || setns(fd.get(), CLONE_NEWNET) != 0) {
    throw UserError("cannot enter network namespace " + name + ": bench/slow_link.py makes it");
  }
}

// One core for each process as far as there are cores. Left to itself the system puts two processes
// that talk on one core, or not, by luck; mpirun binds its two too.
void pin(uint32_t process) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(process % static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_ONLN)), &set);
  sched_setaffinity(0, sizeof set, &set);
}

class Cluster {
 public:
  explicit Cluster(const Job& job) : job_(job) {
    char name[] = "/tmp/hemiola-bench-XXXXXX";
    folder_ = mkdtemp(name);
    if (!job.tcp) return;
    // A port that is free now; a range by process, so that two benches do not meet.
    port_ = 20'000 + static_cast<int>(getpid()) % 20'000;
  }
  ~Cluster() { std::filesystem::remove_all(folder_); }

  std::string address(uint32_t n) const {
    if (!job_.tcp) return "unix:" + folder_ + "/" + std::to_string(n);
    const bool apart = !job_.netns.empty();
    return "tcp:" + (apart ? "10.77.0." + std::to_string(n + 1) : "127.0.0.1") + ":" +
           std::to_string(port_ + static_cast<int>(n));
  }

  // Forks the nodes, and gives the figures of each.
  template <class RunNode>
  std::vector<std::vector<double>> run(RunNode&& run_node) const {
    const size_t size = job_.nodes * kFigures * sizeof(double);
    auto* shared = static_cast<double*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    std::fflush(stdout);
    for (uint32_t n = 0; n < job_.nodes; ++n) {
      if (fork() != 0) continue;
      try {
        pin(n);
        if (!job_.netns.empty()) enter_namespace(job_.netns.at(n));
        std::_Exit(run_node(NodeId{n}, std::span(shared + n * kFigures, kFigures)));
      } catch (const std::exception& error) {
        std::fprintf(stderr, "node %u: %s\n", n, error.what());
        std::_Exit(1);
      }
    }
    bool ok = true;
    for (uint32_t n = 0; n < job_.nodes; ++n) {
      int status = 0;
      wait(&status);
      ok &= status == 0;
    }
    if (!ok) std::exit(1);
    std::vector<std::vector<double>> figures;
    for (uint32_t n = 0; n < job_.nodes; ++n) {
      figures.emplace_back(shared + n * kFigures, shared + (n + 1) * kFigures);
    }
    munmap(shared, size);
    return figures;
  }

 private:
  const Job& job_;
  std::string folder_;
  int port_ = 0;
};

int run_net_node(const Cluster& cluster, uint32_t nodes, std::unique_ptr<NodeCore> core,
                 const std::function<void(WorkerPort&)>& work) {
  net::NodeOptions options;
  options.self = core->self();
  options.nodes = nodes;
  options.job = "bench";
  options.secret = "a secret of the bench";
  options.tls.use = net::TlsSettings::Use::never;
  options.log = [](Level level, std::string_view line) {
    if (level >= Level::warning) std::fprintf(stderr, "%.*s\n", int(line.size()), line.data());
  };
  const NodeId self = options.self;
  net::Node node(std::move(options), net::Listener::open(cluster.address(self.value)),
                 std::move(core), work);
  const JobOver over = node.run();
  if (!over.ok) std::fprintf(stderr, "node %u: %s\n", self.value, over.reason.c_str());
  return over.ok ? 0 : 1;
}

// What all nodes together hand to the transport in a second while each sends to all others.
double streaming_rate(const Job& job) {
  constexpr size_t kFrame = 256 << 10;
  constexpr uint32_t kCopies = 4, kCalls = 400;
  const Cluster cluster(job);
  const auto figures = cluster.run([&](NodeId self, std::span<double> out) {
    net::Toy toy;
    for (uint32_t n = 0; n < job.nodes; ++n) toy.addresses.push_back(cluster.address(n));
    return run_net_node(cluster, job.nodes, net::toy_core(self, toy), [&](WorkerPort& port) {
      const uint32_t calls = kCalls / (job.nodes - 1);
      std::vector<net::ToyEcho::Echo> window(2 * (job.nodes - 1));
      MutableBytes body(kFrame);
      std::memset(body.data(), 1, kFrame);
      const Bytes frame = std::move(body).freeze();
      const double start = wall_seconds();
      for (uint32_t i = 0; i < calls * (job.nodes - 1); ++i) {
        auto& echo = window[i % window.size()];
        if (i >= window.size()) port.wait(echo);
        echo.peer = NodeId{(self.value + 1 + i % (job.nodes - 1)) % job.nodes};
        echo.body = frame;
        echo.copies = kCopies;
        port.post(echo);
      }
      for (auto& echo : window) port.wait(echo);
      out[0] = wall_seconds() - start;
      // The last of each call comes back.
      out[1] = double(calls) * (job.nodes - 1) * (kCopies + 1) * kFrame;
      net::ToyCluster::Finish done;
      port.call(done);
    });
  });
  double slowest = 0, total = 0;
  for (const auto& node : figures) {
    slowest = std::max(slowest, node[0]);
    total += node[1];
  }
  return total / slowest;
}

// Microseconds of a round: the median and the least of node 0; CPU of all nodes.
Rounds allreduce(const Job& job, size_t bytes) {
  const Cluster cluster(job);
  const auto figures = cluster.run([&](NodeId self, std::span<double> out) {
    const size_t floats = bytes / sizeof(float), row = std::min<size_t>(floats, 256);
    AverageOptions options;
    options.codec = job.codec;
    if (job.codec == "auto") options.codec_speeds = measured_codec_speeds();
    ReplicaSet replicas({{"values", uint32_t(floats / row), uint32_t(row), 0, {}}},
                        Place{self, job.nodes, 1}, options);
    ClusterOptions membership;
    membership.self = self;
    membership.nodes = job.nodes;
    membership.workers = 1;
    membership.address = cluster.address(self.value);
    membership.rendezvous = cluster.address(0);
    membership.instance = static_cast<uint64_t>(getpid());
    auto core = std::make_unique<NodeCore>(self);
    core->add(MachineId::cluster, std::make_unique<ClusterMachine>(membership));
    core->add(MachineId::average, std::make_unique<AverageMachine>(replicas));
    return run_net_node(cluster, job.nodes, std::move(core), [&](WorkerPort& port) {
      float* rows = replicas.of(port.worker()).rows();
      std::fill(rows, rows + floats, static_cast<float>(self.value));
      StepCall step;
      const auto round = [&] { port.call(step); };
      // Auto decides within these.
      for (uint32_t i = 0; job.codec == "auto" && i < 2 * CodecTrial::kRounds + 1; ++i) round();
      round();
      const auto mean = static_cast<float>(job.nodes - 1) / 2;
      if (job.codec == "none" && (rows[0] != mean || rows[floats - 1] != mean)) {
        throw UserError("the mean is wrong");
      }
      const Rounds rounds = time_rounds(bytes, round);
      out[0] = rounds.median_us, out[1] = rounds.least_us, out[2] = rounds.cpu_us;
      Finish done;
      done.worker = port.worker();
      port.call(done);
    });
  });
  Rounds result{figures[0][0], figures[0][1], 0};
  for (const auto& node : figures) result.cpu_us += node[2];
  return result;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Job parse(int argc, char** argv) {
  Job job;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--tcp") {
      job.tcp = true;
    } else if (option == "--stream") {
      job.stream_only = true;
    } else if (i + 1 == argc) {
      throw UserError("option " + option + " is not known, or lacks its value");
    } else if (option == "--nodes") {
      job.nodes = static_cast<uint32_t>(std::stoul(argv[++i]));
    } else if (option == "--bytes") {
      for (const auto& part : split(argv[++i])) job.bytes.push_back(std::stoul(part));
    } else if (option == "--codec") {
      job.codec = argv[++i];
    } else if (option == "--netns") {
      job.netns = split(argv[++i]);
      job.tcp = true;
    } else {
      throw UserError("option " + option + " is not known");
    }
  }
  for (size_t b = 1024; job.bytes.empty() || (b <= 64 << 20 && argc == 1); b *= 4) {
    job.bytes.push_back(b);
  }
  return job;
}

void measure(const Job& job) {
  const double rate = job.stream_only || job.netns.empty() ? streaming_rate(job) : 0;
  if (rate > 0) {
    std::printf("%u nodes: all stream to all at %.2f GB/s together\n", job.nodes, rate * 1e-9);
  }
  for (const size_t bytes : job.stream_only ? std::vector<size_t>() : job.bytes) {
    const Rounds rounds = allreduce(job, bytes);
    // What must be carried: 2 (n - 1) / n of the vector from each of n nodes.
    const double carried = 2.0 * (job.nodes - 1) * double(bytes) / (rounds.median_us * 1e-6);
    print_rounds(bytes, rounds);
    if (rate > 0) {
      std::printf("  %.2f GB/s carried, %.2f of streaming\n", carried * 1e-9, carried / rate);
    }
  }
}

}  // namespace
}  // namespace hemiola::bench

int main(int argc, char** argv) {
  using namespace hemiola::bench;
  try {
    Job job = parse(argc, argv);
    measure(job);
    if (argc > 1) return 0;
    job.nodes = 4;
    measure(job);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
