// The command line: reads as a list of steps.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <variant>

#include "hemiola/core/check.h"
#include "hemiola/net/view_store.h"
#include "hemiola/train/calibration.h"
#include "hemiola/train/checkpoint_run.h"
#include "hemiola/train/command_line.h"
#include "hemiola/train/data_sets.h"
#include "hemiola/train/inspect.h"
#include "hemiola/train/launch.h"
#include "hemiola/train/launch_desk.h"
#include "hemiola/train/launch_external.h"
#include "hemiola/train/progress.h"
#include "hemiola/train/run_node.h"
#include "hemiola/train/settings.h"
#include "hemiola/train/simulate.h"

namespace hemiola {
namespace {

constexpr int kInterrupted = 130;
constexpr double kGuessedNsPerExample = 100;

// Nothing needs to be put in order: files appear whole.
void end_at_once(int) {
  constexpr char kText[] = "\nhemiola: interrupted\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
  ::_exit(kInterrupted);
}

void say_settings(Progress& progress, const Job& job) {
  progress.text("hemiola " HEMIOLA_VERSION "\n" + settings_in_force(job));
}

int ended(const JobOver& over) {
  if (over.left) std::fprintf(stderr, "hemiola: %s\n", over.reason.c_str());
  if (over.ok) return over.early ? kInterrupted : 0;
  std::fprintf(stderr, "hemiola: %s\n", over.reason.c_str());
  return 1;
}

void end_on_signals() {
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, end_at_once);
}

Environment environment() {
  Environment all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t at = text.find('=');
    if (at != std::string::npos) all[text.substr(0, at)] = text.substr(at + 1);
  }
  return all;
}

// One of the processes that a launcher such as srun has started: others run the other nodes. How
// the run goes is told by the one that leads.
int train_as(const LaunchPlace& launched, const Job& job, const Flags& flags) {
  net::LeaveRequests requests(net::LeaveRequests::From::user);
  Progress progress(progress_options(flags));
  if (launched.later) {
    progress.text("joins as node " + std::to_string(launched.rank) + "\n");
  } else if (launched.rank == 0) {
    say_settings(progress, job);
    progress.text(launched.launcher + " has started " + std::to_string(launched.size) + " nodes\n");
  }
  return ended(run_node(job, flags, external_place(launched, job), progress, &requests));
}

// Many processes, or this one alone.
int train_here(const Job& job, const Flags& flags, LaunchOptions launching = {}) {
  {
    Progress progress(progress_options(flags));
    say_settings(progress, job);
  }
  if (job.cluster.nodes > 1 || goes_on(job) || !launching.hosts.empty()) {
    launching.program = std::filesystem::read_symlink("/proc/self/exe");
    return launch(job, flags, launching).status;
  }
  net::LeaveRequests requests(net::LeaveRequests::From::user);
  Progress progress(progress_options(flags));
  return ended(run_node(job, flags, NodePlace{}, progress, &requests));
}

// The checkpoint that the run goes on from.
ResumeFlags resumed(const Job& job, const Flags& flags, const ResumeOptions& asked) {
  Progress progress(progress_options(flags));
  return checkpoint_to_resume(job, flags, asked.from, progress);
}

int train(Job job, Flags flags, const Command& command) {
  LaunchHints hints;
  if (job.cluster.nodes > 1) hints.size = job.cluster.nodes;
  hints.rendezvous = job.cluster.rendezvous;
  hints.most = job.cluster.max_nodes;
  const auto launched = find_place(environment(), hints);
  if (launched) job.cluster.nodes = launched->size;
  resolve(job);
  if (command.resuming.asked) flags.resume = resumed(job, flags, command.resuming);
  return launched ? train_as(*launched, job, flags) : train_here(job, flags, command.launching);
}

// A node more for a job whose view etcd keeps, whatever has started its other nodes.
int join_by_hand(Job job, const Command& command) {
  if (command.nodes.nodes.size() != 1 || job.cluster.rendezvous.empty()) {
    throw UserError(
        "to join a job of another launcher's, say as which node, with --node, and where it meets, "
        "with cluster.rendezvous");
  }
  resolve(job);
  const uint32_t node = command.nodes.nodes[0];
  if (node >= most_nodes(job)) {
    throw UserError("there is no node " + std::to_string(node) + " in a job of at most " +
                    std::to_string(most_nodes(job)) + " (cluster.max_nodes): they count from 0");
  }
  LaunchPlace place{"hand", node, job.cluster.nodes};
  place.later = true;
  place.rendezvous = job.cluster.rendezvous;
  return train_as(place, job, command.flags);
}

// More nodes for a job that runs, or fewer: its launcher is asked.
int change_nodes(Job job, const Command& command) {
  using What = DeskRequest::What;
  const DeskRequest request{command.verb == Verb::join ? What::join : What::leave,
                            command.nodes.count, command.nodes.nodes};
  const auto answer = ask_desk(command.flags.out, request);
  if (!answer && command.verb == Verb::join && !job.cluster.etcd.empty()) {
    return join_by_hand(std::move(job), command);
  }
  if (!answer) {
    throw UserError("no job of this machine's runs with the folder " + command.flags.out +
                    "; say which with --out, or start or stop a node where its launcher does");
  }
  std::fputs(((answer->ok ? "" : "hemiola: ") + answer->text).c_str(),
             answer->ok ? stdout : stderr);
  return answer->ok ? 0 : 1;
}

int sim(Job job, Flags flags, const Command& command) {
  resolve(job);
  end_on_signals();
  Progress progress(progress_options(flags));
  say_settings(progress, job);
  if (flags.ns_per_example == 0) {
    flags.ns_per_example = read_calibration(command.calibration, job).value_or(0);
  }
  if (flags.ns_per_example == 0) {
    flags.ns_per_example = kGuessedNsPerExample;
    progress.log(Level::warning,
                 "this machine was not calibrated for such jobs, so an example is taken to cost "
                 "100 ns; `hemiola calibrate " +
                     command.job_file + "` measures it");
  }
  return ended(simulate(job, flags, progress));
}

// A short real run, on two nodes when the job has several.
int calibrate(Job job, Flags flags, const Command& command) {
  job.cluster.nodes = std::min<uint32_t>(job.cluster.nodes, 2);
  job.cluster.workers = 1;
  job.train.epochs = std::min<uint32_t>(job.train.epochs, 2);
  job.train.evaluate_every = 0;
  job.train.save = false;
  resolve(job);
  const bool json = std::exchange(flags.json, false);
  flags.quiet = flags.quiet || json;
  if (const int status = train_here(job, flags); status != 0) return status;
  const double ns = ns_per_example_of(flags.out + "/summary.json");
  write_calibration(command.calibration, job, ns);
  std::printf("%s: %.4g ns per example, kept in %s\n", calibration_key(job).c_str(), ns,
              command.calibration.c_str());
  return 0;
}

int make_data(const DataOptions& options) {
  const std::string& name = options.name;
  const std::string said =
      name.empty()
          ? data_sets_help()
          : make_data_set(name, options.out.empty() ? "runs/" + name : options.out, options.seed);
  std::fputs(said.c_str(), stdout);
  return 0;
}

int run(Command command) {
  if (command.verb == Verb::node) return obey(command.control_fd);
  if (command.verb == Verb::keep_views) net::serve_views(command.views);
  if (command.verb == Verb::options) {
    std::fputs(settings_help().c_str(), stdout);
    return 0;
  }
  if (command.verb == Verb::inspect) return inspect(command.inspecting, std::cout);
  if (command.verb == Verb::data) return make_data(command.data);
  if (command.verb == Verb::export_model) {
    export_model(command.exporting, std::cout);
    return 0;
  }
  if (command.verb == Verb::predict) {
    std::ios::sync_with_stdio(false);
    return predict(command.predicting, std::cin, std::cout, std::cerr);
  }
  const Job job = job_of(command);
  Flags& flags = command.flags;
  if (flags.out.empty()) flags.out = "runs/" + job.job.name;
  const char* no_color = std::getenv("NO_COLOR");
  flags.terminal = ::isatty(flags.json ? STDERR_FILENO : STDOUT_FILENO) == 1;
  flags.colour = flags.terminal && !(no_color && *no_color);
  switch (command.verb) {
    case Verb::join:
    case Verb::leave:
      return change_nodes(job, command);
    case Verb::sim:
      return sim(job, flags, command);
    case Verb::calibrate:
      return calibrate(job, flags, command);
    default:
      return train(job, flags, command);
  }
}

}  // namespace
}  // namespace hemiola

int main(int argc, char** argv) {
  try {
    auto parsed = hemiola::parse_command_line(argc, argv);
    if (const auto* stop = std::get_if<hemiola::Stop>(&parsed)) {
      std::fputs(stop->text.c_str(), stop->status == 0 ? stdout : stderr);
      return stop->status;
    }
    return hemiola::run(std::get<hemiola::Command>(std::move(parsed)));
  } catch (const std::bad_alloc&) {
    std::fputs("hemiola: out of memory\n", stderr);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hemiola: %s\n", e.what());
  }
  return 1;
}
