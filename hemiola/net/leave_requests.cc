#include "hemiola/net/leave_requests.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr int kInterrupted = 130;

void say(std::string_view text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

LeaveRequests::LeaveRequests(From from, int control)
    : from_(from), control_(control), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_ || !stop_) {
    throw UserError("cannot wait for signals: " + std::generic_category().message(errno));
  }
  thread_ = std::thread([this] { watch(); });
}

LeaveRequests::~LeaveRequests() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void LeaveRequests::tell(std::function<void(LeaveAsked)> to) {
  const std::lock_guard lock(mutex_);
  tell_ = std::move(to);
}

void LeaveRequests::finish() {
  tell([](const LeaveAsked&) {});
  // Over ssh nothing goes back.
  if (control_ > STDIN_FILENO) ::send(control_, &kFinishing, 1, MSG_NOSIGNAL);
}

void LeaveRequests::watch() {
  bool open = control_ >= 0;
  for (;;) {
    std::array<pollfd, 3> fds{
        {{signals_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}, {open ? control_ : -1, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[1].revents != 0) return;
    if (fds[2].revents != 0) hear(open);
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      signalled(static_cast<int>(info.ssi_signo));
    }
  }
}

void LeaveRequests::hear(bool& open) {
  char wish = 0;
  const ssize_t n = ::read(control_, &wish, 1);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) ::_exit(1);
  open = wish == 'l' || wish == 'e';
  if (open) asked(wish == 'e');
}

void LeaveRequests::signalled(int signal) {
  if (++count_ > 1 && from_ == From::user) {
    say("\nhemiola: interrupted\n");
    ::_exit(kInterrupted);
  }
  asked(from_ == From::launcher && signal != SIGTERM);
}

void LeaveRequests::asked(bool whole_job) {
  const std::lock_guard lock(mutex_);
  if (!tell_) {
    if (from_ == From::user) say("\nhemiola: interrupted\n");
    ::_exit(kInterrupted);
  }
  if (from_ == From::user) {
    say("\nhemiola: ending in order, with what is done so far; a second signal ends it now\n");
  }
  tell_({whole_job});
}

}  // namespace hemiola::net
