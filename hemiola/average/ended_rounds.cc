#include "hemiola/average/ended_rounds.h"

#include <algorithm>

namespace hemiola {

EndedRounds::EndedRounds(const Graph& tree, uint32_t worker) {
  for (const uint32_t other : tree.near[worker]) sides_.push_back({.other = other});
}

void EndedRounds::reached(uint32_t round) {
  round_ = round;
  answer();
}

void EndedRounds::ask(uint32_t round) {
  for (Side& side : sides_) {
    if (std::max(side.asked, side.ended) >= round) continue;
    side.asked = round;
    notes_.push_back({side.other, Kind::ask_ended, round, 0});
  }
}

bool EndedRounds::all(uint32_t round) const {
  return round_ >= round &&
         std::all_of(sides_.begin(), sides_.end(), [&](const Side& s) { return s.ended >= round; });
}

bool EndedRounds::on_note(uint32_t from, Kind kind, uint32_t round) {
  const auto side =
      std::find_if(sides_.begin(), sides_.end(), [&](const Side& s) { return s.other == from; });
  if (side == sides_.end()) return false;
  if (kind == Kind::ask_ended) {
    side->wanted = std::max(side->wanted, round);
  } else {
    side->ended = std::max(side->ended, round);
  }
  answer();
  return true;
}

void EndedRounds::again(uint32_t other) {
  for (const Side& side : sides_) {
    if (side.other != other) continue;
    if (side.answered > 0) notes_.push_back({other, Kind::ended, side.answered, 0});
    if (side.asked > side.ended) notes_.push_back({other, Kind::ask_ended, side.asked, 0});
  }
}

void EndedRounds::answer() {
  for (Side& side : sides_) {
    if (side.wanted <= side.answered) continue;
    uint32_t ended = round_;
    for (Side& beyond : sides_) {
      if (beyond.other == side.other) continue;
      ended = std::min(ended, beyond.ended);
      if (std::max(beyond.asked, beyond.ended) >= side.wanted) continue;
      beyond.asked = side.wanted;
      notes_.push_back({beyond.other, Kind::ask_ended, side.wanted, 0});
    }
    if (ended < side.wanted) continue;
    side.answered = ended;
    notes_.push_back({side.other, Kind::ended, ended, 0});
  }
}

}  // namespace hemiola
