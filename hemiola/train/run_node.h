// One node of a job for real: loads the data, runs the machines and workers, writes the result.
#pragma once

#include <string>

#include "hemiola/core/machine.h"
#include "hemiola/net/leave_requests.h"
#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"
#include "hemiola/train/progress.h"

namespace hemiola {

// Where this process stands in the job.
struct NodePlace {
  NodeId self;
  std::string listen;        // "unix:/path", "tcp:host:port"; empty: the only node
  std::string host;          // by which others reach it, when `listen` does not say so
  std::string rendezvous;    // where node 0 listens
  std::string secret;        // what the nodes of the job know and nobody else
  std::string views;         // the launcher's keeper of views; empty: etcd, or the leader
  bool comes_later = false;  // the job has begun
  uint64_t instance = 0;     // the process, as it stands in views; 0: it draws a number itself
};

// How many nodes there are is said by the job. `requests` are told to the node while it runs.
// Returns how the job ended; throws UserError for what goes wrong before the node has joined.
JobOver run_node(const Job& job, const Flags& flags, const NodePlace& place, Progress& progress,
                 net::LeaveRequests* requests = nullptr);

// The job survives nodes that are lost.
bool goes_on(const Job& job);
// etcd keeps its view, and not the launcher.
bool in_etcd(const Job& job);
// At a time, those that join later among them.
uint32_t most_nodes(const Job& job);

// What nodes must agree on, one "key = value" a line.
std::string agreement_text(const Job& job);

}  // namespace hemiola
