#include "hemiola/models/kge_rows.h"

#include "hemiola/core/random.h"

namespace hemiola {

void KgeRows::clear() {
  ++round_;
  keys_.clear();
  uses_.clear();
}

uint32_t KgeRows::slot(Key key) {
  if (2 * keys_.size() >= places_.size()) grow();
  const size_t mask = places_.size() - 1;
  for (size_t p = mix(key.value) & mask;; p = (p + 1) & mask) {
    Place& place = places_[p];
    if (place.round != round_) {
      place = {key.value, static_cast<uint32_t>(keys_.size()), round_};
      keys_.push_back(key);
      uses_.push_back(0);
      return place.slot;
    }
    if (place.key == key.value) return place.slot;
  }
}

void KgeRows::grow() {
  places_.assign(4 * places_.size(), {});
  const size_t mask = places_.size() - 1;
  for (uint32_t s = 0; s < keys_.size(); ++s) {
    size_t p = mix(keys_[s].value) & mask;
    while (places_[p].round == round_) p = (p + 1) & mask;
    places_[p] = {keys_[s].value, s, round_};
  }
}

void KgeRows::fetch(Parameters& params, Access access) {
  rows_.resize(keys_.size());
  kge_fetch(table_, keys_, access, params, rows_);
}

void kge_fetch(TableId table, std::span<const Key> keys, Access access, Parameters& params,
               std::span<float*> out) {
  if (const auto direct = params.direct(table)) {
    for (size_t i = 0; i < keys.size(); ++i) {
      out[i] = direct->base + size_t{keys[i].value} * direct->stride;
    }
  } else {
    params.rows(table, keys, access, out);
  }
}

}  // namespace hemiola
