// The other end of a launcher's socket: a process that it has started.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "hemiola/core/check.h"
#include "hemiola/train/launch.h"
#include "hemiola/train/launch_process.h"
#include "hemiola/train/node_order.h"

namespace hemiola {
namespace {

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

// Over ssh nothing goes back but what people read.
void say_why(int control_fd, const std::string& reason) {
  if (control_fd == STDIN_FILENO) {
    std::fprintf(stderr, "hemiola: %s\n", reason.c_str());
  } else {
    ::send(control_fd, reason.data(), reason.size(), MSG_NOSIGNAL);
  }
}

}  // namespace

int obey(int control_fd) {
  const net::Fd control(control_fd);
  ::fcntl(control_fd, F_SETFD, FD_CLOEXEC);
  std::string reason;
  int status = 1;
  try {
    const NodeOrder order = decode_order(read_order(control_fd));
    net::LeaveRequests requests(net::LeaveRequests::From::launcher, control_fd);
    Progress progress(progress_options(order.flags));
    const JobOver over = run_node(order.job, order.flags, order.place, progress, &requests);
    if (over.left) return kLeftStatus;
    if (over.ok) return over.early ? kEarlyStatus : 0;
    reason = over.reason;
    if (over.fenced) status = kFencedStatus;
    if (over.alone) status = kAloneStatus;
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  } catch (const std::exception& e) {
    reason = e.what();
  }
  say_why(control_fd, reason);
  return status;
}

}  // namespace hemiola
