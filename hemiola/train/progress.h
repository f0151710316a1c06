// What people see while a run goes on: one live line on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include "hemiola/core/machine.h"
#include "hemiola/train/flags.h"
#include "hemiola/train/summary.h"

namespace hemiola {

std::string human_count(double count);      // "12.3 M"
std::string human_bytes(uint64_t bytes);    // "12.3 MB"
std::string human_seconds(double seconds);  // "3.2 s", "4 min 10 s"

// Where a run stands in the middle of an epoch.
struct LiveState {
  uint32_t epoch = 0;  // from 1
  uint32_t epochs = 0;
  double epoch_share = 0;         // of the epoch that is done
  double loss = 0;                // mean so far, of the reporting worker
  double samples_per_second = 0;  // of the whole job
  uint32_t nodes = 1;
  double staleness = 0;  // mean age of what was read, in clocks
  double seconds_left = 0;
};

std::string live_line(const LiveState& state);
std::string epoch_line(const EpochRecord& epoch, uint32_t epochs);
// What a run ends with.
std::string result_lines(const Summary& summary, const std::string& folder);

struct ProgressOptions {
  std::FILE* out = stdout;
  bool quiet = false;     // nothing but warnings and errors
  bool terminal = false;  // `out` is one: the live line may be drawn over and over
  bool colour = false;
  Level lowest = Level::warning;  // of the log lines that are shown
};

// With --json people's text goes to standard error.
ProgressOptions progress_options(const Flags& flags);

// Thread safety: all calls from any thread.
class Progress {
 public:
  explicit Progress(ProgressOptions options) : options_(options) {}
  ~Progress() { clear_live(); }

  void text(std::string_view lines);  // as it is
  void epoch(const EpochRecord& epoch, uint32_t epochs);
  void result(const Summary& summary, const std::string& folder);
  void log(Level level, std::string_view line);

  // Is it time to draw a new live line? Cheap; at most five a second. Both by worker 0 only.
  bool wants_live();
  void live(const LiveState& state);

 private:
  void clear_live();
  void write(std::string_view text);

  const ProgressOptions options_;
  std::mutex mutex_;  // guards the output and what is below
  bool live_shown_ = false;
  std::chrono::steady_clock::time_point last_live_;
};

}  // namespace hemiola
