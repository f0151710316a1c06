#include "hemiola/table/sampler_ahead.h"

#include <algorithm>

namespace hemiola {

AheadSampler::AheadSampler(const SamplingRule& rule, TableId table,
                           const Distribution& distribution, uint64_t seed, SampledRows& rows)
    : postpones_(rule.kind == SamplingRule::Kind::postponed),
      table_(table),
      distribution_(distribution),
      rows_(rows),
      random_(seed) {}

void AheadSampler::prepare(Announcement& announcement, Clock first, Clock last) {
  announcement.keys.resize(announcement.left);
  for (Key& key : announcement.keys) key = distribution_.draw(random_);
  rows_.intend(table_, announcement.keys, first, last);
}

void AheadSampler::draw(Announcement& announcement, std::span<Key> keys) {
  if (!postpones_) {
    std::copy_n(announcement.keys.begin() + announcement.next, keys.size(), keys.begin());
    announcement.next += keys.size();
    return;
  }
  const size_t drawn = draw_those_here(announcement, keys);
  const size_t rest = keys.size() - drawn;
  std::copy_n(announcement.keys.begin() + announcement.used, rest, keys.begin() + drawn);
  announcement.used += rest;
}

// Returns how many; fewer than asked for when every key of the announcement was looked at. Those
// put off are kept in the front of its keys, where they overwrite only what was looked at.
size_t AheadSampler::draw_those_here(Announcement& announcement, std::span<Key> keys) {
  std::vector<Key>& drawn = announcement.keys;
  size_t filled = 0;
  while (filled < keys.size() && announcement.next < drawn.size()) {
    const size_t n = std::min({kBatch, keys.size() - filled, drawn.size() - announcement.next});
    const std::span<const Key> looked_at{drawn.data() + announcement.next, n};
    rows_.here(table_, looked_at, {here_.data(), n});
    for (size_t i = 0; i < n; ++i) {
      if (here_[i] != 0) {
        keys[filled++] = looked_at[i];
      } else {
        drawn[announcement.postponed++] = looked_at[i];
      }
    }
    announcement.next += n;
  }
  return filled;
}

}  // namespace hemiola
