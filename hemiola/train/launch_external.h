// A node whose process was started by Slurm, mpirun, torchrun or Kubernetes: where it listens and
// what it must know to join the others.
#pragma once

#include <string>

#include "hemiola/cluster/rendezvous.h"
#include "hemiola/train/options.h"
#include "hemiola/train/run_node.h"

namespace hemiola {

// The secret is what stands in cluster.secret_file, which only its owner may read. Without that
// file a job may only use the loopback interface; its nodes are then told apart by their settings.
// Throws UserError.
NodePlace external_place(const LaunchPlace& launched, const Job& job);

}  // namespace hemiola
