// Where a node stands in its job, as told by whoever launched it.
//
// Known launchers: Slurm's srun, Open MPI's mpirun, PMI (MPICH, Intel MPI), torchrun, and
// indexed jobs of Kubernetes. Pure: the environment comes in as a map.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace hemiola {

using Environment = std::map<std::string, std::string>;

struct LaunchPlace {
  std::string launcher;  // for people
  uint32_t rank = 0;
  uint32_t size = 1;
  uint32_t local_rank = 0;  // among the nodes on this host
  std::string rendezvous;   // "tcp:host:port" of rank 0; empty when size is 1
  bool later = false;       // beside the `size` that begin: it joins a job that runs
};

// What the user said beside; it fills in what a launcher does not tell, and must not contradict.
struct LaunchHints {
  std::optional<uint32_t> size;  // cluster.nodes
  std::string rendezvous;        // overrules the launcher's
  uint16_t port = 29400;         // where no launcher and no job number gives one
  uint32_t most = 0;             // cluster.max_nodes: ranks below it may come later
};

// The launcher's word, or nothing when no launcher is recognised. Throws UserError, one sentence,
// when pieces are missing, malformed or contradict each other.
std::optional<LaunchPlace> find_place(const Environment& environment, const LaunchHints& hints);

// The first host of a Slurm node list: "n[3-5,9],m1" → "n3". Throws UserError.
std::string first_host(const std::string& node_list);

}  // namespace hemiola
