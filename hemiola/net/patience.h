// Whether to look for an answer for a moment before going to sleep. Sleeping and being woken costs
// a few microseconds of both processes and, on an idle core, tens until the sleeper runs: more than
// an answer takes that is on its way. Looking in vain costs the whole moment, so after a few times
// without an answer it is tried only now and then.
#pragma once

#include <cstdint>

namespace hemiola::net {

class Patience {
 public:
  // Asked before each wait.
  bool worth_a_try() { return in_vain_ < kInVain || ++skipped_ % kNowAndThen == 0; }
  void tried(bool there_was_something) { in_vain_ = there_was_something ? 0 : in_vain_ + 1; }

 private:
  static constexpr uint32_t kInVain = 4;
  static constexpr uint32_t kNowAndThen = 32;

  uint32_t in_vain_ = 0;  // times in a row
  uint32_t skipped_ = 0;
};

}  // namespace hemiola::net
