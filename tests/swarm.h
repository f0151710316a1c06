// Whole jobs in the simulator whose nodes die, come again, freeze and lose each other, drawn from a
// seed: which scheme, how many nodes, what goes wrong and when. Each is watched for what a run
// promises whatever happens to it (swarm_watch.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hemiola/cluster/options.h"
#include "hemiola/sim/faults.h"
#include "hemiola/train/options.h"
#include "hemiola/train/task_factory.h"

namespace hemiola::swarm {

struct Trial {
  uint64_t seed = 1;
  std::string model = "mf";  // or "linear"
  std::string scheme = "bsp";
  std::string placement = "static";
  uint32_t copies = 1;
  uint32_t nodes = 3;
  uint32_t workers = 1;  // on each node
  // Those that kill are carried out only while another node holds the job's state.
  std::vector<sim::Fault> faults;
  Duration back_after = seconds(1);  // a node that died or was taken out begins again, within
                                     // twice as much; 0: it stays away
  Duration patience = seconds(120);  // behind the last fault the job is over within so much
  ClusterSabotage sabotage = ClusterSabotage::none;
  bool aloud = false;   // says on standard output what the nodes say,
  bool traced = false;  // and on standard error each event
};

Trial random_trial(uint64_t seed);
std::string to_string(const Trial& trial);

struct Outcome {
  std::string wrong;  // empty: all promises were kept
  bool lost = false;  // all nodes that held the job's state were gone at once, which ends a job
  double loss = 0;    // of the last epoch
  uint64_t views = 0;
  uint64_t events = 0;
  double hours = 0;                             // simulated
  std::map<sim::Fault::Kind, uint64_t> faults;  // that were carried out
  uint64_t fenced = 0;                          // nodes that were taken out while they lived
};

// Holds what trials have in common, so that data are made once.
class Yard {
 public:
  Outcome run(const Trial& trial);
  // Of the last epoch, when nothing goes wrong.
  double calm_loss(const Trial& trial);

 private:
  struct Entry {
    Job job;
    std::unique_ptr<LoadedTask> task;
  };
  Entry& entry(const Trial& trial);

  std::map<std::string, Entry> entries_;
  std::map<std::string, double> calm_;
};

}  // namespace hemiola::swarm
