// All JSON that is written or read; the library for it is included in the source of this alone.
#pragma once

#include <map>
#include <string>

#include "hemiola/train/summary.h"

namespace hemiola {

std::string to_json(const Summary& summary);         // many lines
std::string to_json_line(const EpochRecord& epoch);  // one line, ended
std::string to_json(const std::map<std::string, double>& numbers);

// The numbers of an object; those of objects within as "time/compute". Throws UserError naming
// `path` for a text that is no JSON object.
std::map<std::string, double> numbers_in_json(const std::string& text, const std::string& path);

}  // namespace hemiola
