// Whole jobs in the simulator whose nodes die, come again, freeze and lose each other, drawn from a
// seed: which scheme, how many nodes, what goes wrong and when. Each is watched for what a run
// promises whatever happens to it (swarm_watch.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "hemiola/sim/faults.h"
#include "hemiola/table/machine.h"
#include "hemiola/train/options.h"
#include "hemiola/train/task_factory.h"
#include "tests/swarm_trial.h"

namespace hemiola::swarm {

struct Outcome {
  std::string wrong;      // empty: all promises were kept
  bool lost = false;      // all nodes that held the job's state were gone at once, which ends a job
  double first_loss = 0;  // of the first epoch
  double loss = 0;        // of the last one
  uint64_t rows_lost = 0;               // that went back to their initial values
  uint64_t rows_counted = 0;            // that were compared with the ledger of a job that counts
  TableMachine::Remembered remembered;  // of any node, at most; of a job that counts
  uint64_t views = 0;
  uint64_t events = 0;
  double hours = 0;                             // simulated
  std::map<sim::Fault::Kind, uint64_t> faults;  // that were carried out
  uint64_t fenced = 0;                          // nodes that were taken out while they lived
  uint64_t left = 0;                            // nodes that left as they were asked to
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
