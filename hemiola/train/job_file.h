// Reads a job from a TOML file.
#pragma once

#include <string>
#include <string_view>

#include "hemiola/train/options.h"

namespace hemiola {

// Paths in the file are relative to the file; they come out relative to the working directory.
// Throws UserError with file and line for everything that is not right.
Job read_job_file(const std::string& path);

// The same from text; `path` is only used in messages and for relative paths.
Job parse_job(std::string_view text, const std::string& path);

}  // namespace hemiola
