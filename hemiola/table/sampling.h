// How draws from a distribution are turned into keys whose rows are at hand, and what each way
// preserves of the distribution.
//
//   independent   each draw is independent                          conforming
//   pool(U, G)    groups of G draws are fetched ahead and each is   bounded: marginals hold; a
//                 used U times, in U random orders                  draw is used at most U times
//   postponed     announced draws whose rows have not come yet are  long-term: all that was drawn
//                 used last of their announcement                   is used, in another order
//   local         drawn from the distribution restricted to rows    none; exact among the rows
//                 that are here                                     that are here
//
// Source of the levels: Renz-Wieland et al., "NuPS", SIGMOD 2022.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/core/distribution.h"

namespace hemiola {

struct SamplingRule {
  enum class Kind : uint8_t { independent, pool, postponed, local };

  Kind kind = Kind::independent;
  uint32_t reuse = 16;   // pool
  uint32_t group = 250;  // pool

  std::string name() const;            // as parse_sampling reads it
  std::string_view preserves() const;  // "conforming", "bounded", "long-term", "none"
};

// Reads "independent", "pool", "pool(U, G)", "postponed", "local"; throws UserError.
SamplingRule parse_sampling(std::string_view text);

// What a job draws from, and how. Distributions are immutable: all workers share them.
struct Sampling {
  struct Source {
    std::string name;
    TableId table;
    std::shared_ptr<const Distribution> distribution;
  };

  Sampling() = default;
  // Throws UserError for a sampler that cannot be.
  Sampling(const std::vector<SamplerSpec>& samplers, SamplingRule rule, uint64_t seed);

  std::vector<Source> sources;
  SamplingRule rule;
  uint64_t seed = 1;
};

}  // namespace hemiola
