// The settings of one node's cluster machine, with the defaults in place.
#pragma once

#include <cstdint>
#include <string>

#include "hemiola/cluster/agenda.h"
#include "hemiola/core/types.h"

namespace hemiola {

// What to do about a peer that is connected but silent: go on waiting and say so, end the job, or
// go on without it.
enum class OnSilence : uint8_t { wait, end, remove };

// Who keeps the view, so that it changes only by compare-and-swap: the leader itself, whose loss
// the job then does not survive, or a store outside of the nodes (the launcher's service, etcd).
enum class ViewKeeper : uint8_t { leader, store };

// Deliberate defects, so that tests can show that they would be noticed.
enum class ClusterSabotage : uint8_t {
  none,
  deals_again,         // the leader deals out again what was done before the view changed
  deputy_forgets,      // who would lead next does not keep what it is told
  leaves_at_once,      // a node that leaves hands nothing over
  deaf_until_it_leads  // what somebody asks of a leader that does not know it yet is lost
};

struct ClusterOptions {
  NodeId self{0};
  uint32_t nodes = 1;       // at the start
  uint32_t most_nodes = 0;  // NodeIds are below this; 0: below `nodes`
  uint32_t workers = 1;     // on this node
  std::string address;      // where the peers of this node reach it
  std::string rendezvous;   // where node 0 listens

  // Nodes work together only when both agree. The summary has one "key = value" a line and is
  // compared line by line, so that a refusal can name what differs; the hash covers all the rest.
  uint64_t job_hash = 0;
  std::string job_summary;

  // Tells two processes that claim the same rank apart, e.g. the process id. Not 0.
  uint64_t instance = 1;

  Duration join_timeout = seconds(60);
  Duration heartbeat = milliseconds(250);
  Duration silence_warn = seconds(3);     // say so after a peer was silent for this long
  Duration silence_repeat = seconds(10);  // and say it again this often
  OnSilence on_silence = OnSilence::wait;
  Duration silence_limit = seconds(30);  // with OnSilence::end; the longest with OnSilence::remove

  // The job goes on without nodes that are lost, and others may come.
  bool goes_on = false;
  uint32_t min_nodes = 1;
  ViewKeeper keeper = ViewKeeper::leader;
  // A node that has lost peers and cannot reach the keeper of views for so long ends.
  Duration lease = seconds(10);
  Duration link_patience = seconds(1);      // for a link between two nodes that do not lead
  Duration connect_patience = seconds(10);  // for one that was not made yet under this view
  uint32_t state_machines = 0;              // of this node, that tell StateReady

  Agenda agenda;  // what was done before the job was begun again

  Duration end_wait = seconds(1);   // how long nodes wait for each other when the job ends
  Duration say_wait = seconds(10);  // a worker that waits longer says for whom

  ClusterSabotage sabotage = ClusterSabotage::none;
};

inline uint32_t most_nodes(const ClusterOptions& o) {
  return o.most_nodes > 0 ? o.most_nodes : o.nodes;
}

// Throws UserError when the settings make no sense.
void validate(const ClusterOptions& options);

}  // namespace hemiola
