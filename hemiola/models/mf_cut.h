// Ratings cut into a grid of blocks: groups of users times groups of items.
//
// Blocks that share neither group share no row. A group holds the rows whose number leaves the
// same remainder, so rows that are near in number (and often in popularity) spread over groups,
// and the key of a row follows from its number within the group.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hemiola/models/mf_kernels.h"

namespace hemiola {

// Entry i of the three spans is one rating.
struct RatingSpans {
  std::span<const uint32_t> users;
  std::span<const uint32_t> items;
  std::span<const float> values;

  size_t size() const { return values.size(); }
};

class MfCut {
 public:
  MfCut() = default;
  // Ratings of a block are put into an order that depends on the seed.
  MfCut(const RatingSpans& ratings, uint32_t user_groups, uint32_t item_groups, uint64_t seed);

  uint32_t user_groups() const { return user_groups_; }
  uint32_t item_groups() const { return item_groups_; }
  uint32_t blocks() const { return user_groups_ * item_groups_; }
  uint32_t user_group(uint32_t block) const { return block / item_groups_; }
  uint32_t item_group(uint32_t block) const { return block % item_groups_; }

  // User and item are numbers within their groups: number * groups + group is the id.
  std::span<const MfRating> block(uint32_t block) const {
    return std::span(ratings_).subspan(offset_[block], offset_[block + 1] - offset_[block]);
  }

 private:
  uint32_t user_groups_ = 0;
  uint32_t item_groups_ = 0;
  std::vector<MfRating> ratings_;  // block after block
  std::vector<uint64_t> offset_;   // where each block begins, and the end
};

}  // namespace hemiola
