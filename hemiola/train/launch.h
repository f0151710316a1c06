// Starts the nodes of a job as processes of this machine, and sees to it that they all end.
#pragma once

#include <string>

#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"

namespace hemiola {

struct LaunchResult {
  // 0: as planned; 1: failed, and the reasons are said; 130: interrupted.
  int status = 0;
};

// Runs the job with job.cluster.nodes processes of `program` (called with "node" and the number
// of the file descriptor where its NodeOrder comes and its reason goes). REQUIRES: no other
// thread. Nothing is left behind: no process, no socket, no folder.
LaunchResult launch(const Job& job, const Flags& flags, const std::string& program);

// In a process that was started by launch(): reads the order, runs the node, reports how it
// ended. Returns the process's exit status.
int obey(int control_fd);

}  // namespace hemiola
