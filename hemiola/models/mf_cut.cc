#include "hemiola/models/mf_cut.h"

#include "hemiola/core/random.h"

namespace hemiola {

MfCut::MfCut(const RatingSpans& ratings, uint32_t user_groups, uint32_t item_groups, uint64_t seed)
    : user_groups_(user_groups),
      item_groups_(item_groups),
      ratings_(ratings.size()),
      offset_(size_t{user_groups} * item_groups + 1) {
  const auto block_of = [&](size_t i) {
    return size_t{ratings.users[i] % user_groups} * item_groups + ratings.items[i] % item_groups;
  };
  for (size_t i = 0; i < ratings.size(); ++i) ++offset_[block_of(i) + 1];
  for (size_t b = 1; b < offset_.size(); ++b) offset_[b] += offset_[b - 1];

  std::vector<uint64_t> next(offset_.begin(), offset_.end() - 1);
  for (size_t i = 0; i < ratings.size(); ++i) {
    ratings_[next[block_of(i)]++] = {ratings.users[i] / user_groups, ratings.items[i] / item_groups,
                                     ratings.values[i]};
  }
  for (size_t b = 0; b + 1 < offset_.size(); ++b) {
    Random random(mix(seed, b));
    std::span<MfRating> part(ratings_.data() + offset_[b], offset_[b + 1] - offset_[b]);
    shuffle(part, random);
  }
}

}  // namespace hemiola
