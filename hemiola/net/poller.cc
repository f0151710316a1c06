#include "hemiola/net/poller.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

}  // namespace

Poller::Poller()
    : start_ns_(monotonic_ns()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      kick_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!epoll_ || !kick_ || !timer_) {
    throw UserError("cannot open more files: " + system_text(errno) + "; raise `ulimit -n`");
  }
  add(kick_.get(), kKick, EPOLLIN);
  add(timer_.get(), kTimer, EPOLLIN);
}

void Poller::add(int fd, uint64_t token, uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = token;
  HEMIOLA_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Poller::change(int fd, uint64_t token, uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = token;
  HEMIOLA_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

size_t Poller::wait(std::span<epoll_event> events, int timeout_ms) {
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

// Nobody reads the counter: edge-triggered, each write is an event of its own.
void Poller::kick() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(kick_.get(), &one, sizeof(one));
}

void Poller::arm(Instant when) {
  const int64_t at = std::max<int64_t>(start_ns_ + std::max<int64_t>(when.ns, 0), 1);
  itimerspec spec{};
  spec.it_value.tv_sec = at / kSecond;
  spec.it_value.tv_nsec = at % kSecond;
  HEMIOLA_CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

Instant Poller::now() const { return Instant{monotonic_ns() - start_ns_}; }

}  // namespace hemiola::net
