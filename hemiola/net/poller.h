// Waiting for sockets, for a point in time and for a kick, asleep.
//
// There are two places to wait. The thread of the loop waits at the gate; a worker that drives
// the loop waits inside. What happens inside is seen at the gate only while the gate is open, so
// a driver that closed it can be sure that no other thread is woken for its events.
// Thread safety: the kicks, wait_at_gate() and now() from any thread; of the rest one call at a
// time, which the baton sees to. Events inside are edge-triggered: told once.
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

  // Inside: gives the number of events. timeout_ms: -1 for ever, 0 only looks.
  size_t wait(std::span<epoll_event> events, int timeout_ms);

  // Until there is an event inside and the gate is open, or a kick of the loop.
  void wait_at_gate(int timeout_ms);
  void open_gate(bool open);

  // Safe in a signal handler. A kick of the driver is a kKick inside.
  void kick_loop() const;
  void kick_driver() const;

  // kTimer will come once at `when` in terms of now(); replaces the time set before.
  void arm(Instant when);

  // Real time since the poller was made.
  Instant now() const;

 private:
  int64_t start_ns_;
  Fd inside_;
  Fd gate_;
  Fd loop_kick_;
  Fd driver_kick_;
  Fd timer_;
  bool open_ = true;
};

}  // namespace hemiola::net
