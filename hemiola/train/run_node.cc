#include "hemiola/train/run_node.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string_view>

#include "hemiola/average/machine.h"
#include "hemiola/cluster/machine.h"
#include "hemiola/core/random.h"
#include "hemiola/net/node.h"
#include "hemiola/table/machine.h"
#include "hemiola/train/report.h"
#include "hemiola/train/run_settings.h"
#include "hemiola/train/runner.h"
#include "hemiola/train/settings.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {
namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

net::NodeOptions node_options(const Job& job, const NodePlace& place, Progress& progress) {
  using Use = net::TlsSettings::Use;
  const ClusterSection& cluster = job.cluster;
  net::NodeOptions options;
  options.self = place.self;
  options.nodes = cluster.nodes;
  options.job = job.job.name;
  options.secret = place.secret;
  options.tls.use = cluster.encrypt == "always"  ? Use::always
                    : cluster.encrypt == "never" ? Use::never
                                                 : Use::automatic;
  options.tls.cert = cluster.cert;
  options.tls.key = cluster.key;
  options.tls.ca = cluster.ca;
  options.join_ms = static_cast<int>(cluster.join_timeout_s * 1e3);
  options.log = [&progress](Level level, std::string_view line) { progress.log(level, line); };
  return options;
}

ClusterOptions cluster_options(const Job& job, const NodePlace& place, const std::string& address) {
  ClusterOptions options;
  options.self = place.self;
  options.nodes = job.cluster.nodes;
  options.workers = job.cluster.workers;
  options.address = address;
  options.rendezvous = place.self.value == 0 ? address : place.rendezvous;
  options.job_summary = agreement_text(job);
  options.instance = static_cast<uint64_t>(::getpid());
  options.join_timeout = seconds(job.cluster.join_timeout_s);
  options.say_wait = seconds(job.cluster.say_wait_s);
  options.on_silence = job.cluster.on_silence == "end" ? OnSilence::end : OnSilence::wait;
  options.silence_limit = seconds(job.cluster.silence_limit_s);
  return options;
}

std::string reached_at(const NodePlace& place, const net::Listener& listener) {
  if (place.listen.empty()) return "none";
  if (place.host.empty()) return listener.address();
  net::Address address = net::Address::parse(listener.address());
  address.host = place.host;
  return address.text();
}

}  // namespace

std::string agreement_text(const Job& job) {
  std::string text;
  for (const auto& [key, value] : all_values(job)) {
    const bool own = key == "cluster.secret_file" || key == "cluster.cert" ||
                     key == "cluster.key" || key == "cluster.ca";
    if (!own) text += key + " = " + value + "\n";
  }
  return text;
}

JobOver run_node(const Job& job, const Flags& flags, const NodePlace& place, Progress& progress) {
  const auto begun = std::chrono::steady_clock::now();
  const LoadedTask loaded(job, thread_runner(job.cluster.workers));
  const std::chrono::duration<double> load = std::chrono::steady_clock::now() - begun;

  const Place where{place.self, job.cluster.nodes, job.cluster.workers};
  TableSet tables(table_options(job, loaded.task()), where, sampling_of(job, loaded.task()));
  const RunSettings settings = run_settings(job, flags);
  const auto replicas = replicas_for(job, loaded.task(), where);
  NodeShare share(loaded.task(), tables, settings);
  share.replicas = replicas.get();

  const auto saver = saver_for(job, flags.out, loaded, tables);
  share.saver = saver.get();

  std::unique_ptr<Report> report;
  if (place.self.value == 0) {
    progress.text(loaded.description() + "\n");
    report = std::make_unique<Report>(job, loaded.task(), flags, "net", load.count(), progress);
    share.listener = report.get();
  }

  net::Listener listener =
      place.listen.empty() ? net::Listener::none() : net::Listener::open(place.listen);
  auto core = std::make_unique<NodeCore>(place.self);
  const std::string address = reached_at(place, listener);
  core->add(MachineId::cluster,
            std::make_unique<ClusterMachine>(cluster_options(job, place, address)));
  core->add(MachineId::table, std::make_unique<TableMachine>(tables));
  if (replicas) core->add(MachineId::average, std::make_unique<AverageMachine>(*replicas));
  net::Node node(node_options(job, place, progress), std::move(listener), std::move(core),
                 [&share](WorkerPort& port) { run_worker(port, share); });
  share.counters = [&node] {
    return NodeCounters{node.stats().bytes_sent, node.stats().messages_sent, cpu_seconds()};
  };

  JobOver over = node.run();
  if (report && (over.ok || report->has_result())) report->publish();
  return over;
}

}  // namespace hemiola
