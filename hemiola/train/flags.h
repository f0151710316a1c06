// What a run is told on the command line and not in the job: where output goes, how much is
// said, and what the simulated or disturbed world is like.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hemiola/core/types.h"

namespace hemiola {

// The checkpoint that a run goes on from.
struct ResumeFlags {
  std::string path;  // empty: the run begins
  uint32_t epoch = 0;
  uint32_t planned_workers = 0;  // for how many the training data were cut
  // By number, of those in the run's own folder: the one that it goes on from, and the last that
  // was there, which is damaged if it is another. Both 0: that is elsewhere.
  uint32_t number = 0, last = 0;

  explicit operator bool() const { return !path.empty(); }
};

struct Flags {
  std::string out;  // folder of summary.json and metrics.jsonl
  ResumeFlags resume;
  bool json = false;      // standard output is the summary's JSON and nothing else
  bool quiet = false;     // only warnings and errors
  bool verbose = false;   // the log too
  bool terminal = false;  // output goes to one
  bool colour = false;

  // Disturbances of steps, in both worlds.
  double stall_chance = 0;  // a step stops so often
  Duration stall = milliseconds(50);
  uint32_t throwing_node = 0;  // whose workers fail
  uint64_t throwing_step = 0;  // at that step, counted from 1; 0: they do not

  // Of the simulator alone.
  Duration latency = microseconds(50);
  Duration jitter = microseconds(10);
  double bandwidth_bytes_per_second = 1.25e9;           // of each node and direction
  double ns_per_example = 0;                            // computing; 0: as calibrated
  std::vector<std::pair<uint32_t, double>> slow_nodes;  // node, times as slow
  double spread = 0;  // a step takes up to this share longer or shorter
};

// "50us", "1.5ms", "2s", "40ns". Throws UserError that names the flag.
Duration parse_duration(const std::string& text, const std::string& flag);
// The same as a number of nanoseconds, with its fraction: "0.4ns".
double parse_nanoseconds(const std::string& text, const std::string& flag);
// "10Gbit", "100Mbit" in bits per second, "1.25GB" in bytes; gives bytes per second.
double parse_bandwidth(const std::string& text, const std::string& flag);
// "2:100": a node and a step, counted from 1.
std::pair<uint32_t, uint64_t> parse_throw(const std::string& text, const std::string& flag);
// "3:6x" or "3:6".
std::pair<uint32_t, double> parse_slow_node(const std::string& text, const std::string& flag);

}  // namespace hemiola
