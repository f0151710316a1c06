// Which pattern of an all-reduce is the fastest where every process has a link to every other? The
// patterns alone, on bare Unix sockets between bound processes: no frames, no checksums, no loop.
//
//   whole    everybody's vector to everybody, one hop                    (Reduction, short vectors)
//   blocks   each adds up a block and sends it to all, two hops          (Reduction, all others)
//   star     all to process 0, which sends the sum to all, two hops
//   tree     the same along a binomial tree, 2 log n hops
//   halving  recursive halving, then doubling, 2 log n hops
//   ring     blocks go round twice, 2 (n - 1) hops
//
// Sums of `halving` and `ring` are the same bits everywhere, since each block is added up in one
// place, but in an order that differs from block to block.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "bench/peers/rounds.h"
#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola::bench {
namespace {

struct Transfer {
  uint32_t peer;
  char* at;
  size_t left;
  bool out;
};

// One process; fds[p] is its end of the link to p.
class Rank {
 public:
  Rank(uint32_t self, std::vector<int> fds, size_t floats)
      : self_(self), nodes_(static_cast<uint32_t>(fds.size())), fds_(std::move(fds)) {
    values_.assign(floats, static_cast<float>(self));
    got_.resize(floats * nodes_);
  }

  std::span<float> values() { return values_; }

  void whole() {
    for_others([&](uint32_t p) {
      send(p, values_.data(), values_.size());
      receive(p, room(p), values_.size());
    });
    run();
    for_others([&](uint32_t p) { add(0, values_.size(), room(p)); });
  }

  void blocks() {
    for_others([&](uint32_t p) {
      send(p, &values_[first(p)], count(p));
      receive(p, room(p), count(self_));
    });
    run();
    for_others([&](uint32_t p) { add(first(self_), count(self_), room(p)); });
    for_others([&](uint32_t p) {
      send(p, &values_[first(self_)], count(self_));
      receive(p, &values_[first(p)], count(p));
    });
    run();
  }

  void star() {
    if (self_ == 0) {
      for_others([&](uint32_t p) { receive(p, room(p), values_.size()); });
      run();
      for_others([&](uint32_t p) { add(0, values_.size(), room(p)); });
      for_others([&](uint32_t p) { send(p, values_.data(), values_.size()); });
    } else {
      send(0, values_.data(), values_.size());
      run();
      receive(0, values_.data(), values_.size());
    }
    run();
  }

  void tree() {
    uint32_t bit = 1;
    for (; bit < nodes_ && !(self_ & bit); bit *= 2) {
      if (self_ + bit >= nodes_) continue;
      receive(self_ + bit, room(0), values_.size());
      run();
      add(0, values_.size(), room(0));
    }
    if (self_ != 0) {
      send(self_ - bit, values_.data(), values_.size());
      run();
      receive(self_ - bit, values_.data(), values_.size());
      run();
    }
    for (bit /= 2; bit > 0; bit /= 2) {
      if (self_ + bit < nodes_) send(self_ + bit, values_.data(), values_.size());
    }
    run();
  }

  // REQUIRES: a power of two of processes.
  void halving() {
    uint32_t low = 0, size = nodes_;  // the blocks of which this process still adds up
    for (uint32_t half = nodes_ / 2; half > 0; half /= 2) {
      const uint32_t peer = self_ ^ half;
      const uint32_t mine = low + (self_ & half ? half : 0),
                     other = low + (self_ & half ? 0 : half);
      send(peer, &values_[first(other)], first(other + half) - first(other));
      receive(peer, room(0), first(mine + half) - first(mine));
      run();
      add(first(mine), first(mine + half) - first(mine), room(0));
      low = mine;
      size = half;
    }
    for (; size < nodes_; size *= 2) {
      const uint32_t peer = self_ ^ size, other = low ^ size;
      send(peer, &values_[first(low)], first(low + size) - first(low));
      receive(peer, &values_[first(other)], first(other + size) - first(other));
      run();
      low = std::min(low, other);
    }
  }

  void ring() {
    const uint32_t next = (self_ + 1) % nodes_, before = (self_ + nodes_ - 1) % nodes_;
    for (uint32_t step = 0; step + 1 < 2 * nodes_ - 1; ++step) {
      const bool adds = step + 1 < nodes_;
      const uint32_t given = (self_ + 2 * nodes_ - step) % nodes_;
      const uint32_t taken = (self_ + 2 * nodes_ - 1 - step) % nodes_;
      send(next, &values_[first(given)], count(given));
      receive(before, adds ? room(0) : &values_[first(taken)], count(taken));
      run();
      if (adds) add(first(taken), count(taken), room(0));
    }
  }

 private:
  size_t first(uint32_t block) const { return values_.size() * block / nodes_; }
  size_t count(uint32_t block) const { return first(block + 1) - first(block); }
  float* room(uint32_t p) { return &got_[values_.size() * p]; }
  void add(size_t at, size_t n, const float* x) { vec().add(&values_[at], x, n); }

  template <class F>
  void for_others(F&& f) {
    for (uint32_t step = 1; step < nodes_; ++step) f((self_ + step) % nodes_);
  }

  void send(uint32_t p, float* from, size_t n) {
    open_.push_back({p, reinterpret_cast<char*>(from), n * sizeof(float), true});
  }
  void receive(uint32_t p, float* to, size_t n) {
    open_.push_back({p, reinterpret_cast<char*>(to), n * sizeof(float), false});
  }

  // Until all that was begun is done: looks for a moment, then sleeps.
  void run() {
    for (int in_vain = 0; !open_.empty();) {
      bool any = false;
      for (Transfer& t : open_) {
        const ssize_t n = t.out ? ::send(fds_[t.peer], t.at, t.left, MSG_NOSIGNAL)
                                : ::recv(fds_[t.peer], t.at, t.left, 0);
        HEMIOLA_CHECK(n > 0 || (n < 0 && errno == EAGAIN));
        if (n <= 0) continue;
        any = true;
        t.at += n, t.left -= static_cast<size_t>(n);
      }
      std::erase_if(open_, [](const Transfer& t) { return t.left == 0; });
      if (any) {
        in_vain = 0;
      } else if (++in_vain < 20) {
        sched_yield();
      } else {
        sleep();
      }
    }
  }

  void sleep() {
    std::vector<pollfd> polled;
    for (const Transfer& t : open_) {
      polled.push_back({fds_[t.peer], static_cast<short>(t.out ? POLLOUT : POLLIN), 0});
    }
    poll(polled.data(), polled.size(), -1);
  }

  const uint32_t self_, nodes_;
  const std::vector<int> fds_;
  std::vector<float> values_, got_;
  std::vector<Transfer> open_;
};

struct Pattern {
  const char* name;
  void (Rank::*round)();
};

int run_rank(const Pattern& pattern, Rank& rank, uint32_t self, uint32_t nodes, size_t bytes,
             Rounds& rounds) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(self % static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_ONLN)), &set);
  sched_setaffinity(0, sizeof set, &set);
  (rank.*pattern.round)();
  const auto sum = static_cast<float>(nodes * (nodes - 1) / 2);
  for (float& value : rank.values()) {
    if (value != sum) return 1;
    value = 0;
  }
  const Rounds mine = time_rounds(bytes, [&] { (rank.*pattern.round)(); });
  if (self == 0) rounds = mine;
  return 0;
}

double median_us(const Pattern& pattern, uint32_t nodes, size_t bytes) {
  auto* rounds = static_cast<Rounds*>(
      mmap(nullptr, sizeof(Rounds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::vector<std::vector<int>> ends(nodes, std::vector<int>(nodes, -1));
  for (uint32_t a = 0; a < nodes; ++a) {
    for (uint32_t b = a + 1; b < nodes; ++b) {
      int pair[2];
      HEMIOLA_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
      ends[a][b] = pair[0], ends[b][a] = pair[1];
      const int room = 1 << 20;
      for (const int end : pair) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    }
  }
  for (uint32_t self = 0; self < nodes; ++self) {
    if (fork() != 0) continue;
    Rank rank(self, ends[self], bytes / sizeof(float));
    std::_Exit(run_rank(pattern, rank, self, nodes, bytes, *rounds));
  }
  for (uint32_t n = 0; n < nodes; ++n) {
    int status = 0;
    wait(&status);
    if (status != 0) {
      std::printf("%s: a sum is wrong\n", pattern.name);
      std::exit(1);
    }
  }
  for (const auto& row : ends) {
    for (const int end : row) close(end);
  }
  const double median = rounds->median_us;
  munmap(rounds, sizeof(Rounds));
  return median;
}

void compare(uint32_t nodes) {
  constexpr int kTurns = 5;
  const Pattern patterns[] = {{"whole", &Rank::whole},     {"blocks", &Rank::blocks},
                              {"star", &Rank::star},       {"tree", &Rank::tree},
                              {"halving", &Rank::halving}, {"ring", &Rank::ring}};
  std::printf("\n%u processes, microseconds\n\n| size |", nodes);
  for (const Pattern& pattern : patterns) std::printf(" %s |", pattern.name);
  std::printf("\n|---|---|---|---|---|---|---|\n");
  for (size_t bytes = 1024; bytes <= 16 << 20; bytes *= 4) {
    std::vector<std::vector<double>> took(std::size(patterns));
    for (int turn = 0; turn < kTurns; ++turn) {
      for (size_t i = 0; i < std::size(patterns); ++i) {
        took[i].push_back(median_us(patterns[i], nodes, bytes));
      }
    }
    std::printf("| %zu KB |", bytes >> 10);
    for (auto& times : took) {
      std::sort(times.begin(), times.end());
      std::printf(" %.0f |", times[kTurns / 2]);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  hemiola::bench::compare(2);
  hemiola::bench::compare(4);
}
