// What computing costs on this machine, for the simulator: nanoseconds per example and kind of
// model, kept in a small JSON file.
#pragma once

#include <optional>
#include <string>

#include "hemiola/train/options.h"

namespace hemiola {

// Jobs with the same key cost about the same: "mf factors=16 adagrad nodes".
std::string calibration_key(const Job& job);

// None: the file is not there, or does not speak of such jobs. Throws UserError for a file that
// cannot be understood.
std::optional<double> read_calibration(const std::string& path, const Job& job);
// Keeps what the file says of other jobs.
void write_calibration(const std::string& path, const Job& job, double ns_per_example);

// From the summary of a real run: time of training, over examples and without waits.
double ns_per_example_of(const std::string& summary_path);

}  // namespace hemiola
