#include "hemiola/train/nearest.h"

#include <algorithm>
#include <vector>

namespace hemiola {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::optional<std::string> nearest_name(std::string_view typed,
                                        std::span<const std::string_view> known) {
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, typed.size() / 3) + 1;
  for (const std::string_view name : known) {
    const std::string_view leaf = name.substr(name.rfind('.') + 1);
    const std::string_view typed_leaf = typed.substr(typed.rfind('.') + 1);
    // A right key in the wrong section, or without one, is nearer than any misspelling of two.
    const size_t moved = typed_leaf == leaf ? 1 : edit_distance(typed_leaf, leaf) + 1;
    const size_t distance = std::min(edit_distance(typed, name), moved);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  if (best.empty()) return std::nullopt;
  return std::string(best);
}

}  // namespace hemiola
