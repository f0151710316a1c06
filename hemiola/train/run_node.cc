#include "hemiola/train/run_node.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string_view>

#include "hemiola/cluster/machine.h"
#include "hemiola/core/random.h"
#include "hemiola/net/etcd_store.h"
#include "hemiola/net/node.h"
#include "hemiola/net/view_store.h"
#include "hemiola/train/codec_speeds.h"
#include "hemiola/train/node_life.h"
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
  options.nodes = most_nodes(job);
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

// In containers every process may have the same number.
uint64_t instance_of(const NodePlace& place) {
  if (place.instance != 0) return place.instance;
  static const uint64_t instance =
      mix(static_cast<uint64_t>(::getpid()),
          static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  return instance;
}

ClusterOptions cluster_options(const Job& job, const NodePlace& place, const std::string& address) {
  ClusterOptions options;
  options.self = place.self;
  options.nodes = job.cluster.nodes;
  options.workers = job.cluster.workers;
  options.address = address;
  options.rendezvous = place.self.value == 0 ? address : place.rendezvous;
  options.job_summary = agreement_text(job);
  options.instance = instance_of(place);
  options.join_timeout = seconds(job.cluster.join_timeout_s);
  options.say_wait = seconds(job.cluster.say_wait_s);
  options.on_silence = job.cluster.on_silence == "end" ? OnSilence::end : OnSilence::wait;
  options.goes_on = goes_on(job);
  if (options.goes_on) options.on_silence = OnSilence::remove;
  options.min_nodes = job.cluster.min_nodes;
  options.most_nodes = most_nodes(job);
  const bool store = !place.views.empty() || in_etcd(job);
  options.keeper = store ? ViewKeeper::store : ViewKeeper::leader;
  options.silence_limit = seconds(job.cluster.silence_limit_s);
  return options;
}

// What keeps the view outside of the nodes; nothing when the leader keeps it.
std::unique_ptr<net::ViewStore> keeper_of_views(const Job& job, const NodePlace& place) {
  if (!place.views.empty()) return net::view_service_at(place.views);
  if (!in_etcd(job)) return nullptr;
  const net::EtcdPlace etcd{job.cluster.etcd,
                            net::etcd_key(job.job.name, place.secret, place.rendezvous),
                            instance_of(place)};
  // While etcd is away those who are here go on, and so who comes meanwhile may wait for it.
  if (!place.comes_later) net::etcd_must_answer(etcd, job.cluster.join_timeout_s);
  return net::views_in_etcd(etcd);
}

std::string reached_at(const NodePlace& place, const net::Listener& listener) {
  if (place.listen.empty()) return "none";
  if (place.host.empty()) return listener.address();
  net::Address address = net::Address::parse(listener.address());
  address.host = place.host;
  return address.text();
}

}  // namespace

bool goes_on(const Job& job) { return job.cluster.on_loss == "go_on" && most_nodes(job) > 1; }

bool in_etcd(const Job& job) { return goes_on(job) && !job.cluster.etcd.empty(); }

uint32_t most_nodes(const Job& job) { return std::max(job.cluster.nodes, job.cluster.max_nodes); }

std::string agreement_text(const Job& job) {
  std::string text;
  for (const auto& [key, value] : all_values(job)) {
    const bool own = key == "cluster.secret_file" || key == "cluster.rendezvous" ||
                     key == "cluster.cert" || key == "cluster.key" || key == "cluster.ca";
    if (!own) text += key + " = " + value + "\n";
  }
  return text;
}

JobOver run_node(const Job& job, const Flags& flags, const NodePlace& place, Progress& progress,
                 net::LeaveRequests* requests) {
  const auto begun = std::chrono::steady_clock::now();
  const LoadedTask loaded(job, thread_runner(job.cluster.workers));
  const std::chrono::duration<double> load = std::chrono::steady_clock::now() - begun;

  const RunSettings settings = run_settings(job, flags);
  NodeLife life(job, flags.out, loaded, settings, sampling_of(job, loaded.task()), place.self,
                job.sync.compress == "auto" ? measured_codec_speeds() : std::vector<CodecSpeed>());

  std::unique_ptr<Report> report;
  const auto make_report = [&] {
    if (!report) {
      report = std::make_unique<Report>(job, loaded.task(), flags, "net", load.count(), progress);
    }
    return report.get();
  };
  if (place.self.value == 0 && !place.comes_later) {
    progress.text(loaded.description() + "\n");
    // With etcd it may be that the job has begun, and that another node reports.
    if (!in_etcd(job)) make_report();
  }
  life.listener = make_report;

  net::Listener listener =
      place.listen.empty() ? net::Listener::none() : net::Listener::open(place.listen);
  auto core = std::make_unique<NodeCore>(place.self);
  const std::string address = reached_at(place, listener);
  ClusterOptions cluster = cluster_options(job, place, address);
  cluster.state_machines = life.state_machines();
  // Who comes later gets the state from the others, and the checkpoint may be gone.
  const bool needless = place.comes_later && !std::filesystem::exists(flags.resume.path);
  const auto resumed = needless ? nullptr : resumed_from(job, flags, loaded.task());
  const auto checkpoints = checkpoints_for(job, flags, loaded.task(), resumed.get(), progress);
  life.planned_workers = planned_workers(job, flags);
  life.resumed = resumed.get();
  life.checkpoints = checkpoints.get();
  life.lost_rows = [&] { return lost_rows(job, flags, checkpoints.get(), progress); };
  if (resumed) cluster.agenda = resumed->checkpoint.manifest().agenda;
  core->add(MachineId::cluster, std::make_unique<ClusterMachine>(cluster));
  life.live_in(*core);

  net::NodeOptions options = node_options(job, place, progress);
  std::unique_ptr<net::ViewStore> store = keeper_of_views(job, place);
  if (store) options.propose = [&](Outbox::Proposal p) { store->propose(std::move(p)); };
  net::Node node(std::move(options), std::move(listener), std::move(core),
                 [&life](WorkerPort& port) { life.run(port); });
  life.counters = [&node] {
    return NodeCounters{node.stats().bytes_sent, node.stats().messages_sent, cpu_seconds()};
  };
  if (store) store->start([&node](Event event) { node.tell(std::move(event)); });

  if (requests) requests->tell([&node](LeaveAsked asked) { node.tell(asked); });
  JobOver over = node.run();
  if (requests) requests->finish();
  if (store && over.ok && !over.left) store->job_over(place.self);
  store.reset();  // it speaks to the node
  if (checkpoints) checkpoints->finish(over.ok);
  if (report && checkpoints) report->checkpointed(checkpoints->totals());
  const bool reports = report && !over.left && (over.ok || report->has_result());
  if (reports) report->publish();
  return over;
}

}  // namespace hemiola
