// A distribution over the keys of a table, for draws such as negative samples.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/types.h"

namespace hemiola {

// The keys first .. first + count - 1, each as often as its weight says; no weights: all alike.
// Weights are shared, not copied: they may be as many as there are keys.
struct SamplerSpec {
  std::string name;
  TableId table;
  Key first;
  uint32_t count = 0;
  std::shared_ptr<const std::vector<float>> weights;  // by key - first; nullptr: uniform
};

// Draws in constant time (Walker 1977, Vose 1991). 8 bytes per key with weights, none without.
//
// Thread safety: immutable; each caller brings its own Random.
class Distribution {
 public:
  // Throws UserError when there is nothing to draw, or a weight is negative or not finite.
  explicit Distribution(const SamplerSpec& spec);

  Key draw(Random& random) const {
    const uint64_t bits = random();
    const auto place = static_cast<uint32_t>((bits >> 32) * count_ >> 32);
    if (slots_.empty()) return Key{first_ + place};
    // Which of the two it is cannot be foreseen: a mask costs less than a wrong guess.
    const Slot slot = slots_[place];
    const uint32_t is_other = -uint32_t{static_cast<uint32_t>(bits) >= slot.keep};
    return Key{first_ + (place ^ ((place ^ slot.other) & is_other))};
  }

  double probability(Key key) const;
  uint32_t count() const { return count_; }
  Key first() const { return Key{first_}; }
  bool uniform() const { return slots_.empty(); }

 private:
  struct Slot {
    uint32_t keep = UINT32_MAX;  // of 2^32: how often the place itself is meant
    uint32_t other = 0;
  };

  uint32_t first_;
  uint32_t count_;
  double total_ = 0;
  std::shared_ptr<const std::vector<float>> weights_;
  std::vector<Slot> slots_;
};

}  // namespace hemiola
