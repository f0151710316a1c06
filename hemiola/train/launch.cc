#include "hemiola/train/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/net/socket.h"
#include "hemiola/train/node_order.h"
#include "hemiola/train/runner.h"

namespace hemiola {
namespace {

using net::Fd;
using std::chrono::steady_clock;

// After the first node has failed, how long the others may take to say what they know. What a
// signal did needs no more words.
constexpr auto kLastWords = std::chrono::milliseconds(1500);
// How long a process may take to end when it is asked to.
constexpr auto kLeave = std::chrono::seconds(2);

[[noreturn]] void failed(const char* what) {
  throw UserError(std::string("cannot ") + what + ": " + std::generic_category().message(errno));
}

// A folder that only this user can look into, for the sockets; gone at the end.
class PrivateFolder {
 public:
  PrivateFolder() : path_("/tmp/hemiola-XXXXXX") {
    if (!::mkdtemp(path_.data())) failed("make a folder in /tmp for the sockets of the nodes");
  }
  ~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string random_secret() {
  std::string secret(32, '\0');
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    failed("draw a secret for the job");
  }
  return secret;
}

// A port of the loopback interface that is free now.
std::string free_loopback_address() {
  net::Listener listener = net::Listener::open("tcp:127.0.0.1:0");
  return listener.address();
}

struct Child {
  uint32_t node = 0;
  pid_t pid = -1;
  Fd control;  // the order goes out, then its reason comes in
  Fd process;  // a pidfd: readable when the process has ended
  std::string reason;
  int wait_status = 0;
  bool running = false;
  bool ended_by_us = false;
};

bool write_all(int fd, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::send(fd, at, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

class Launcher {
 public:
  Launcher(const Job& job, const Flags& flags, const std::string& program)
      : job_(job), flags_(flags), program_(program) {}

  LaunchResult run() {
    block_signals();
    try {
      start_all();
      while (any_running()) wait_for_something();
    } catch (...) {
      end_all(SIGKILL);
      throw;
    }
    return {conclude()};
  }

 private:
  void block_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) failed("wait for signals");
  }

  void start_all() {
    const uint32_t nodes = job_.cluster.nodes;
    const bool tcp = job_.cluster.transport == "tcp";
    NodeOrder order{job_, flags_, {}};
    order.place.secret = random_secret();
    order.place.rendezvous = tcp ? free_loopback_address() : "unix:" + folder_.path() + "/node0";
    for (uint32_t n = 0; n < nodes; ++n) {
      order.place.self = NodeId{n};
      order.place.listen = n == 0 ? order.place.rendezvous
                           : tcp  ? "tcp:127.0.0.1:0"
                                  : "unix:" + folder_.path() + "/node" + std::to_string(n);
      start(order);
    }
  }

  void start(const NodeOrder& order) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) failed("start a node");
    Child child;
    child.node = order.place.self.value;
    child.control = Fd(ends[0]);
    const Fd theirs(ends[1]);
    const pid_t parent = ::getpid();
    child.pid = ::fork();
    if (child.pid < 0) failed("start a node");
    if (child.pid == 0) become_node(theirs.get(), parent);
    child.running = true;
    child.process = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    children_.push_back(std::move(child));
    if (!children_.back().process) failed("watch a node");
    const Bytes bytes = encode(order);
    const auto size = static_cast<uint32_t>(bytes.size());
    // A child that is gone already will be found so.
    if (write_all(children_.back().control.get(), &size, sizeof size)) {
      write_all(children_.back().control.get(), bytes.data(), bytes.size());
    }
  }

  // In the child: becomes the program as a node. Ctrl-C is the launcher's business, whose death
  // is the node's.
  [[noreturn]] void become_node(int control, pid_t parent) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::signal(SIGINT, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    ::fcntl(control, F_SETFD, 0);
    std::string number = std::to_string(control);
    std::string word = "node";
    std::string program = program_;
    char* arguments[] = {program.data(), word.data(), number.data(), nullptr};
    ::execv(program_.c_str(), arguments);
    ::_exit(127);
  }

  bool any_running() const {
    return std::any_of(children_.begin(), children_.end(), [](auto& c) { return c.running; });
  }

  void wait_for_something() {
    std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0}};
    for (const Child& c : children_) {
      if (c.running) fds.push_back({c.process.get(), POLLIN, 0});
    }
    ::poll(fds.data(), fds.size(), timeout_ms());
    if (fds[0].revents & POLLIN) interrupted();
    for (Child& c : children_) {
      if (c.running) look_at(c);
    }
    if (deadline_ && steady_clock::now() >= *deadline_) {
      end_all(asked_ ? SIGKILL : SIGTERM);
      asked_ = true;
      deadline_ = steady_clock::now() + kLeave;
    }
  }

  int timeout_ms() const {
    if (!deadline_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now());
    return static_cast<int>(std::max<int64_t>(0, left.count()));
  }

  void interrupted() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      end_all(interrupted_ ? SIGKILL : SIGTERM);
      interrupted_ = asked_ = true;
      deadline_ = steady_clock::now() + kLeave;
    }
  }

  // Takes the process's end, if it has come to one.
  void look_at(Child& child) {
    if (::waitpid(child.pid, &child.wait_status, WNOHANG) != child.pid) return;
    child.running = false;
    char text[4096];
    for (;;) {
      const ssize_t n = ::recv(child.control.get(), text, sizeof text, MSG_DONTWAIT);
      if (n <= 0) break;
      child.reason.append(text, static_cast<size_t>(n));
    }
    const bool ok = WIFEXITED(child.wait_status) && WEXITSTATUS(child.wait_status) == 0;
    if (ok || child.ended_by_us) return;
    if (!first_failed_) first_failed_ = &child - children_.data();
    if (deadline_) return;
    const bool killed = WIFSIGNALED(child.wait_status);
    deadline_ = steady_clock::now() + (killed ? steady_clock::duration{} : kLastWords);
  }

  void end_all(int signal) {
    for (Child& c : children_) {
      if (!c.running) continue;
      c.ended_by_us = true;
      ::kill(c.pid, signal);
      if (signal == SIGKILL) {
        ::waitpid(c.pid, &c.wait_status, 0);
        c.running = false;
      }
    }
  }

  std::string why_ended(const Child& c) const {
    const std::string node = "node " + std::to_string(c.node);
    if (WIFSIGNALED(c.wait_status)) {
      const int signal = WTERMSIG(c.wait_status);
      return node + " (process " + std::to_string(c.pid) + ") was ended by signal " +
             std::to_string(signal) + " (" + ::strsignal(signal) + ")";
    }
    if (!c.reason.empty()) return c.reason;
    return node + " ended with status " + std::to_string(WEXITSTATUS(c.wait_status));
  }

  // Says each reason once. What a signal did to a node is the reason of all that followed.
  int conclude() const {
    if (interrupted_) {
      std::fprintf(stderr, "hemiola: interrupted; all %zu nodes have ended\n", children_.size());
      return 130;
    }
    if (!first_failed_) return 0;
    std::vector<std::string> reasons;
    for (const Child& c : children_) {
      if (c.ended_by_us || !WIFSIGNALED(c.wait_status)) continue;
      reasons.push_back(why_ended(c));
    }
    if (reasons.empty()) {
      reasons.push_back(why_ended(children_[static_cast<size_t>(*first_failed_)]));
      for (const Child& c : children_) {
        const bool ok = WIFEXITED(c.wait_status) && WEXITSTATUS(c.wait_status) == 0;
        if (!ok && !c.ended_by_us) reasons.push_back(why_ended(c));
      }
    }
    std::vector<std::string> said;
    for (const std::string& r : reasons) {
      if (std::find(said.begin(), said.end(), r) != said.end()) continue;
      std::fprintf(stderr, "hemiola: %s\n", r.c_str());
      said.push_back(r);
    }
    return 1;
  }

  const Job& job_;
  const Flags& flags_;
  const std::string program_;
  const PrivateFolder folder_;
  Fd signals_;
  std::vector<Child> children_;
  std::optional<ptrdiff_t> first_failed_;             // index in children_
  std::optional<steady_clock::time_point> deadline_;  // then the rest is asked, or made, to end
  bool asked_ = false;
  bool interrupted_ = false;
};

Bytes read_order(int fd) {
  const auto read_all = [fd](void* into, size_t size) {
    char* at = static_cast<char*>(into);
    while (size > 0) {
      const ssize_t n = ::read(fd, at, size);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) throw UserError("the launcher's order did not come");
      at += n;
      size -= static_cast<size_t>(n);
    }
  };
  uint32_t size = 0;
  read_all(&size, sizeof size);
  if (size > (1 << 24)) throw UserError("the launcher's order cannot be read");
  MutableBytes bytes(size);
  read_all(bytes.data(), size);
  return std::move(bytes).freeze();
}

}  // namespace

LaunchResult launch(const Job& job, const Flags& flags, const std::string& program) {
  return Launcher(job, flags, program).run();
}

int obey(int control_fd) {
  const Fd control(control_fd);
  ::fcntl(control_fd, F_SETFD, FD_CLOEXEC);
  std::string reason;
  try {
    const NodeOrder order = decode_order(read_order(control_fd));
    Progress progress(progress_options(order.flags));
    const JobOver over = run_node(order.job, order.flags, order.place, progress);
    if (over.ok) return 0;
    reason = over.reason;
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  } catch (const std::exception& e) {
    reason = e.what();
  }
  write_all(control_fd, reason.data(), reason.size());
  return 1;
}

}  // namespace hemiola
