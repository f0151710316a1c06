// Rules independent and postponed: keys are drawn when they are announced, and intended.
//
// Independent gives them in the order in which they were drawn. Postponed looks at each once: what
// is not here then is used when only such keys are left of the announcement. Either way all that
// was drawn is used, so that over whole announcements frequencies are those of the draws.
#pragma once

#include <array>

#include "hemiola/table/sampler.h"

namespace hemiola {

class AheadSampler final : public Sampler {
 public:
  AheadSampler(const SamplingRule& rule, TableId table, const Distribution& distribution,
               uint64_t seed, SampledRows& rows);

  void prepare(Announcement& announcement, Clock first, Clock last) override;
  void draw(Announcement& announcement, std::span<Key> keys) override;

 private:
  static constexpr size_t kBatch = 64;  // keys looked at in one go

  size_t draw_those_here(Announcement& announcement, std::span<Key> keys);

  const bool postpones_;
  const TableId table_;
  const Distribution& distribution_;
  SampledRows& rows_;
  Random random_;
  std::array<uint8_t, kBatch> here_{};
};

}  // namespace hemiola
