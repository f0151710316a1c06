#include "hemiola/train/launch_table.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace hemiola {

std::string exit_table(std::vector<NodeEnd> ends) {
  std::stable_sort(ends.begin(), ends.end(), [](const NodeEnd& a, const NodeEnd& b) {
    return a.node != b.node ? a.node < b.node : a.after < b.after;
  });
  using Line = std::array<std::string, 6>;
  std::vector<Line> lines = {{"node", "process", "host", "after", "restarts", "how it ended"}};
  for (const NodeEnd& end : ends) {
    char after[32];
    std::snprintf(after, sizeof after, "%.1f s", end.after);
    lines.push_back({std::to_string(end.node), std::to_string(end.process), end.host, after,
                     std::to_string(end.restarts), end.how});
  }
  std::string text;
  for (const Line& line : lines) {
    text += " ";
    for (size_t c = 0; c < line.size(); ++c) {
      size_t width = 0;
      for (const Line& other : lines) width = std::max(width, other[c].size());
      text += " " + line[c];
      if (c + 1 < line.size()) text.append(width - line[c].size() + 1, ' ');
    }
    text += "\n";
  }
  return text;
}

}  // namespace hemiola
