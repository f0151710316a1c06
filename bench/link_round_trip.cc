// How long does a 64-byte request and its 64-byte answer take, from a worker over its node to the
// machine of another process and back, against the same over a bare socket in epoll?

#include <algorithm>

#include "bench/link_pair.h"

namespace {

using namespace hemiola;
using namespace hemiola::bench;

constexpr int kTrips = 6'000;
constexpr int kRounds = 5;
constexpr size_t kBytes = 64;

double median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <class Trip>
double median_trip(Trip trip) {
  std::vector<double> times(kTrips);
  for (double& time : times) {
    const double start = seconds_now();
    trip();
    time = seconds_now() - start;
  }
  return median(times);
}

double bare(Over over, Cores cores) {
  double result = 0;
  bare_pair(
      over, cores,
      [&](BareSocket& socket) {
        char buffer[kBytes] = {};
        result = median_trip([&] {
          socket.write_all(buffer, kBytes);
          socket.read_some(buffer, kBytes);
        });
      },
      [](BareSocket& socket) {
        char buffer[kBytes];
        while (socket.read_some(buffer, kBytes) > 0) socket.write_all(buffer, kBytes);
      });
  return result;
}

// far_busy: the far node's worker is not waiting, so the thread of its loop answers.
double nodes(Over over, Cores cores, net::TlsSettings::Use tls, bool far_busy) {
  double result = 0;
  node_pair(
      over, cores, tls,
      [&](WorkerPort& port) {
        net::ToyEcho::Echo echo;
        echo.peer = NodeId{1};
        echo.body = Bytes::copy_of(std::string(kBytes - net::kHeaderBytes - 4, 'x'));
        result = median_trip([&] { port.call(echo); });
        echo.body = Bytes::copy_of("end");
      },
      [&](WorkerPort& port) {
        if (far_busy) port.sleep(milliseconds(150));
      });
  return result;
}

void compare(const char* name, Over over, Cores cores, net::TlsSettings::Use tls) {
  std::vector<double> plain, waiting, busy;
  for (int i = 0; i < kRounds; ++i) {
    plain.push_back(bare(over, cores));
    waiting.push_back(nodes(over, cores, tls, false));
    busy.push_back(nodes(over, cores, tls, true));
  }
  const double reference = median(plain);
  const double a = median(waiting), b = median(busy);
  std::printf(
      "round trip %-4s on %s: bare %5.1f us   nodes %5.1f us  ratio %.2f   answered by the "
      "loop's thread %5.1f us  ratio %.2f\n",
      name, cores == Cores::one ? "1 core " : "2 cores", reference * 1e6, a * 1e6, a / reference,
      b * 1e6, b / reference);
}

}  // namespace

int main() {
  using Use = hemiola::net::TlsSettings::Use;
  for (const Cores cores : {Cores::one, Cores::two}) {
    compare("unix", Over::unix_sockets, cores, Use::never);
    compare("tcp", Over::tcp, cores, Use::never);
    compare("tls", Over::tcp, cores, Use::always);
  }
}
