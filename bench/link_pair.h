// Two processes and what joins them: a bare socket as the reference, or two nodes.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/net/toy.h"

namespace hemiola::bench {

using net::Over;

inline double seconds_now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// Where the two processes run. Left to itself the system puts them together or apart by luck, and
// waking an idle core costs several times what the transport does.
enum class Cores { one, two };

inline void pin(Cores cores, uint32_t process) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cores == Cores::one ? 0 : process, &set);
  ::sched_setaffinity(0, sizeof(set), &set);
}

// One end of a connected, non-blocking socket, as a minimal epoll program uses it.
class BareSocket {
 public:
  explicit BareSocket(int fd) : fd_(fd), epoll_(::epoll_create1(0)) {
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void write_all(const char* data, size_t size) {
    while (size > 0) {
      const ssize_t sent = ::send(fd_.get(), data, size, MSG_NOSIGNAL);
      if (sent > 0) {
        data += sent;
        size -= static_cast<size_t>(sent);
      } else {
        want(EPOLLOUT);
        sleep();
        want(EPOLLIN);
      }
    }
  }

  // Sleeps until there is something; 0 at the end.
  size_t read_some(char* into, size_t size) {
    for (;;) {
      sleep();
      const ssize_t got = ::recv(fd_.get(), into, size, 0);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EAGAIN) return 0;
    }
  }

 private:
  void sleep() {
    epoll_event event{};
    ::epoll_wait(epoll_.get(), &event, 1, -1);
  }
  void want(uint32_t events) {
    epoll_event event{};
    event.events = events;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd_.get(), &event);
  }

  net::Fd fd_;
  net::Fd epoll_;
};

inline void connected_pair(Over over, int (&ends)[2]) {
  if (over == Over::unix_sockets) {
    HEMIOLA_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  } else {
    net::Listener listener = net::Listener::open("tcp:127.0.0.1:0");
    const auto to = net::resolve(net::Address::parse(listener.address())).front();
    ends[0] = ::socket(AF_INET, SOCK_STREAM, 0);
    HEMIOLA_CHECK(::connect(ends[0], to.get(), to.size) == 0);
    ends[1] = ::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK);
    HEMIOLA_CHECK(ends[1] >= 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    const int on = 1;
    for (const int end : ends) ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  for (const int end : ends) net::tune(end, over == Over::tcp, 15'000);
}

// Runs `near` here and `far` in a child, each with its end of a bare connection.
inline void bare_pair(Over over, Cores cores, const std::function<void(BareSocket&)>& near,
                      const std::function<void(BareSocket&)>& far) {
  int ends[2];
  connected_pair(over, ends);
  const pid_t child = ::fork();
  pin(cores, child == 0 ? 1 : 0);
  if (child == 0) {
    ::close(ends[0]);
    {
      BareSocket socket(ends[1]);
      far(socket);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  {
    BareSocket socket(ends[0]);
    near(socket);
  }
  ::waitpid(child, nullptr, 0);
}

// Runs node 0 with `near` as its worker here, and node 1 with `far` in a child.
inline void node_pair(Over over, Cores cores, net::TlsSettings::Use tls,
                      const std::function<void(WorkerPort&)>& near,
                      const std::function<void(WorkerPort&)>& far) {
  std::vector<net::Listener> listeners;
  net::Toy toy;
  for (int i = 0; i < 2; ++i) {
    listeners.push_back(net::Listener::open(net::toy_address(over, std::to_string(i))));
    toy.addresses.push_back(listeners.back().address());
  }
  const pid_t child = ::fork();
  const uint32_t self = child == 0 ? 1 : 0;
  pin(cores, self);
  bool fine = false;
  {
    net::NodeOptions options;
    options.self = NodeId{self};
    options.nodes = 2;
    options.tls.use = tls;
    net::Node node(options, std::move(listeners[self]), net::toy_core(NodeId{self}, toy),
                   [&](WorkerPort& port) {
                     self == 0 ? near(port) : far(port);
                     net::ToyCluster::Finish done;
                     port.call(done);
                   });
    const JobOver end = node.run();
    fine = end.ok;
    if (!fine) std::printf("node %u: %s\n", self, end.reason.c_str());
  }
  if (child == 0) ::_exit(fine ? 0 : 1);
  ::waitpid(child, nullptr, 0);
}

}  // namespace hemiola::bench
