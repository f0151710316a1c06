// The signals by which a process of a job is asked to leave it: SIGINT, SIGTERM and SIGHUP. The
// first is told, so that all is put in order; what a second one does depends on who started the
// process.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

#include "hemiola/core/machine.h"
#include "hemiola/net/socket.h"

namespace hemiola::net {

// Thread safety: a thread of its own waits for the signals and tells of them.
class LeaveRequests {
 public:
  enum class From : uint8_t {
    // By hand or from the system: any of them asks this node to leave, a second one ends it at
    // once.
    user,
    // By our launcher: SIGINT asks to end the job, as the terminal and the launcher send it to all
    // nodes; SIGTERM asks this node to leave. To end it at once is the launcher's business.
    launcher
  };

  // REQUIRES: no other thread yet; later ones inherit that these signals are blocked.
  explicit LeaveRequests(From from);
  ~LeaveRequests();
  LeaveRequests(const LeaveRequests&) = delete;
  LeaveRequests& operator=(const LeaveRequests&) = delete;

  // Until the first of these nothing needs to be put in order, and a signal ends the process.
  void tell(std::function<void(LeaveAsked)> to);
  // What is left to do is done in order in any case.
  void tell_nobody() {
    tell([](const LeaveAsked&) {});
  }

 private:
  void watch();
  void asked(int signal);

  const From from_;
  Fd signals_, stop_;
  std::mutex mutex_;  // guards tell_
  std::function<void(LeaveAsked)> tell_;
  int count_ = 0;  // the thread's
  std::thread thread_;
};

}  // namespace hemiola::net
