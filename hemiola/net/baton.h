// The right to run the loop: whoever holds it may touch the machines, links and timers.
//
// A lock whose operations are all sequentially consistent, which Node relies on: a thread that
// puts a call into the queue and then fails to take the baton may leave, because the holder looks
// into the queue after it gave the baton back.
#pragma once

#include <atomic>
#include <cstdint>

namespace hemiola::net {

class Baton {
 public:
  bool try_lock() {
    uint32_t free = 0;
    return state_.compare_exchange_strong(free, 1);
  }

  void lock() {
    if (try_lock()) return;
    while (state_.exchange(2) != 0) state_.wait(2);
  }

  void unlock() {
    if (state_.exchange(0) == 2) state_.notify_one();
  }

 private:
  std::atomic<uint32_t> state_{0};  // 0 free, 1 held, 2 held and somebody may sleep
};

}  // namespace hemiola::net
