#include "hemiola/net/poller.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

void set(const Fd& epoll, int operation, int fd, uint64_t token, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  HEMIOLA_CHECK(::epoll_ctl(epoll.get(), operation, fd, &event) == 0);
}

// Nobody reads the counter: edge-triggered, each write is an event of its own.
void add_one(const Fd& counter) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(counter.get(), &one, sizeof(one));
}

int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

}  // namespace

Poller::Poller()
    : start_ns_(monotonic_ns()),
      inside_(::epoll_create1(EPOLL_CLOEXEC)),
      gate_(::epoll_create1(EPOLL_CLOEXEC)),
      loop_kick_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      driver_kick_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!inside_ || !gate_ || !loop_kick_ || !driver_kick_ || !timer_) {
    throw UserError("cannot open more files: " + system_text(errno) + "; raise `ulimit -n`");
  }
  add(driver_kick_.get(), kKick, EPOLLIN);
  add(timer_.get(), kTimer, EPOLLIN);
  set(gate_, EPOLL_CTL_ADD, loop_kick_.get(), kKick, EPOLLIN | EPOLLET);
  set(gate_, EPOLL_CTL_ADD, inside_.get(), 0, EPOLLIN);
}

void Poller::add(int fd, uint64_t token, uint32_t events) {
  set(inside_, EPOLL_CTL_ADD, fd, token, events | EPOLLET);
}

void Poller::change(int fd, uint64_t token, uint32_t events) {
  set(inside_, EPOLL_CTL_MOD, fd, token, events | EPOLLET);
}

size_t Poller::wait(std::span<epoll_event> events, int timeout_ms) {
  const int count =
      ::epoll_wait(inside_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void Poller::wait_at_gate(int timeout_ms) {
  std::array<epoll_event, 2> events;
  ::epoll_wait(gate_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
}

void Poller::open_gate(bool open) {
  if (open == open_) return;
  open_ = open;
  set(gate_, EPOLL_CTL_MOD, inside_.get(), 0, open ? EPOLLIN : 0u);
}

void Poller::kick_loop() const { add_one(loop_kick_); }
void Poller::kick_driver() const { add_one(driver_kick_); }

void Poller::arm(Instant when) {
  const int64_t at = std::max<int64_t>(start_ns_ + std::max<int64_t>(when.ns, 0), 1);
  itimerspec spec{};
  spec.it_value.tv_sec = at / kSecond;
  spec.it_value.tv_nsec = at % kSecond;
  HEMIOLA_CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

Instant Poller::now() const { return Instant{monotonic_ns() - start_ns_}; }

}  // namespace hemiola::net
