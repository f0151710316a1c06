#include "hemiola/table/sampler_local.h"

#include <algorithm>

namespace hemiola {
namespace {

constexpr uint64_t kUsesMin = 1024;  // of an index, where there are few keys
constexpr uint64_t kRejectedMin = 64;

}  // namespace

LocalSampler::LocalSampler(TableId table, const Distribution& distribution, uint64_t seed,
                           SampledRows& rows)
    : table_(table), distribution_(distribution), rows_(rows), random_(seed) {}

void LocalSampler::draw(Announcement&, std::span<Key> keys) {
  while (!keys.empty()) {
    const size_t n = way_ == Way::rejection ? draw_rejecting(keys)
                     : way_ == Way::index   ? draw_from_index(keys)
                                            : draw_anyway(keys);
    keys = keys.subspan(n);
  }
}

// An index costs as much as looking at every key, so it is built when rejecting has cost about
// that: together they never take more than twice what the better of them would have.
size_t LocalSampler::draw_rejecting(std::span<Key> keys) {
  const uint64_t guess = keys.size() * (share_.tried + 1) / (share_.accepted + 1);
  const size_t n = std::clamp<uint64_t>(guess, 1, kBatch);
  for (size_t i = 0; i < n; ++i) candidates_[i] = distribution_.draw(random_);
  const size_t drawn = keep_those_here(n, keys);
  const uint64_t enough = std::max<uint64_t>(kRejectedMin, distribution_.count() / 4);
  if (rejected_ >= enough && share_.below_one_in(kTries)) build_index();
  return drawn;
}

size_t LocalSampler::draw_from_index(std::span<Key> keys) {
  const size_t n = std::min(keys.size(), kBatch);
  for (size_t i = 0; i < n; ++i) candidates_[i] = index_keys_[index_->draw(random_).value];
  const size_t drawn = keep_those_here(n, keys);
  index_uses_ -= std::min<uint64_t>(index_uses_, n);
  const uint64_t too_many = std::max<uint64_t>(kRejectedMin, distribution_.count() / 8);
  if (index_uses_ == 0 || rejected_ >= too_many) build_index();
  return drawn;
}

size_t LocalSampler::draw_anyway(std::span<Key> keys) {
  const size_t n = std::min(keys.size(), kBatch);
  for (Key& key : keys.first(n)) key = distribution_.draw(random_);
  rows_.here(table_, keys.first(n), std::span(here_).first(n));
  index_uses_ -= std::min<uint64_t>(index_uses_, n);
  if (std::find(here_.begin(), here_.begin() + n, 1) != here_.begin() + n) {
    way_ = Way::rejection;
  } else if (index_uses_ == 0) {
    build_index();
  }
  return n;
}

// Moves candidates whose rows are here to `keys`, as many as fit; counts them all.
size_t LocalSampler::keep_those_here(size_t tried, std::span<Key> keys) {
  rows_.here(table_, std::span(candidates_).first(tried), std::span(here_).first(tried));
  size_t kept = 0, accepted = 0;
  for (size_t i = 0; i < tried; ++i) {
    if (kept < keys.size()) keys[kept] = candidates_[i];
    const size_t is_here = here_[i];
    accepted += is_here;
    kept += is_here & static_cast<size_t>(kept < keys.size());
  }
  share_.add(tried, accepted);
  rejected_ += tried - accepted;
  return kept;
}

void LocalSampler::build_index() {
  ++builds_;
  share_ = {};
  rejected_ = 0;
  index_uses_ = std::max<uint64_t>(kUsesMin, distribution_.count() / 2);
  index_keys_.clear();
  const auto weights = std::make_shared<std::vector<float>>();
  double mass = 0;
  const uint32_t first = distribution_.first().value, end = first + distribution_.count();
  for (uint32_t key = first; key < end;) {
    const size_t n = std::min<size_t>(kBatch, end - key);
    for (size_t i = 0; i < n; ++i) candidates_[i] = Key{key++};
    rows_.here(table_, std::span(candidates_).first(n), std::span(here_).first(n));
    for (size_t i = 0; i < n; ++i) {
      const double p = here_[i] != 0 ? distribution_.probability(candidates_[i]) : 0;
      if (p <= 0) continue;
      mass += p;
      index_keys_.push_back(candidates_[i]);
      weights->push_back(static_cast<float>(p));
    }
  }
  way_ = mass <= 0 ? Way::nothing_here : mass * kTries > 2.0 ? Way::rejection : Way::index;
  if (way_ != Way::index) return index_.reset();
  const auto count = static_cast<uint32_t>(index_keys_.size());
  const bool even = distribution_.uniform();
  index_.emplace(SamplerSpec{"local", table_, Key{0}, count, even ? nullptr : weights});
}

void LocalSampler::Share::add(uint64_t t, uint64_t a) {
  tried += t;
  accepted += a;
  if (tried < kWindow) return;
  tried /= 2;
  accepted /= 2;
}

bool LocalSampler::Share::below_one_in(uint64_t n) const {
  return tried >= kWindow / 4 && accepted * n < tried;
}

}  // namespace hemiola
