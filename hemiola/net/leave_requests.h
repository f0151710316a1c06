// How a process of a job is asked to leave it: by SIGINT, SIGTERM or SIGHUP, and by its launcher.
// The first time is told, so that all is put in order; what a second signal does depends on who
// started the process.
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
    // By our launcher: SIGINT asks to end the job, as the terminal sends it to all nodes; SIGTERM
    // asks this node to leave. To end it at once is the launcher's business.
    launcher
  };

  // REQUIRES: no other thread yet; later ones inherit that these signals are blocked.
  // control: where the launcher says 'l', leave, or 'e', end the job; when it is closed, the
  // launcher is gone and this process ends at once. -1: there is none.
  explicit LeaveRequests(From from, int control = -1);
  ~LeaveRequests();
  LeaveRequests(const LeaveRequests&) = delete;
  LeaveRequests& operator=(const LeaveRequests&) = delete;

  // Until the first of these nothing needs to be put in order, and a signal ends the process.
  void tell(std::function<void(LeaveAsked)> to);
  // The node has seen the end of its job: what is left to do is done in order in any case, and the
  // launcher is told to wait for it.
  void finish();
  static constexpr char kFinishing = 'f';

 private:
  void watch();
  void hear(bool& open);
  void signalled(int signal);
  void asked(bool whole_job);

  const From from_;
  const int control_;
  Fd signals_, stop_;
  std::mutex mutex_;  // guards tell_
  std::function<void(LeaveAsked)> tell_;
  int count_ = 0;  // the thread's
  std::thread thread_;
};

}  // namespace hemiola::net
