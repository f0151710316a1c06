// The three forms of failure: a broken invariant stops the process, a caller's mistake is an
// exception with the remedy, and the end of a job is an exception that unwinds a worker.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace hemiola {

// A mistake of the user or of calling code. The text says what, where, and what would be right.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown out of a worker's blocking call when the job is over; the text is the job's reason.
class JobEnded : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "hemiola: broken invariant: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace hemiola

// Holds in release builds too.
#define HEMIOLA_CHECK(condition) \
  ((condition) ? (void)0 : ::hemiola::check_failed(#condition, __FILE__, __LINE__))
