#include "hemiola/table/sampler_pool.h"

#include <algorithm>

#include "hemiola/core/check.h"

namespace hemiola {

PoolSampler::PoolSampler(const SamplingRule& rule, TableId table, const Distribution& distribution,
                         uint64_t seed, SampledRows& rows)
    : reuse_(rule.reuse),
      table_(table),
      distribution_(distribution),
      rows_(rows),
      all_here_(rows.all_here(table)),
      random_(seed),
      group_(rule.group),
      at_(group_.size()),
      order_(reuse_) {
  HEMIOLA_CHECK(rule.reuse > 0 && rule.group > 0);
}

// Where nothing is ever fetched nothing is gained by choosing ahead.
void PoolSampler::prepare(Announcement& announcement, Clock first, Clock last) {
  if (all_here_) return;
  announcement.keys.resize(announcement.left);
  take(announcement.keys);
  rows_.intend(table_, announcement.keys, first, last);
}

void PoolSampler::draw(Announcement& announcement, std::span<Key> keys) {
  if (all_here_) {
    take(keys);
    return;
  }
  std::copy_n(announcement.keys.begin() + announcement.next, keys.size(), keys.begin());
  announcement.next += keys.size();
}

void PoolSampler::take(std::span<Key> keys) {
  while (!keys.empty()) {
    if (at_ == group_.size()) begin_order();
    const size_t n = std::min(keys.size(), group_.size() - at_);
    std::copy_n(group_.begin() + at_, n, keys.begin());
    at_ += n;
    keys = keys.subspan(n);
  }
}

void PoolSampler::begin_order() {
  at_ = 0;
  if (order_ < reuse_) {
    ++order_;
    shuffle(group_, random_);
    return;
  }
  order_ = 1;
  for (Key& key : group_) key = distribution_.draw(random_);
}

}  // namespace hemiola
