// Data sets that `hemiola data NAME` makes of what a machine has.
#pragma once

#include <cstdint>
#include <string>

namespace hemiola {

// A line for each set: its name and what it is.
std::string data_sets_help();

// Makes the set in a folder and says in words what came out. Throws UserError: an unknown name
// (naming the nearest), what the set needs is not on this machine.
std::string make_data_set(const std::string& name, const std::string& folder, uint64_t seed);

}  // namespace hemiola
