// Waiting for sockets, for a point in time and for a kick, asleep.
//
// Thread safety: all but construction may be called from any thread; several threads may wait at
// once. Every event is edge-triggered and told to exactly one of them: the kernel wakes the one
// that began to wait last.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "hemiola/core/types.h"
#include "hemiola/net/socket.h"

namespace hemiola::net {

class Poller {
 public:
  // Tokens of the poller's own events; sockets have smaller ones.
  static constexpr uint64_t kKick = ~uint64_t{0};
  static constexpr uint64_t kTimer = ~uint64_t{0} - 1;

  Poller();

  void add(int fd, uint64_t token, uint32_t events);
  void change(int fd, uint64_t token, uint32_t events);

  // Gives the number of events. timeout_ms: -1 for ever, 0 only looks.
  size_t wait(std::span<epoll_event> events, int timeout_ms);

  // Makes one waiting thread, now or the next, see kKick. Safe in a signal handler.
  void kick() const;

  // kTimer will come once at `when` in terms of now(); replaces the time set before.
  void arm(Instant when);

  // Real time since the poller was made.
  Instant now() const;

 private:
  int64_t start_ns_;
  Fd epoll_;
  Fd kick_;
  Fd timer_;
};

}  // namespace hemiola::net
