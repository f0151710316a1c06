#include "hemiola/table/sampler_set.h"

#include <string>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr uint32_t kSlotBits = 20;
constexpr uint32_t kSlotMask = (1U << kSlotBits) - 1;
constexpr uint32_t kGenerations = 1U << (32 - kSlotBits);
static_assert(SamplerSet::kOpenMax == kSlotMask + 1);

constexpr uint64_t kPurpose = 0x73616d706c657273;  // seeds of samplers are nobody else's

std::string draws(size_t n) { return std::to_string(n) + (n == 1 ? " draw" : " draws"); }

}  // namespace

SamplerSet::SamplerSet(const Sampling& sampling, WorkerId worker, SampledRows& rows)
    : sampling_(sampling), seed_(mix(sampling.seed, kPurpose, worker.value)), rows_(rows) {
  for (uint32_t i = 0; i < sampling.sources.size(); ++i) {
    const Sampling::Source& source = sampling.sources[i];
    samplers_.push_back(
        make_sampler(sampling.rule, source.table, *source.distribution, seed_of(i, 0), rows));
  }
}

uint64_t SamplerSet::seed_of(uint32_t sampler, uint32_t pass) const {
  const uint64_t seed = mix(seed_, sampler);
  return pass == 0 ? seed : mix(seed, pass);
}

// A sampler that goes by what is here may have learnt it at some cost, and cannot repeat itself
// anyway. Announcements hold what was drawn for them, so they outlive their sampler.
void SamplerSet::begin_pass(uint32_t pass) {
  using Kind = SamplingRule::Kind;
  const SamplingRule& rule = sampling_.rule;
  for (uint32_t i = 0; i < samplers_.size() && pass > 0; ++i) {
    const Sampling::Source& source = sampling_.sources[i];
    const bool asks = rule.kind == Kind::local || rule.kind == Kind::postponed;
    if (asks && !rows_.all_here(source.table)) continue;
    samplers_[i] = make_sampler(rule, source.table, *source.distribution, seed_of(i, pass), rows_);
  }
}

uint32_t SamplerSet::prepare(uint32_t sampler, uint32_t n, Clock first, Clock last) {
  if (sampler >= samplers_.size()) {
    throw UserError("there is no sampler number " + std::to_string(sampler) + ": this job has " +
                    std::to_string(samplers_.size()));
  }
  if (free_.empty()) {
    if (slots_.size() == kOpenMax) {
      throw UserError("more than " + std::to_string(kOpenMax) +
                      " announcements of samples are open: draw each to its end");
    }
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t place = free_.back();
  Slot& slot = slots_[place];
  slot.generation = slot.generation % (kGenerations - 1) + 1;
  const uint32_t ticket = slot.generation << kSlotBits | place;
  if (n == 0) return ticket;
  free_.pop_back();
  slot.sampler = sampler;
  slot.announcement.left = n;
  samplers_[sampler]->prepare(slot.announcement, first, last);
  return ticket;
}

void SamplerSet::draw(uint32_t ticket, std::span<Key> keys) {
  if (keys.empty()) return;
  const uint32_t place = ticket & kSlotMask;
  const bool known = place < slots_.size() && slots_[place].generation == ticket >> kSlotBits;
  const uint32_t left = known ? slots_[place].announcement.left : 0;
  if (left < keys.size()) {
    throw UserError("a sample of " + draws(keys.size()) + " from an announcement that has " +
                    (left == 0 ? "none" : draws(left)) +
                    " left: announce with prepare_sample() as many as will be drawn");
  }
  Slot& slot = slots_[place];
  samplers_[slot.sampler]->draw(slot.announcement, keys);
  slot.announcement.left -= static_cast<uint32_t>(keys.size());
  if (slot.announcement.left != 0) return;
  slot.announcement.keys.clear();
  slot.announcement.next = slot.announcement.postponed = slot.announcement.used = 0;
  free_.push_back(place);
}

}  // namespace hemiola
