// Who of a group has met whom in its rounds. Where half of a group is enough for a round, two
// halves may take turns for ever and never meet; a trade moves both alike and brings them no
// nearer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hemiola {

class GroupMeetings {
 public:
  explicit GroupMeetings(uint32_t members);

  // These members, by index, take part in a round.
  void met(std::span<const uint32_t> members);

  // They have all met, and others have met among themselves, of whom nobody is here: a round should
  // wait for somebody else. Never so for more than half of the members; and never because of one
  // who is merely slow, as he has met nobody without these.
  bool apart(std::span<const uint32_t> members) const;

 private:
  static constexpr uint32_t kLongest = 4;  // rounds for each member

  std::vector<uint32_t> circle_;  // by member: the first of those it has met, directly or not
  uint32_t rounds_ = 0;           // since all were forgotten
};

}  // namespace hemiola
