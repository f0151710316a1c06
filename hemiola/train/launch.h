// Starts the nodes of a job as processes of this machine, or of others over ssh, and sees to it
// that they all end. While the job runs nodes may come and go as its user asks for (launch_desk.h).
#pragma once

#include <string>
#include <vector>

#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"

namespace hemiola {

struct LaunchResult {
  // 0: as planned; 1: failed, and the reasons are said; 130: interrupted.
  int status = 0;
};

struct LaunchOptions {
  // Called with "node" and the number of the file descriptor where its NodeOrder comes and its
  // reason goes; over ssh it must be there on all hosts.
  std::string program;
  std::vector<std::string> hosts;  // of the nodes, in turn; empty: all on this machine
  std::string ssh = "ssh -o BatchMode=yes";
};

// Runs the job with job.cluster.nodes processes. REQUIRES: no other thread. Nothing is left behind:
// no process, no socket, no folder.
LaunchResult launch(const Job& job, const Flags& flags, const LaunchOptions& options);

// In a process that was started by launch(): reads the order, runs the node, reports how it
// ended. Returns the process's exit status.
int obey(int control_fd);

}  // namespace hemiola
