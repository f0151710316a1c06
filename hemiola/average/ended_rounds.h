// How a worker learns that all workers have ended all rounds before one: it asks along a tree, and
// who is asked answers when this holds for itself and for all that lie beyond it. Asked only at the
// end of a pass, so that no exchange is under way between others when everybody rests.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "hemiola/average/close_rule.h"

namespace hemiola {

// One worker's part.
class EndedRounds {
 public:
  // REQUIRES: the tree is one.
  EndedRounds(const Graph& tree, uint32_t worker);

  // This worker has ended all rounds before `round`. REQUIRES: never less than before.
  void reached(uint32_t round);
  // It wants to know when all have ended the rounds before `round`.
  void ask(uint32_t round);
  // All have, as far as this worker has been told.
  bool all(uint32_t round) const;

  // Of another worker: ask_ended or ended. Returns false for one that cannot be.
  bool on_note(uint32_t from, Kind kind, uint32_t round);

  // Says again what another worker may have missed; what is heard twice changes nothing.
  void again(uint32_t other);

  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

 private:
  struct Side {
    uint32_t other = 0;
    uint32_t ended = 0;     // all beyond have ended the rounds before this
    uint32_t asked = 0;     // of them, by this worker
    uint32_t wanted = 0;    // by them, of this worker's side
    uint32_t answered = 0;  // to them
  };

  void answer();

  std::vector<Side> sides_;
  uint32_t round_ = 0;
  std::vector<Note> notes_;
};

}  // namespace hemiola
