// What one job of the swarm is and what is to happen to it, drawn from a seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/options.h"
#include "hemiola/cluster/options.h"
#include "hemiola/sim/faults.h"
#include "hemiola/table/options.h"
#include "hemiola/train/options.h"

namespace hemiola::swarm {

struct Trial {
  uint64_t seed = 1;
  std::string model = "mf";  // or "linear", "counts" (swarm_count.h)
  std::string scheme = "bsp";
  std::string placement = "static";  // of tables
  std::string topology;              // of averages; empty: what suits the scheme
  uint32_t gap = 0;                  // of averages: steps between two workers; 0: any
  std::string compress = "none";
  uint32_t copies = 1;
  uint32_t nodes = 3;
  uint32_t newcomers = 0;  // nodes behind these, which come by a restart among the faults
  uint32_t workers = 1;    // on each node
  uint32_t epochs = 3;
  // Those that kill are carried out only while another node holds the job's state.
  std::vector<sim::Fault> faults;
  // How many faults are still to come at moments when a view changes, when most is in motion: kills
  // of any node, freezes, lost links.
  uint32_t ambushes = 0;
  // Then all nodes die within a moment, and come again. Some time after, the keeper forgets the
  // view of the dead, and the job begins anew.
  std::optional<Instant> all_die;
  uint32_t throwing_node = 0;        // whose workers fail at
  uint64_t throwing_step = 0;        // this step; 0: they do not
  Duration back_after = seconds(1);  // a node that died or was taken out begins again, within
                                     // twice as much; 0: it stays away
  Duration patience = seconds(90);   // behind the last fault the job is over within so much
  ClusterSabotage sabotage = ClusterSabotage::none;
  bool keeper_takes_all = false;  // whatever view it holds, which a keeper must not do
  bool aloud = false;             // says on standard output what the nodes say,
  bool traced = false;            // and on standard error each event

  // Nothing is to happen to it.
  void be_calm();

  bool counts() const { return model == "counts"; }
  bool averages() const;  // its scheme has replicas, not tables
};

// Each fifth counts.
Trial random_trial(uint64_t seed);
// One that counts, with two copies of each row, whose nodes die one after another, each when the
// loss of the last one has been made good.
Trial counting_trial(uint64_t seed);
std::string to_string(const Trial& trial);
Job job_of(const Trial& trial);

}  // namespace hemiola::swarm
