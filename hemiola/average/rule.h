// The schemes of averaging: who averages with whom, when, and who waits for whom.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hemiola {

struct AverageRule {
  enum class Kind : uint8_t {
    allreduce,  // the exact mean of all, after every step
    local,      // the same after every `every` steps
    outer,      // the same, and an outer optimiser goes along the mean of the changes (DiLoCo)
    groups,     // groups of `members` take their mean when `enough` of them are ready; groups
                // trade with each other when they like (Yan and Shao 2015)
    gossip,     // pairs, whenever a step ends (AD-PSGD, Lian et al. 2018)
    pushsum,    // shares sent along a directed graph, with their mass (SGP, Assran et al. 2019)
    consensus,  // the weighted mean of all neighbours (D-PSGD, Lian et al. 2017)
    backup,     // of those neighbours who are ready in time (cb-DyBW, Xiong et al. 2021)
  };

  Kind kind = Kind::allreduce;
  uint32_t every = 1;    // local, outer, gossip: steps between two averages
  uint32_t members = 4;  // groups
  uint32_t enough = 4;   // groups
  uint32_t late = 4;     // pushsum: how many steps a message may be behind
  bool search = false;   // backup: edges are found on line instead of taken from a tree

  std::string name() const;  // "allreduce", "local(8)", "groups(4, 3)", "backup(search)", ...
  friend bool operator==(const AverageRule&, const AverageRule&) = default;
};

// Whether this is one of these schemes by its first word; else it is one for tables.
bool names_average(std::string_view scheme);

// Throws UserError that lists the schemes and says what is wrong.
AverageRule parse_average(std::string_view text);

}  // namespace hemiola
