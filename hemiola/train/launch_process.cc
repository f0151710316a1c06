#include "hemiola/train/launch_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <system_error>
#include <vector>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// What ssh ends with when it, or the connection, fails; also when a signal ended what it ran.
constexpr int kSshFailed = 255;

[[noreturn]] void failed(const char* what) {
  throw UserError(std::string("cannot ") + what + ": " + std::generic_category().message(errno));
}

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

// For a shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

[[noreturn]] void run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

NodeProcess::NodeProcess(const NodeOrder& order, const Whereabouts& where)
    : node_(order.place.self.value),
      instance_(order.place.instance),
      host_(where.host.empty() ? "here" : where.host),
      remote_(!where.host.empty()) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) failed("start a node");
  control_ = net::Fd(ends[0]);
  const net::Fd theirs(ends[1]);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) failed("start a node");
  if (pid_ == 0) become(theirs.get(), parent, where);
  running_ = true;
  started_ = ended_ = Clock::now();
  process_ = net::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!process_) {
    end();
    failed("watch a node");
  }
  const Bytes bytes = encode(order);
  const auto size = static_cast<uint32_t>(bytes.size());
  // A process that is gone already will be found so.
  if (write_all(control_.get(), &size, sizeof size)) {
    write_all(control_.get(), bytes.data(), bytes.size());
  }
}

// In the child. The launcher's death is its own, and far away the end of what it can read. Signals
// stay blocked until it watches for them.
void NodeProcess::become(int control, pid_t parent, const Whereabouts& where) const {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  if (!remote_) {
    ::fcntl(control, F_SETFD, 0);
    run_program({where.program, "node", std::to_string(control)});
  }
  ::dup2(control, STDIN_FILENO);
  std::vector<std::string> words;
  std::istringstream ssh(where.ssh);
  for (std::string word; ssh >> word;) words.push_back(word);
  words.push_back(where.host);
  words.push_back("cd " + quoted(where.folder) + " && exec " + quoted(where.program) + " node 0");
  run_program(std::move(words));
}

bool NodeProcess::take_end() {
  if (!running_ || ::waitpid(pid_, &wait_status_, WNOHANG) != pid_) return false;
  note_end();
  return true;
}

void NodeProcess::note_end() {
  running_ = false;
  ended_ = Clock::now();
  read_words();
  control_ = net::Fd();  // if ssh has died, the far end hears of it by that
}

void NodeProcess::read_words() {
  char text[4096];
  for (;;) {
    const ssize_t n = ::recv(control_.get(), text, sizeof text, MSG_DONTWAIT);
    if (n <= 0) return;
    reason_.append(text, static_cast<size_t>(n));
    if (finishing_ || reason_[0] != net::LeaveRequests::kFinishing) continue;
    finishing_ = true;
    reason_.erase(0, 1);
  }
}

bool NodeProcess::finishing() {
  read_words();
  return finishing_;
}

void NodeProcess::tell(Wish wish) {
  if (running_) write_all(control_.get(), &wish, sizeof wish);
}

void NodeProcess::end() {
  if (!running_) return;
  ended_by_us_ = true;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &wait_status_, 0);
  note_end();
}

bool NodeProcess::killed() const {
  return WIFSIGNALED(wait_status_) || (remote_ && exited_with(kSshFailed));
}

bool NodeProcess::exited_with(int status) const {
  return WIFEXITED(wait_status_) && WEXITSTATUS(wait_status_) == status;
}

bool NodeProcess::well() const {
  return exited_with(0) || exited_with(kEarlyStatus) || exited_with(kLeftStatus);
}

std::string NodeProcess::why() const {
  std::string name = "node " + std::to_string(node_);
  if (remote_) name += " on " + host_;
  if (WIFSIGNALED(wait_status_)) {
    return name + " (process " + std::to_string(pid_) + ") was ended by " + how();
  }
  if (!reason_.empty()) return reason_;
  if (killed()) return name + " was lost: it was killed, or ssh cannot reach it";
  return name + " ended with " + how();
}

std::string NodeProcess::how() const {
  if (running_) return "runs";
  if (ended_by_us_) return "ended by the launcher";
  if (WIFSIGNALED(wait_status_)) {
    const int signal = WTERMSIG(wait_status_);
    return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  }
  if (exited_with(0)) return "done";
  if (exited_with(kEarlyStatus)) return "ended early, in order";
  if (exited_with(kLeftStatus)) return "left";
  if (exited_with(kFencedStatus)) return "taken out while it was away";
  if (exited_with(kAloneStatus)) return "failed";
  if (killed()) return "lost";
  return "status " + std::to_string(WEXITSTATUS(wait_status_));
}

}  // namespace hemiola
