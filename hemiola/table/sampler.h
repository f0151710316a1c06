// One worker's way of drawing from one distribution, under one of the rules of sampling.h.
//
// Thread safety: a Sampler belongs to one worker; it has a Random of its own, so that the draws of
// two workers have nothing to do with each other.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hemiola/core/distribution.h"
#include "hemiola/core/types.h"
#include "hemiola/table/sampling.h"

namespace hemiola {

// What a sampler knows of the rows whose keys it draws; a Client is one.
class SampledRows {
 public:
  virtual ~SampledRows() = default;

  // Every row of the table is here and stays here.
  virtual bool all_here(TableId table) const = 0;

  // out[i]: whether the row of keys[i] would be reached without waiting, 0 or 1.
  virtual void here(TableId table, std::span<const Key> keys, std::span<uint8_t> out) const = 0;

  // The rows will be wanted while the clock is in [first, last). Keys may repeat.
  virtual void intend(TableId table, std::span<const Key> keys, Clock first, Clock last) = 0;
};

// Draws that were announced, and of them what is already chosen. Its memory may be used again.
struct Announcement {
  uint32_t left = 0;      // still to be drawn
  std::vector<Key> keys;  // chosen ahead; of rules that choose when drawn: empty
  size_t next = 0;        // the first of `keys` that was not looked at
  size_t postponed = 0;   // keys[0 .. postponed) were looked at and put off
  size_t used = 0;        // of the postponed
};

class Sampler {
 public:
  virtual ~Sampler() = default;

  // REQUIRES: but for `left` the announcement is empty.
  virtual void prepare(Announcement& announcement, Clock first, Clock last) = 0;

  // The next keys of the announcement. REQUIRES: keys.size() <= announcement.left, which is the
  // caller's to count.
  virtual void draw(Announcement& announcement, std::span<Key> keys) = 0;
};

// `distribution` and `rows` are borrowed. The seed is the worker's and the sampler's own.
std::unique_ptr<Sampler> make_sampler(const SamplingRule& rule, TableId table,
                                      const Distribution& distribution, uint64_t seed,
                                      SampledRows& rows);

}  // namespace hemiola
