// How many small messages, and how many bytes in large ones, go one way between two nodes in a
// second, against a bare socket? Small: 64 bytes as the socket sees them; the reference copies
// them one by one into a buffer of 64 KB, writes that, and looks at each on arrival. Large: 1 MB.

#include <algorithm>
#include <cstring>
#include <utility>

#include "bench/link_pair.h"

namespace {

using namespace hemiola;
using namespace hemiola::bench;

constexpr int kRounds = 5;

// Bytes per second of `writes` writes of `size` bytes until all have arrived.
double bare(Over over, size_t size, int writes) {
  double rate = 0;
  const size_t total = size * static_cast<size_t>(writes);
  bare_pair(
      over, Cores::two,
      [&](BareSocket& socket) {
        const std::vector<char> data(size);
        const double start = seconds_now();
        for (int i = 0; i < writes; ++i) socket.write_all(data.data(), size);
        char answer;
        socket.read_some(&answer, 1);
        rate = static_cast<double>(total) / (seconds_now() - start);
      },
      [&](BareSocket& socket) {
        std::vector<char> into(std::max(size, size_t{64} << 10));
        for (size_t have = 0; have < total;) have += socket.read_some(into.data(), into.size());
        socket.write_all("!", 1);
      });
  return rate;
}

// The same for `count` messages of 64 bytes that begin with their length.
double bare_gathered(Over over, int count) {
  constexpr size_t kMessage = 64, kBuffer = 1000 * kMessage;
  double rate = 0;
  bare_pair(
      over, Cores::two,
      [&](BareSocket& socket) {
        std::vector<char> buffer(kBuffer);
        char message[kMessage] = {kMessage};
        size_t used = 0;
        const double start = seconds_now();
        for (int i = 0; i < count; ++i) {
          message[1] = static_cast<char>(i);
          std::memcpy(buffer.data() + used, message, kMessage);
          used += kMessage;
          if (used == kBuffer) socket.write_all(buffer.data(), std::exchange(used, 0));
        }
        socket.write_all(buffer.data(), used);
        char answer;
        socket.read_some(&answer, 1);
        rate = kMessage * count / (seconds_now() - start);
      },
      [&](BareSocket& socket) {
        std::vector<char> into(kBuffer + kMessage);
        size_t have = 0, sum = 0;
        for (int seen = 0; seen < count;) {
          have += socket.read_some(into.data() + have, into.size() - have);
          size_t at = 0;
          for (; have - at >= kMessage; at += static_cast<size_t>(into[at]), ++seen) {
            sum += static_cast<size_t>(into[at + 1]);
          }
          std::memmove(into.data(), into.data() + at, have - at);
          have -= at;
        }
        socket.write_all(sum == 1 ? "?" : "!", 1);
      });
  return rate;
}

// `frame`: bytes of a message on the wire.
double nodes(Over over, net::TlsSettings::Use tls, size_t frame, uint32_t copies, int calls) {
  double rate = 0;
  node_pair(
      over, Cores::two, tls,
      [&](WorkerPort& port) {
        std::vector<net::ToyEcho::Echo> window(4);
        for (auto& echo : window) {
          echo.peer = NodeId{1};
          echo.body = std::move(MutableBytes(frame - net::kHeaderBytes)).freeze();
          echo.copies = copies;
        }
        const double start = seconds_now();
        for (int i = 0; i < calls; ++i) {
          auto& echo = window[static_cast<size_t>(i) % window.size()];
          if (i >= static_cast<int>(window.size())) port.wait(echo);
          port.post(echo);
        }
        for (auto& echo : window) port.wait(echo);
        rate = static_cast<double>(frame) * copies * calls / (seconds_now() - start);
      },
      [](WorkerPort&) {});
  return rate;
}

double best(const std::function<double()>& measure) {
  double most = 0;
  for (int i = 0; i < kRounds; ++i) most = std::max(most, measure());
  return most;
}

void compare(const char* name, Over over, net::TlsSettings::Use tls) {
  constexpr double kMessages = 64e6, kMegabytes = 1e6;
  const double small = best([&] { return bare_gathered(over, 2'000'000); });
  const double ours = best([&] { return nodes(over, tls, 64, 1'000, 2'000); });
  std::printf("streaming %-13s  64 B: bare %5.1f M/s  nodes %5.1f M/s  ratio %.2f\n", name,
              small / kMessages, ours / kMessages, ours / small);
  const size_t frame = size_t{1} << 20;
  const double large = best([&] { return bare(over, frame, 400); });
  const double ours_large = best([&] { return nodes(over, tls, frame, 20, 20); });
  std::printf("streaming %-13s  1 MB: bare %5.0f MB/s  nodes %5.0f MB/s  ratio %.2f\n", name,
              large / kMegabytes, ours_large / kMegabytes, ours_large / large);
}

}  // namespace

int main() {
  using Use = hemiola::net::TlsSettings::Use;
  compare("unix", Over::unix_sockets, Use::never);
  compare("tcp", Over::tcp, Use::never);
  compare("tcp encrypted", Over::tcp, Use::always);
}
