// What was typed, understood: which command, for which job, with what changed.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hemiola/train/export.h"
#include "hemiola/train/flags.h"
#include "hemiola/train/inspect.h"
#include "hemiola/train/launch.h"
#include "hemiola/train/options.h"
#include "hemiola/train/predict.h"

namespace hemiola {

enum class Verb : uint8_t {
  train,
  sim,
  calibrate,
  options,
  data,
  export_model,
  predict,
  join,
  leave,
  node,
  keep_views,
  inspect
};

struct DataOptions {
  std::string name;  // empty: list them
  std::string out;   // empty: runs/ and the name
  uint64_t seed = 1;
};

// What --resume asks for.
struct ResumeOptions {
  bool asked = false;
  std::string from;  // empty: the folder of the run's own checkpoints
};

// Of Verb::join and Verb::leave: so many nodes, or these.
struct NodesOptions {
  uint32_t count = 1;
  std::vector<uint32_t> nodes;
};

struct Command {
  Verb verb{};
  std::string job_file;
  std::vector<std::string> overrides;  // "key=value"
  Flags flags;                         // out empty: not said
  std::string calibration = "runs/calibration.json";
  LaunchOptions launching;  // program empty
  NodesOptions nodes;
  DataOptions data;
  ExportOptions exporting;
  PredictOptions predicting;
  ResumeOptions resuming;
  InspectOptions inspecting;
  // Of Verb::node and Verb::keep_views, which only the launcher uses.
  int control_fd = -1;
  std::string views;
};

// There is nothing more to do: help or a version was asked for, or the words made no sense.
struct Stop {
  int status = 0;  // 2: usage
  std::string text;
};

// Throws UserError for a value that its flag cannot have.
std::variant<Command, Stop> parse_command_line(int argc, const char* const* argv);

// The job of a command: file, then overrides; to be resolved. Throws UserError.
Job job_of(const Command& command);

}  // namespace hemiola
