#include "hemiola/train/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <span>
#include <sstream>
#include <tuple>

#include "hemiola/core/check.h"
#include "hemiola/train/job_file.h"
#include "hemiola/train/nearest.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

// Texts as typed; made into values when all is read, so that mistakes are told in our words.
struct Raw {
  std::optional<uint32_t> nodes, workers, min_nodes, max_nodes;
  std::optional<uint64_t> seed;
  std::string rendezvous, hosts;
  std::string stall, latency, jitter, bandwidth, cost;
  std::vector<std::string> slow_nodes;
  std::string throws;
  std::optional<std::string> resume;
};

void add_run_options(CLI::App& app, Command& command, Raw& raw) {
  app.add_option("job", command.job_file, "the job file (TOML)")->required()->type_name("JOB.toml");
  app.add_option("settings", command.overrides, "settings that override the job file's")
      ->type_name("key=value");
  app.add_option("--nodes", raw.nodes, "node processes (cluster.nodes)")->type_name("N");
  app.add_option("--workers", raw.workers, "worker threads per node (cluster.workers)")
      ->type_name("W");
  app.add_option("--seed", raw.seed, "seed of everything random (job.seed)")->type_name("S");
  app.add_option("--out", command.flags.out,
                 "folder of summary.json and metrics.jsonl; else runs/ and the job's name")
      ->type_name("DIR");
  app.add_flag("--json", command.flags.json,
               "print the summary's JSON, and nothing else, on stdout");
  app.add_flag("-q,--quiet", command.flags.quiet, "say nothing but warnings and errors");
  app.add_flag("-v,--verbose", command.flags.verbose, "say what the nodes do");
}

void add_launching(CLI::App& app, Command& command, Raw& raw) {
  app.add_option("--resume", raw.resume,
                 "go on from the newest checkpoint; else of the run's folder")
      ->expected(0, 1)
      ->type_name("[DIR]");
  app.add_option("--rendezvous", raw.rendezvous,
                 "where node 0 listens, when no launcher says so (cluster.rendezvous)")
      ->type_name("tcp:HOST:PORT");
  app.add_option("--min-nodes", raw.min_nodes,
                 "with fewer the job ends; else 1 (cluster.min_nodes)")
      ->type_name("N");
  app.add_option("--max-nodes", raw.max_nodes,
                 "so many may be there at a time, when nodes join; else --nodes "
                 "(cluster.max_nodes)")
      ->type_name("N");
  app.add_option("--hosts", raw.hosts, "start the nodes on these machines, over ssh, in turn")
      ->type_name("A,B,C");
  app.add_option("--ssh", command.launching.ssh,
                 "the command that runs a command on a host; else `ssh -o BatchMode=yes`")
      ->type_name("COMMAND");
}

// Of a job that runs: found by its name, or by its folder.
void add_running(CLI::App& app, Command& command, const char* which) {
  app.add_option("job", command.job_file, "the job file (TOML)")->required()->type_name("JOB.toml");
  app.add_option("settings", command.overrides, "settings that override the job file's")
      ->type_name("key=value");
  app.add_option("--out", command.flags.out, "folder of the run; else runs/ and the job's name")
      ->type_name("DIR");
  app.add_option("--nodes", command.nodes.count, "how many; else 1")
      ->check(CLI::Range(1U, 4096U))
      ->type_name("N");
  app.add_option("--node", command.nodes.nodes, which)->type_name("K")->allow_extra_args(false);
}

void add_stalls(CLI::App& app, Command& command, Raw& raw) {
  app.add_option("--stall-chance", command.flags.stall_chance,
                 "share of the steps that are stopped, to see what stragglers do")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  app.add_option("--stall", raw.stall, "how long such a step stops; else 50ms")->type_name("TIME");
  app.add_option("--throw", raw.throws, "workers of this node fail at that step")
      ->type_name("NODE:STEP");
}

void add_inspect(CLI::App& app, InspectOptions& options) {
  app.add_option("folder", options.folder,
                 "folder of a run, of its checkpoints, of one of them, or of a model")
      ->required()
      ->type_name("DIR");
  app.add_flag("--fast", options.fast, "believe checksums instead of reading all of it");
}

void add_world(CLI::App& app, Command& command, Raw& raw) {
  app.add_option("--latency", raw.latency, "of a message, one way; else 50us")->type_name("TIME");
  app.add_option("--jitter", raw.jitter, "up to so much more; else 10us")->type_name("TIME");
  app.add_option("--bandwidth", raw.bandwidth, "of each node and direction; else 10Gbit")
      ->type_name("RATE");
  app.add_option("--slow-node", raw.slow_nodes, "this node computes so many times slower")
      ->type_name("NODE:TIMESx")
      ->allow_extra_args(false);  // what follows is a setting, not another node
  app.add_option("--spread", command.flags.spread,
                 "a step takes up to this share longer or shorter; else 0")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0, 0.99));
  app.add_option("--cost-per-example", raw.cost, "time to compute an example; else as calibrated")
      ->type_name("TIME");
  app.add_option("--calibration", command.calibration, "file of `hemiola calibrate`")
      ->type_name("FILE");
}

void add_data(CLI::App& app, DataOptions& options) {
  app.add_option("name", options.name, "which one; else lists them")->type_name("NAME");
  app.add_option("--out", options.out, "folder; else runs/ and the name")->type_name("DIR");
  app.add_option("--seed", options.seed, "of what is drawn; else 1")->type_name("S");
}

void add_export(CLI::App& app, ExportOptions& options) {
  app.add_option("folder", options.folder, "folder of the run")->required()->type_name("DIR");
  app.add_option("--to", options.format, "npy, csv, word2vec, word2vec-binary or safetensors")
      ->required()
      ->type_name("FORMAT");
  app.add_option("--table", options.table, "this table alone")->type_name("NAME");
  app.add_option("--out", options.out, "the file, or the folder; else export in the run's folder")
      ->type_name("PATH");
}

void add_predict(CLI::App& app, PredictOptions& options) {
  app.add_option("folder", options.folder, "folder of the run")->required()->type_name("DIR");
  const auto part = [&](const char* flag, std::optional<std::string>& text, const char* what,
                        const char* type = "NAME") {
    app.add_option(flag, text, what)->type_name(type);
  };
  part("--near", options.near, "the rows that are most like this one");
  part("--analogy", options.analogy, "what is to C as B is to A", "\"A B C\"");
  part("--head", options.head, "with --relation: the best tails");
  part("--relation", options.relation, "with --head or --tail: the best other ends");
  part("--tail", options.tail, "with --relation: the best heads");
  part("--user", options.user, "the items that this user will like best", "NUMBER");
  part("--item", options.item, "with --user: the rating of this one", "NUMBER");
  app.add_flag("--new", options.only_new, "leave out the ends of facts that are known");
  app.add_option("--facts", options.facts, "triples that are known; else those of the training")
      ->type_name("FILE");
  app.add_option("--table", options.table, "rows of this table; else of the first")
      ->type_name("NAME");
  app.add_option("--top", options.top, "how many answers; else 10")
      ->check(CLI::Range(1U, 1'000'000U))
      ->type_name("N");
  app.add_flag("--json", options.json, "answers as JSON, an object for each question");
  app.footer("A name of - is read from each line of standard input; several, parted by tabs.");
}

// What follows --resume may as well be a setting.
void take_resume(Command& command, const std::string& word) {
  command.resuming.asked = true;
  const std::string_view key = std::string_view(word).substr(0, word.find('='));
  if (key.size() < word.size() && is_known(key)) {
    command.overrides.insert(command.overrides.begin(), word);
  } else {
    command.resuming.from = word;
  }
}

std::vector<std::string> parse_hosts(const std::string& list,
                                     const std::optional<uint32_t>& nodes) {
  std::vector<std::string> hosts;
  std::istringstream in(list);
  for (std::string host; std::getline(in, host, ',');) {
    // What begins with a dash would be an option to ssh.
    if (host.empty() || host[0] == '-' || host.find_first_of(" \t'\"") != host.npos) {
      throw UserError("`" + list + "` is no value for --hosts; write for example a,b,c");
    }
    hosts.push_back(host);
  }
  if (nodes && hosts.size() > *nodes) {
    throw UserError("--hosts names " + std::to_string(hosts.size()) +
                    " machines and --nodes says " + std::to_string(*nodes) +
                    ": leave one of them out");
  }
  return hosts;
}

void finish(Command& command, const Raw& raw) {
  if (raw.resume) take_resume(command, *raw.resume);
  const auto override_with = [&](const char* key, const auto& value) {
    if (value) command.overrides.push_back(key + ("=" + std::to_string(*value)));
  };
  override_with("cluster.nodes", raw.nodes);
  override_with("cluster.workers", raw.workers);
  override_with("cluster.min_nodes", raw.min_nodes);
  override_with("cluster.max_nodes", raw.max_nodes);
  override_with("job.seed", raw.seed);
  if (!raw.rendezvous.empty()) command.overrides.push_back("cluster.rendezvous=" + raw.rendezvous);
  command.launching.hosts = parse_hosts(raw.hosts, raw.nodes);
  if (!raw.nodes && !command.launching.hosts.empty()) {
    command.overrides.push_back("cluster.nodes=" + std::to_string(command.launching.hosts.size()));
  }
  Flags& flags = command.flags;
  if (!raw.stall.empty()) flags.stall = parse_duration(raw.stall, "--stall");
  if (!raw.throws.empty()) {
    std::tie(flags.throwing_node, flags.throwing_step) = parse_throw(raw.throws, "--throw");
  }
  if (!raw.latency.empty()) flags.latency = parse_duration(raw.latency, "--latency");
  if (!raw.jitter.empty()) flags.jitter = parse_duration(raw.jitter, "--jitter");
  if (!raw.bandwidth.empty()) {
    flags.bandwidth_bytes_per_second = parse_bandwidth(raw.bandwidth, "--bandwidth");
  }
  for (const auto& s : raw.slow_nodes)
    flags.slow_nodes.push_back(parse_slow_node(s, "--slow-node"));
  if (!raw.cost.empty()) flags.ns_per_example = parse_nanoseconds(raw.cost, "--cost-per-example");
}

std::optional<std::string> unknown_command(std::string_view word) {
  static constexpr std::string_view kCommands[] = {
      "train", "run",    "join",    "leave",   "sim",  "calibrate", "options",
      "data",  "export", "predict", "inspect", "node", "keep-views"};
  if (word.starts_with("-") ||
      std::find(std::begin(kCommands), std::end(kCommands), word) != std::end(kCommands)) {
    return std::nullopt;
  }
  std::string text = "hemiola: unknown command `" + std::string(word) + "`";
  if (const auto near = nearest_name(word, std::span(kCommands).first(11))) {
    return text + ": did you mean `" + *near + "`?\n";
  }
  return text +
         "; there are train, run, join, leave, sim, calibrate, options, data, export, predict and "
         "inspect\n";
}

}  // namespace

std::variant<Command, Stop> parse_command_line(int argc, const char* const* argv) {
  Command command;
  Raw raw;
  CLI::App app("Hemiola trains one model on many machines that do not keep the same beat.",
               "hemiola");
  app.set_version_flag("--version", std::string("hemiola " HEMIOLA_VERSION));
  app.require_subcommand(1);
  CLI::App* train = app.add_subcommand("train", "train the job's model on this machine or cluster");
  CLI::App* run = app.add_subcommand("run", "the same as train");
  CLI::App* join = app.add_subcommand("join", "more nodes for a job that runs");
  CLI::App* leave = app.add_subcommand("leave", "fewer nodes for a job that runs");
  CLI::App* sim = app.add_subcommand("sim", "train it in the simulator, in virtual time");
  CLI::App* calibrate =
      app.add_subcommand("calibrate", "measure this machine's computing for the simulator");
  CLI::App* options = app.add_subcommand("options", "list all settings of a job");
  CLI::App* data = app.add_subcommand("data", "make a data set of what this machine has");
  CLI::App* exported = app.add_subcommand("export", "write a run's model in a format of others");
  CLI::App* predicted = app.add_subcommand("predict", "ask a run's model");
  CLI::App* inspected =
      app.add_subcommand("inspect", "say what a run has on disk, and whether it is whole");
  CLI::App* node = app.add_subcommand("node", "")->group("");
  CLI::App* keep_views = app.add_subcommand("keep-views", "")->group("");
  for (CLI::App* a : {train, run, sim, calibrate}) add_run_options(*a, command, raw);
  for (CLI::App* a : {train, run, sim}) add_stalls(*a, command, raw);
  for (CLI::App* a : {train, run}) add_launching(*a, command, raw);
  add_running(
      *join, command,
      "as this one, in this process, when etcd keeps the job's view and no launcher of ours "
      "runs it");
  add_running(*leave, command, "this one; else those that came last");
  add_world(*sim, command, raw);
  add_data(*data, command.data);
  add_export(*exported, command.exporting);
  add_predict(*predicted, command.predicting);
  add_inspect(*inspected, command.inspecting);
  calibrate->add_option("--calibration", command.calibration, "the file to write")
      ->type_name("FILE");
  node->add_option("fd", command.control_fd)->required();
  keep_views->add_option("path", command.views)->required();
  if (argc == 1) return Stop{2, app.help()};
  if (const auto unknown = unknown_command(argv[1])) return Stop{2, *unknown};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, wrong;
    app.exit(error, out, wrong);
    if (error.get_exit_code() == 0) return Stop{0, out.str()};
    const std::string hint = argc > 1 && !app.get_subcommands().empty()
                                 ? app.get_subcommands().front()->get_name() + " --help"
                                 : std::string("--help");
    return Stop{2, "hemiola: " + std::string(error.what()) + "; see `hemiola " + hint + "`\n"};
  }
  command.verb = train->parsed()        ? Verb::train
                 : run->parsed()        ? Verb::train
                 : join->parsed()       ? Verb::join
                 : leave->parsed()      ? Verb::leave
                 : sim->parsed()        ? Verb::sim
                 : calibrate->parsed()  ? Verb::calibrate
                 : options->parsed()    ? Verb::options
                 : data->parsed()       ? Verb::data
                 : exported->parsed()   ? Verb::export_model
                 : predicted->parsed()  ? Verb::predict
                 : inspected->parsed()  ? Verb::inspect
                 : keep_views->parsed() ? Verb::keep_views
                                        : Verb::node;
  finish(command, raw);
  return command;
}

Job job_of(const Command& command) {
  Job job = read_job_file(command.job_file);
  for (const std::string& o : command.overrides) set_override(job, o);
  return job;
}

}  // namespace hemiola
