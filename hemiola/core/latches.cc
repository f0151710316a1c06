#include "hemiola/core/latches.h"

#include <sched.h>

namespace hemiola {

// A holder keeps a latch for nanoseconds, unless it was descheduled: then yield to it.
void Latches::lock(size_t stripe) {
  auto& held = (*stripes_)[stripe].held;
  for (int tries = 0; held.exchange(1, std::memory_order_acquire) != 0; ++tries) {
    while (held.load(std::memory_order_relaxed) != 0) {
      if (++tries > 100) {
        sched_yield();
        tries = 0;
      }
    }
  }
}

}  // namespace hemiola
