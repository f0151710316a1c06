#include "hemiola/models/linear_fetch.h"

#include <algorithm>
#include <bit>

namespace hemiola {

void LinearFetch::find(const SparseSpans& data, std::span<const uint32_t> examples) {
  found_.clear();
  found_starts_.clear();
  keys_.clear();
  size_t entries = 0;
  for (const uint32_t e : examples) entries += data.offset[e + 1] - data.offset[e];
  const auto bits = static_cast<uint32_t>(std::bit_width(2 * entries + 16));
  slots_.assign(size_t{1} << bits, {});
  shift_ = 64 - bits;
  found_.reserve(entries);
  for (const uint32_t e : examples) {
    found_starts_.push_back(static_cast<uint32_t>(found_.size()));
    for (uint64_t i = data.offset[e]; i < data.offset[e + 1]; ++i) {
      found_.push_back(place_of(data.index[i]));
    }
  }
  keys_.push_back(bias_);
}

uint32_t LinearFetch::place_of(uint32_t key) {
  const size_t mask = slots_.size() - 1;
  for (size_t s = key * 0x9e3779b97f4a7c15ULL >> shift_;; s = (s + 1) & mask) {
    Slot& slot = slots_[s];
    if (slot.key_plus_1 == key + 1) return slot.place;
    if (slot.key_plus_1 != 0) continue;
    slot = {key + 1, static_cast<uint32_t>(keys_.size())};
    keys_.push_back(Key{key});
    return slot.place;
  }
}

void LinearFetch::fetch(Parameters& params, Access access) {
  std::swap(places_, found_);
  std::swap(starts_, found_starts_);
  rows_.resize(keys_.size());
  params.rows(table_, keys_, access, rows_);
}

}  // namespace hemiola
