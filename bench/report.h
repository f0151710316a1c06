// How a bench says what it found: lines that people and bench/compare.py read alike.
#pragma once

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

namespace hemiola::bench {

// RESULT name value unit budget; budget is "<=1.3", ">=0.7", or "-" for none.
inline void result(const std::string& name, double value, const char* unit,
                   const char* budget = "-") {
  std::printf("RESULT %s %.4g %s %s\n", name.c_str(), value, unit, budget);
  std::fflush(stdout);
}

inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// CPU time of the whole process, all threads.
inline double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Keeps the compiler from dropping a result.
template <class T>
void use(T& value) {
  asm volatile("" : "+m"(value)::"memory");
}

}  // namespace hemiola::bench
