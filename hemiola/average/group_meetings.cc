#include "hemiola/average/group_meetings.h"

#include <algorithm>
#include <numeric>

namespace hemiola {

GroupMeetings::GroupMeetings(uint32_t members) : circle_(members) {
  std::iota(circle_.begin(), circle_.end(), 0u);
}

// Forgotten when all have met, so that it is asked for again; and some time after, lest one who is
// silent lets the others part.
void GroupMeetings::met(std::span<const uint32_t> members) {
  uint32_t first = circle_[members[0]];
  for (const uint32_t m : members) first = std::min(first, circle_[m]);
  for (const uint32_t m : members) {
    const uint32_t old = circle_[m];
    std::replace(circle_.begin(), circle_.end(), old, first);
  }
  const bool all = std::all_of(circle_.begin(), circle_.end(), [](uint32_t c) { return c == 0; });
  if (!all && ++rounds_ < kLongest * circle_.size()) return;
  rounds_ = 0;
  std::iota(circle_.begin(), circle_.end(), 0u);
}

bool GroupMeetings::apart(std::span<const uint32_t> members) const {
  if (members.empty()) return false;
  const uint32_t own = circle_[members[0]];
  for (const uint32_t m : members) {
    if (circle_[m] != own) return false;
  }
  std::vector<uint32_t> sizes(circle_.size());
  for (const uint32_t c : circle_) ++sizes[c];
  for (uint32_t c = 0; c < sizes.size(); ++c) {
    if (c != own && sizes[c] > 1) return true;
  }
  return false;
}

}  // namespace hemiola
