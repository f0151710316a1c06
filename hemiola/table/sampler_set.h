// The samplers of one worker, and what it has announced.
//
// Thread safety: belongs to one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hemiola/table/sampler.h"

namespace hemiola {

class SamplerSet {
 public:
  // Both are borrowed. Draws are a pure function of the sampling's seed, the worker, the index of
  // the sampler, the calls, and (where the rule asks) which rows are here.
  SamplerSet(const Sampling& sampling, WorkerId worker, SampledRows& rows);

  // From here on draws depend on `pass` too and, under rules that do not ask which rows are here,
  // on nothing from before: so a run that is begun again at a pass draws what it would have drawn.
  void begin_pass(uint32_t pass);

  // Announces n draws for clocks in [first, last); gives a ticket. Throws UserError when there is
  // no such sampler, or more than kOpenMax announcements wait to be drawn to their end.
  uint32_t prepare(uint32_t sampler, uint32_t n, Clock first, Clock last);

  // The next keys.size() draws of an announcement, which is forgotten with its last draw. Throws
  // UserError when fewer are left, and for a ticket that is not open.
  void draw(uint32_t ticket, std::span<Key> keys);

  // Announcements of which not all was drawn.
  size_t open() const { return slots_.size() - free_.size(); }

  static constexpr uint32_t kOpenMax = 1U << 20;

 private:
  // A ticket is a slot and how often the slot was used, so that an old ticket is not taken for
  // the one that has its slot now.
  struct Slot {
    Announcement announcement;
    uint32_t sampler = 0;
    uint32_t generation = 0;
  };

  uint64_t seed_of(uint32_t sampler, uint32_t pass) const;

  const Sampling& sampling_;
  const uint64_t seed_;
  SampledRows& rows_;
  std::vector<std::unique_ptr<Sampler>> samplers_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace hemiola
