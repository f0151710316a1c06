#include "hemiola/train/launch_places.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "hemiola/core/check.h"
#include "hemiola/net/address.h"
#include "hemiola/net/socket.h"
#include "hemiola/net/view_store.h"

namespace hemiola {
namespace {

// Where node 0 on another machine listens: below the ports that systems give out by themselves.
constexpr uint32_t kFirstPort = 20000;
constexpr uint32_t kPorts = 10000;

template <class T>
void draw(T* into, size_t size) {
  if (::getrandom(into, size, 0) == static_cast<ssize_t>(size)) return;
  throw UserError("cannot draw a secret for the job: " + std::generic_category().message(errno));
}

std::string random_secret() {
  std::string secret(32, '\0');
  draw(secret.data(), secret.size());
  return secret;
}

uint32_t random_port() {
  uint32_t number = 0;
  draw(&number, sizeof number);
  return kFirstPort + number % kPorts;
}

// A port of the loopback interface that is free now.
std::string free_loopback_address() {
  const net::Listener listener = net::Listener::open("tcp:127.0.0.1:0");
  return listener.address();
}

}  // namespace

PrivateFolder::PrivateFolder() : path_("/tmp/hemiola-XXXXXX") {
  if (!::mkdtemp(path_.data())) {
    throw UserError("cannot make a folder in /tmp for the sockets of the nodes: " +
                    std::generic_category().message(errno));
  }
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

LaunchPlaces::LaunchPlaces(const Job& job, const Flags& flags, const LaunchOptions& options)
    : program_(options.program), ssh_(options.ssh), hosts_(options.hosts), common_{job, flags, {}} {
  NodePlace& place = common_.place;
  place.secret = random_secret();
  if (hosts_.empty()) {
    place.rendezvous = by_tcp() ? free_loopback_address() : "unix:" + folder() + "/node0";
    if (goes_on(job) && !in_etcd(job)) place.views = folder() + "/views";
    return;
  }
  for (const std::string& host : hosts_) {
    const net::Address address = net::Address::parse("tcp:" + host + ":1");
    hosts_are_here_ = hosts_are_here_ && net::resolve(address).front().is_local();
  }
  place.rendezvous = job.cluster.rendezvous;
  if (place.rendezvous.empty()) {
    place.rendezvous = "tcp:" + hosts_[0] + ":" + std::to_string(random_port());
  }
}

bool LaunchPlaces::by_tcp() const {
  return !hosts_.empty() || common_.job.cluster.transport == "tcp";
}

Whereabouts LaunchPlaces::where(uint32_t node) const {
  if (hosts_.empty()) return {program_, "", "", ""};
  return {program_, host(node), ssh_, std::filesystem::current_path().string()};
}

NodeOrder LaunchPlaces::order_for(uint32_t node, bool later) {
  NodeOrder order = common_;
  NodePlace& place = order.place;
  place.self = NodeId{node};
  place.comes_later = later;
  draw(&place.instance, sizeof place.instance);
  place.instance |= 1;  // 0 stands for none
  if (!hosts_.empty()) {
    const bool first = node == 0 && !later;
    const uint16_t port = first ? net::Address::parse(place.rendezvous).port : uint16_t{0};
    place.listen = (hosts_are_here_ ? "tcp:127.0.0.1:" : "tcp:0.0.0.0:") + std::to_string(port);
    place.host = host(node);
    order.flags.terminal = order.flags.terminal && node == 0;
  } else if (node == 0 && (!later || !job_has_begun())) {
    place.listen = place.rendezvous;
  } else {
    place.listen = by_tcp() ? "tcp:127.0.0.1:0" : unix_address(node);
  }
  return order;
}

// Until there is a view, nodes know of the first only where to meet.
bool LaunchPlaces::job_has_begun() const {
  return views().empty() || std::filesystem::exists(net::view_file(views()));
}

std::string LaunchPlaces::unix_address(uint32_t node) {
  const uint32_t times = listened_[node]++;
  const std::string name = "unix:" + folder() + "/node" + std::to_string(node);
  return times == 0 && node != 0 ? name : name + "-" + std::to_string(times);
}

}  // namespace hemiola
