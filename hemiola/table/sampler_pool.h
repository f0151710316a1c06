// Rule pool(U, G): a group of G draws is used U times, each time in another random order; then
// the next group is drawn.
//
// Uses follow one another in a ring of the worker's own, of which each announcement takes the next
// n: a use belongs to one announcement and is intended for its clocks. So the ring is always as
// far ahead as announcements are, and nobody waits for it.
#pragma once

#include "hemiola/table/sampler.h"

namespace hemiola {

class PoolSampler final : public Sampler {
 public:
  PoolSampler(const SamplingRule& rule, TableId table, const Distribution& distribution,
              uint64_t seed, SampledRows& rows);

  void prepare(Announcement& announcement, Clock first, Clock last) override;
  void draw(Announcement& announcement, std::span<Key> keys) override;

 private:
  void take(std::span<Key> keys);
  void begin_order();

  const uint32_t reuse_;
  const TableId table_;
  const Distribution& distribution_;
  SampledRows& rows_;
  const bool all_here_;
  Random random_;
  std::vector<Key> group_;  // in the present order
  size_t at_;               // the next of the group
  uint32_t order_;          // 1 .. reuse_
};

}  // namespace hemiola
