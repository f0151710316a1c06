// A real etcd with members that tests start and kill.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "hemiola/net/socket.h"

namespace hemiola::net {

inline bool etcd_is_here() { return ::access("/usr/bin/etcd", X_OK) == 0; }

class EtcdForTest {
 public:
  explicit EtcdForTest(size_t members = 1) : members_(members) {
    if (::mkdtemp(folder_.data()) == nullptr) std::abort();
    std::vector<Listener> held;  // until all ports are known, so that they differ
    for (size_t i = 0; i < 2 * members; ++i) {
      held.push_back(Listener::open("tcp:127.0.0.1:0"));
      urls_.push_back("http" + held.back().address().substr(3).insert(1, "//"));
    }
    held.clear();
    for (size_t i = 0; i < members; ++i) start(i);
  }
  ~EtcdForTest() {
    for (size_t i = 0; i < members_; ++i) kill(i);
    std::filesystem::remove_all(folder_);
  }
  EtcdForTest(const EtcdForTest&) = delete;
  EtcdForTest& operator=(const EtcdForTest&) = delete;

  std::string endpoints() const {
    std::string all;
    for (size_t i = 0; i < members_; ++i) all += (i == 0 ? "" : ",") + urls_[2 * i];
    return all;
  }

  void start(size_t i) {
    pids_.resize(members_);
    const std::string name = "m" + std::to_string(i);
    std::string cluster;
    for (size_t m = 0; m < members_; ++m) {
      cluster += (m == 0 ? "m" : ",m") + std::to_string(m) + "=" + urls_[2 * m + 1];
    }
    std::vector<std::string> words = {"/usr/bin/etcd",
                                      "--name=" + name,
                                      "--data-dir=" + folder_ + "/" + name,
                                      "--listen-client-urls=" + urls_[2 * i],
                                      "--advertise-client-urls=" + urls_[2 * i],
                                      "--listen-peer-urls=" + urls_[2 * i + 1],
                                      "--initial-advertise-peer-urls=" + urls_[2 * i + 1],
                                      "--initial-cluster=" + cluster,
                                      "--log-level=error"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pids_[i] = ::fork();
    if (pids_[i] != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_RDWR);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  void kill(size_t i) {
    if (pids_[i] <= 0) return;
    ::kill(pids_[i], SIGKILL);
    ::waitpid(pids_[i], nullptr, 0);
    pids_[i] = 0;
  }

 private:
  const size_t members_;
  std::string folder_ = "/tmp/hemiola-etcd-XXXXXX";
  std::vector<std::string> urls_;  // of each member: for clients, for its peers
  std::vector<pid_t> pids_;
};

#define SKIP_WITHOUT_ETCD() \
  if (!etcd_is_here()) GTEST_SKIP() << "/usr/bin/etcd is not here: apt-get install etcd-server"

}  // namespace hemiola::net
