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
#include <map>
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
// How long a node may take to end when others have seen the job's end.
constexpr auto kLeave = std::chrono::seconds(2);
// A node that lived for less is not started again at once, and no more than a few times.
constexpr auto kShortLife = std::chrono::seconds(2);
constexpr int kShortLives = 3;
// The status with which a node ends that was taken out of the job while it was away,
constexpr int kFenced = 3;
// and in order, but early, as it was asked to.
constexpr int kEarly = 130;
// How often the keeper of views is looked after.
constexpr int kLookMs = 200;

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
  bool replaced = false;  // another process is this node now
  steady_clock::time_point started;
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
      if (goes_on(job_) && !in_etcd(job_)) start_service();
      start_all();
      while (any_running()) wait_for_something();
    } catch (...) {
      end_all();
      end_service();
      throw;
    }
    end_service();
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

  // The keeper of views is a process of its own: it needs nothing of the launcher, and is started
  // again when it dies.
  void start_service() {
    service_ = ::fork();
    if (service_ < 0) failed("start the keeper of views");
    if (service_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGINT, SIG_IGN);
    std::string word = "keep-views", path = views_path(), program = program_;
    char* arguments[] = {program.data(), word.data(), path.data(), nullptr};
    ::execv(program_.c_str(), arguments);
    ::_exit(127);
  }

  void end_service() {
    if (service_ <= 0) return;
    ::kill(service_, SIGKILL);
    ::waitpid(service_, nullptr, 0);
    service_ = 0;
  }

  std::string views_path() const { return folder_.path() + "/views"; }

  void start_all() {
    order_.place.secret = random_secret();
    order_.place.rendezvous = tcp() ? free_loopback_address() : "unix:" + folder_.path() + "/node0";
    if (goes_on(job_) && !in_etcd(job_)) order_.place.views = views_path();
    for (uint32_t n = 0; n < job_.cluster.nodes; ++n) start_node(n, false);
  }

  bool tcp() const { return job_.cluster.transport == "tcp"; }

  void start_node(uint32_t n, bool later) {
    NodeOrder order = order_;
    order.place.self = NodeId{n};
    order.place.comes_later = later;
    order.place.listen = n == 0 && !later ? order.place.rendezvous
                         : tcp()          ? "tcp:127.0.0.1:0"
                                          : unix_address(n);
    start(order);
  }

  // Another one for each process, for the last one's may still be there.
  std::string unix_address(uint32_t n) {
    const uint32_t times = started_[n]++;
    const std::string name = "unix:" + folder_.path() + "/node" + std::to_string(n);
    return times == 0 ? name : name + "-" + std::to_string(times);
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
    child.started = steady_clock::now();
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

  // In the child: becomes the program as a node. The launcher's death is its own. Signals stay
  // blocked until it watches for them.
  [[noreturn]] void become_node(int control, pid_t parent) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
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
    for (size_t i = 0; i < children_.size(); ++i) {
      if (children_[i].running) look_at(i);
    }
    if (service_ > 0 && ::waitpid(service_, nullptr, WNOHANG) == service_) {
      std::fprintf(stderr, "hemiola: the keeper of views was ended; it is started again\n");
      start_service();
    }
    if (deadline_ && steady_clock::now() >= *deadline_) {
      deadline_.reset();
      end_all();
    }
  }

  int timeout_ms() const {
    if (!deadline_) return service_ > 0 ? kLookMs : -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now());
    return static_cast<int>(std::max<int64_t>(0, left.count()));
  }

  void interrupted() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      if (interrupted_) {
        end_all();
        continue;
      }
      interrupted_ = true;
      std::fprintf(stderr,
                   "\nhemiola: ending in order, with what is done so far; a second signal ends it "
                   "now\n");
      for (const Child& c : children_) {
        if (c.running) ::kill(c.pid, SIGINT);
      }
    }
  }

  // Takes the process's end, if it has come to one.
  void look_at(size_t index) {
    Child& child = children_[index];
    if (::waitpid(child.pid, &child.wait_status, WNOHANG) != child.pid) return;
    child.running = false;
    char text[4096];
    for (;;) {
      const ssize_t n = ::recv(child.control.get(), text, sizeof text, MSG_DONTWAIT);
      if (n <= 0) break;
      child.reason.append(text, static_cast<size_t>(n));
    }
    const bool ok = ended_well(child);
    if (child.ended_by_us) return;
    if (ok) return job_done(WEXITSTATUS(child.wait_status) == kEarly);
    const bool killed = WIFSIGNALED(child.wait_status);
    const bool fenced = !killed && WEXITSTATUS(child.wait_status) == kFenced;
    if (goes_on(job_) && (killed || fenced) && !deadline_ && any_running()) {
      return interrupted_ ? void() : start_again(index);
    }
    if (!first_failed_) first_failed_ = static_cast<ptrdiff_t>(index);
    if (deadline_) return;
    deadline_ = steady_clock::now() + (killed ? steady_clock::duration{} : kLastWords);
  }

  // One node has seen the job's end, so all that belong to it have.
  void job_done(bool early) {
    done_ = true;
    early_ = early_ || early;
    if (!deadline_ && goes_on(job_)) deadline_ = steady_clock::now() + kLeave;
  }

  void start_again(size_t index) {
    const Child& child = children_[index];
    const uint32_t node = child.node;
    const bool soon = steady_clock::now() - child.started < kShortLife;
    short_lives_[node] = soon ? short_lives_[node] + 1 : 0;
    const std::string why = why_ended(child);
    children_[index].replaced = true;
    if (short_lives_[node] >= kShortLives) {
      std::fprintf(stderr, "hemiola: %s; it has died early %d times and stays away\n", why.c_str(),
                   kShortLives);
      return;
    }
    start_node(node, true);
    std::fprintf(stderr, "hemiola: %s; started again as process %d\n", why.c_str(),
                 children_.back().pid);
  }

  void end_all() {
    for (Child& c : children_) {
      if (!c.running) continue;
      c.ended_by_us = true;
      ::kill(c.pid, SIGKILL);
      ::waitpid(c.pid, &c.wait_status, 0);
      c.running = false;
    }
  }

  static bool ended_well(const Child& c) {
    if (!WIFEXITED(c.wait_status)) return false;
    return WEXITSTATUS(c.wait_status) == 0 || WEXITSTATUS(c.wait_status) == kEarly;
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
    if (interrupted_) std::fprintf(stderr, "hemiola: interrupted; all nodes have ended\n");
    if (!first_failed_) return interrupted_ || early_ ? kEarly : done_ ? 0 : 1;
    std::vector<std::string> reasons;
    for (const Child& c : children_) {
      if (c.ended_by_us || c.replaced || !WIFSIGNALED(c.wait_status)) continue;
      reasons.push_back(why_ended(c));
    }
    if (reasons.empty()) {
      reasons.push_back(why_ended(children_[static_cast<size_t>(*first_failed_)]));
      for (const Child& c : children_) {
        if (!ended_well(c) && !c.ended_by_us && !c.replaced) reasons.push_back(why_ended(c));
      }
    }
    std::vector<std::string> said;
    for (const std::string& r : reasons) {
      if (std::find(said.begin(), said.end(), r) != said.end()) continue;
      std::fprintf(stderr, "hemiola: %s\n", r.c_str());
      said.push_back(r);
    }
    return interrupted_ ? kEarly : 1;
  }

  const Job& job_;
  const Flags& flags_;
  const std::string program_;
  const PrivateFolder folder_;
  Fd signals_;
  NodeOrder order_{job_, flags_, {}};  // what all nodes are told alike
  pid_t service_ = 0;
  std::map<uint32_t, uint32_t> started_;  // node → processes
  std::map<uint32_t, int> short_lives_;   // node → one after the other
  bool done_ = false;                     // some node has seen the end of the job
  std::vector<Child> children_;
  std::optional<ptrdiff_t> first_failed_;             // index in children_
  std::optional<steady_clock::time_point> deadline_;  // then the rest is asked, or made, to end
  bool interrupted_ = false;
  bool early_ = false;  // it ended in order before all was done
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
    net::LeaveRequests requests(net::LeaveRequests::From::launcher);
    const NodeOrder order = decode_order(read_order(control_fd));
    Progress progress(progress_options(order.flags));
    const JobOver over = run_node(order.job, order.flags, order.place, progress, &requests);
    if (over.ok) return over.early ? kEarly : 0;
    reason = over.reason;
    if (over.fenced) {
      write_all(control_fd, reason.data(), reason.size());
      return kFenced;
    }
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  } catch (const std::exception& e) {
    reason = e.what();
  }
  write_all(control_fd, reason.data(), reason.size());
  return 1;
}

}  // namespace hemiola
