// The process of a node, as its launcher knows it: on this machine, or on another at the far end of
// an ssh. It gets its order over a socket, and behind that the launcher's wishes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "hemiola/net/socket.h"
#include "hemiola/train/node_order.h"

namespace hemiola {

// How a node ends that was taken out of the job while it was away,
inline constexpr int kFencedStatus = 3;
// in order, having left a job that goes on,
inline constexpr int kLeftStatus = 4;
// because a worker failed, while the others go on,
inline constexpr int kAloneStatus = 5;
// and in order, with a job that was asked to end early.
inline constexpr int kEarlyStatus = 130;

struct Whereabouts {
  std::string program;
  std::string host;    // empty: this machine
  std::string ssh;     // the command, and its options
  std::string folder;  // there
};

class NodeProcess {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Wish : char { leave = 'l', end_job = 'e' };

  // REQUIRES: no other thread. Throws UserError. Nothing of it outlives this process.
  NodeProcess(const NodeOrder& order, const Whereabouts& where);

  uint32_t node() const { return node_; }
  uint64_t instance() const { return instance_; }
  pid_t pid() const { return pid_; }
  const std::string& host() const { return host_; }
  Clock::time_point started() const { return started_; }
  Clock::time_point ended() const { return ended_; }
  bool running() const { return running_; }
  int fd() const { return process_.get(); }  // readable when it has ended

  // True: it has ended since this was asked last.
  bool take_end();
  // It has seen the end of the job, and puts things in order. Of a remote one this is not known.
  bool finishing();
  bool remote() const { return remote_; }
  void tell(Wish wish);
  // At once.
  void end();

  // REQUIRES below: it has ended.
  bool ended_by_us() const { return ended_by_us_; }
  bool killed() const;  // by a signal, or its machine cannot be reached any more
  bool exited_with(int status) const;
  bool well() const;
  // A sentence with its name, and the few words of it.
  std::string why() const;
  std::string how() const;

 private:
  [[noreturn]] void become(int control, pid_t parent, const Whereabouts& where) const;
  void note_end();
  void read_words();

  uint32_t node_;
  uint64_t instance_;
  std::string host_;
  bool remote_;
  pid_t pid_ = -1;
  net::Fd control_;  // the order and wishes go out, its reason comes in
  net::Fd process_;  // a pidfd
  std::string reason_;
  int wait_status_ = 0;
  bool running_ = false;
  bool finishing_ = false;
  bool ended_by_us_ = false;
  Clock::time_point started_, ended_;
};

}  // namespace hemiola
