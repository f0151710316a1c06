// How the nodes of a job ended, as a table for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hemiola {

struct NodeEnd {
  uint32_t node = 0;
  int process = 0;
  std::string host;
  std::string how;
  double after = 0;       // seconds since the job was launched
  uint32_t restarts = 0;  // of the node by then
};

// A line for each, in order of nodes and time, below a line of heads.
std::string exit_table(std::vector<NodeEnd> ends);

}  // namespace hemiola
