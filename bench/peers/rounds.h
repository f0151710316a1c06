// How rounds of an all-reduce are timed, by us and by the peers alike.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <vector>

namespace hemiola::bench {

struct Rounds {
  double median_us = 0;
  double least_us = 0;
  double cpu_us = 0;  // of this process, for each round
};

// Every node runs the same number of rounds, so it depends on the size alone.
inline size_t rounds_for(size_t bytes) {
  const size_t wanted = (size_t{256} << 20) / (bytes + (64 << 10));
  return std::clamp<size_t>(wanted, 11, 500);
}

template <class Round>
Rounds time_rounds(size_t bytes, Round&& round) {
  const auto cpu = [] {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e6 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_nsec);
  };
  const size_t count = rounds_for(bytes);
  for (size_t i = 0; i < count / 10 + 2; ++i) round();
  std::vector<double> took(count);
  const double cpu_start = cpu();
  for (double& us : took) {
    const auto start = std::chrono::steady_clock::now();
    round();
    us =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  }
  const double cpu_us = (cpu() - cpu_start) / static_cast<double>(count);
  std::sort(took.begin(), took.end());
  return {took[count / 2], took[0], cpu_us};
}

inline void print_rounds(size_t bytes, const Rounds& rounds) {
  std::printf("ROUND %zu %.2f %.2f %.2f\n", bytes, rounds.median_us, rounds.least_us,
              rounds.cpu_us);
  std::fflush(stdout);
}

}  // namespace hemiola::bench
