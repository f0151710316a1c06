#include "hemiola/cluster/rendezvous.h"

#include <charconv>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

// Below the ports that systems give out by themselves.
constexpr uint64_t kFirstPort = 20000;
constexpr uint64_t kPorts = 10000;

class Reading {
 public:
  Reading(const Environment& environment, std::string launcher)
      : environment_(environment), launcher_(std::move(launcher)) {}

  bool has(const char* name) const { return environment_.contains(name); }

  std::string text(const char* name) const {
    const auto at = environment_.find(name);
    if (at == environment_.end()) fail(std::string(name) + " is missing");
    if (at->second.empty()) fail(std::string(name) + " is empty");
    return at->second;
  }

  uint32_t number(const char* name) const {
    const std::string value = text(name);
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) {
      fail(std::string(name) + " is \"" + value + "\" and not a number");
    }
    return number;
  }

  uint32_t number_or(const char* name, uint32_t other) const {
    return has(name) ? number(name) : other;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw UserError("started by " + launcher_ + ", but " + what);
  }

 private:
  const Environment& environment_;
  std::string launcher_;
};

std::string tcp(const std::string& host, uint64_t port) {
  return "tcp:" + host + ":" + std::to_string(port);
}

// Jobs side by side on one host get different ports, mostly.
uint64_t port_of(uint64_t job) { return kFirstPort + job % kPorts; }

std::string slurm_rendezvous(const Reading& in) {
  const char* list = in.has("SLURM_STEP_NODELIST") ? "SLURM_STEP_NODELIST" : "SLURM_JOB_NODELIST";
  const uint64_t job = in.number("SLURM_JOB_ID");
  return tcp(first_host(in.text(list)), port_of(job + in.number_or("SLURM_STEP_ID", 0)));
}

// How one launcher tells each of its pieces.
struct Launcher {
  const char* name;
  bool (*present)(const Environment&);
  const char* rank;
  const char* size;                      // nullptr: only the user knows
  std::vector<const char*> local_ranks;  // the first that is set
  std::string (*rendezvous)(const Reading&, const LaunchPlace&, const LaunchHints&);
};

bool slurm_here(const Environment& e) { return e.contains("SLURM_PROCID"); }
bool open_mpi_here(const Environment& e) {
  return e.contains("OMPI_COMM_WORLD_RANK") || e.contains("OMPI_COMM_WORLD_SIZE");
}
bool pmi_here(const Environment& e) { return e.contains("PMI_RANK") || e.contains("PMI_SIZE"); }
bool kubernetes_here(const Environment& e) { return e.contains("JOB_COMPLETION_INDEX"); }
// RANK alone is too common a word.
bool torchrun_here(const Environment& e) {
  return e.count("RANK") + e.count("WORLD_SIZE") + e.count("MASTER_ADDR") >= 2;
}

// MPI launchers do not say where rank 0 is, unless Slurm does or all are on one host.
std::string mpi_rendezvous(const Reading& in, uint32_t on_this_host, uint32_t size, uint64_t port) {
  if (in.has("SLURM_JOB_NODELIST")) return slurm_rendezvous(in);
  if (on_this_host == size) return tcp("127.0.0.1", port);
  in.fail("nothing says where rank 0 is: add --rendezvous tcp:HOST:PORT");
}

std::string open_mpi_rendezvous(const Reading& in, const LaunchPlace& place,
                                const LaunchHints& hints) {
  uint64_t port = hints.port;
  if (in.has("PMIX_NAMESPACE")) {
    port = 0;
    for (char c : in.text("PMIX_NAMESPACE")) port = mix(port, static_cast<uint8_t>(c));
    port = port_of(port);
  }
  return mpi_rendezvous(in, in.number_or("OMPI_COMM_WORLD_LOCAL_SIZE", 0), place.size, port);
}

std::string pmi_rendezvous(const Reading& in, const LaunchPlace& place, const LaunchHints& hints) {
  return mpi_rendezvous(in, in.number_or("MPI_LOCALNRANKS", 0), place.size, hints.port);
}

std::string torchrun_rendezvous(const Reading& in, const LaunchPlace&, const LaunchHints&) {
  const uint32_t port = in.number("MASTER_PORT");
  if (port == 0 || port > 65535) in.fail("MASTER_PORT is not a port");
  // torchrun's own store often listens on that port: take the one beside it.
  return tcp(in.text("MASTER_ADDR"), port == 65535 ? port - 1 : port + 1);
}

std::string kubernetes_rendezvous(const Reading& in, const LaunchPlace&, const LaunchHints&) {
  in.fail("Kubernetes does not say where index 0 is: add --rendezvous tcp:JOB-0.SERVICE:PORT");
}

std::string slurm_only_rendezvous(const Reading& in, const LaunchPlace&, const LaunchHints&) {
  return slurm_rendezvous(in);
}

// The innermost comes first: mpirun and torchrun are often started by Slurm or Kubernetes.
const std::vector<Launcher>& launchers() {
  static const std::vector<Launcher> all = {
      {"Open MPI",
       open_mpi_here,
       "OMPI_COMM_WORLD_RANK",
       "OMPI_COMM_WORLD_SIZE",
       {"OMPI_COMM_WORLD_LOCAL_RANK"},
       open_mpi_rendezvous},
      {"PMI",
       pmi_here,
       "PMI_RANK",
       "PMI_SIZE",
       {"MPI_LOCALRANKID", "PMI_LOCAL_RANK", "SLURM_LOCALID"},
       pmi_rendezvous},
      {"torchrun", torchrun_here, "RANK", "WORLD_SIZE", {"LOCAL_RANK"}, torchrun_rendezvous},
      {"Slurm",
       slurm_here,
       "SLURM_PROCID",
       "SLURM_NTASKS",
       {"SLURM_LOCALID"},
       slurm_only_rendezvous},
      {"Kubernetes", kubernetes_here, "JOB_COMPLETION_INDEX", nullptr, {}, kubernetes_rendezvous},
  };
  return all;
}

// Rank, size and local rank; the address comes later.
LaunchPlace numbers_of(const Launcher& launcher, const Reading& in, const LaunchHints& hints) {
  LaunchPlace place{.launcher = launcher.name};
  place.rank = in.number(launcher.rank);
  if (launcher.size) {
    const bool step =
        std::string(launcher.size) == "SLURM_NTASKS" && in.has("SLURM_STEP_NUM_TASKS");
    place.size = in.number(step ? "SLURM_STEP_NUM_TASKS" : launcher.size);
  } else if (hints.size) {
    place.size = *hints.size;
  } else {
    in.fail("nothing says how many nodes there are: add --nodes N");
  }
  for (const char* name : launcher.local_ranks) {
    if (!in.has(name)) continue;
    place.local_rank = in.number(name);
    break;
  }
  place.later = !launcher.size && place.rank >= place.size && place.rank < hints.most;
  if (place.rank >= place.size && !place.later) {
    in.fail("rank " + std::to_string(place.rank) + " does not exist among " +
            std::to_string(place.size) + ": ranks count from 0");
  }
  return place;
}

std::string told(const LaunchPlace& p) {
  return p.launcher + " says rank " + std::to_string(p.rank) + " of " + std::to_string(p.size);
}

// Each of these three starts the processes itself, so two of them cannot both be right.
bool starts_alone(const Launcher& launcher) {
  return launcher.present == open_mpi_here || launcher.present == pmi_here ||
         launcher.present == torchrun_here;
}

bool batch_script_without_srun(const Environment& e) {
  const auto kind = e.find("ENVIRONMENT");
  return kind != e.end() && kind->second == "BATCH" && !e.contains("SLURM_STEP_ID");
}

}  // namespace

std::optional<LaunchPlace> find_place(const Environment& environment, const LaunchHints& hints) {
  const Launcher* chosen = nullptr;
  LaunchPlace place;
  for (const Launcher& launcher : launchers()) {
    if (!launcher.present(environment)) continue;
    if (chosen && !(starts_alone(*chosen) && starts_alone(launcher))) continue;
    const LaunchPlace found = numbers_of(launcher, Reading(environment, launcher.name), hints);
    if (chosen && (found.rank != place.rank || found.size != place.size)) {
      throw UserError("two launchers contradict each other: " + told(place) + ", " + told(found) +
                      "; unset the variables of one");
    }
    if (!chosen) chosen = &launcher, place = found;
  }
  if (!chosen) return std::nullopt;
  const Reading in(environment, chosen->name);
  if (hints.size && *hints.size != place.size) {
    in.fail("it started " + std::to_string(place.size) + " and cluster.nodes is " +
            std::to_string(*hints.size) + ": make them the same");
  }
  if (place.size == 1 && !place.later) return place;
  if (chosen->present == slurm_here && batch_script_without_srun(environment)) {
    in.fail("the program runs in the batch script itself: write \"srun hemiola train ...\" there");
  }
  place.rendezvous =
      hints.rendezvous.empty() ? chosen->rendezvous(in, place, hints) : hints.rendezvous;
  return place;
}

std::string first_host(const std::string& node_list) {
  std::string host;
  bool skipping = false;  // the rest of a bracket after its first number
  bool bracket = false;
  for (char c : node_list) {
    if (c == '[') {
      bracket = true;
    } else if (c == ']') {
      bracket = skipping = false;
    } else if (bracket) {
      skipping = skipping || c == ',' || c == '-';
      if (!skipping) host += c;
    } else if (c == ',') {
      break;
    } else {
      host += c;
    }
  }
  if (host.empty() || bracket) {
    throw UserError("\"" + node_list + "\" is not a list of hosts as Slurm writes it");
  }
  return host;
}

}  // namespace hemiola
