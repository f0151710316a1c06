// `hemiola inspect`: the checkpoints and the model of a run, for people.
#pragma once

#include <iosfwd>
#include <string>

namespace hemiola {

struct InspectOptions {
  std::string folder;
  bool fast = false;  // do not read the files to check them
};

// Writes a paragraph for each. Returns 0 when the newest and the model are
// whole, else 1. Throws UserError when
// there is none at all.
int inspect(const InspectOptions& options, std::ostream& out);

}  // namespace hemiola
