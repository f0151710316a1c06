// Sums over all workers, in order of worker, so that every node gets the same bits whatever the
// order in which the parts came.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/core/types.h"

namespace hemiola {

class Reducer {
 public:
  explicit Reducer(uint32_t workers) : workers_(workers) {}

  struct Result {
    std::optional<std::vector<double>> sum;  // when this was the round's last part
    std::string error;                       // not empty: the part makes no sense
  };
  // REQUIRES: worker < workers.
  Result add(WorkerId worker, uint32_t round, std::vector<double> values, Instant now);

  // The round that has waited longest for a part, and for whose.
  struct Waiting {
    uint32_t round = 0;
    Instant since;
    std::vector<WorkerId> missing;
  };
  std::optional<Waiting> waiting() const;

 private:
  struct Round {
    Instant since;  // the first part
    uint32_t have = 0;
    std::vector<std::optional<std::vector<double>>> parts;  // by worker
  };

  uint32_t workers_;
  std::map<uint32_t, Round> open_;  // rounds with some but not all parts
  std::vector<uint32_t> next_;      // by worker: the round its next part must be of
};

}  // namespace hemiola
