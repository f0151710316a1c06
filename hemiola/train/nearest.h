// The known name that a mistyped one most likely meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hemiola {

// Insertions, deletions, changes and swaps of neighbours that lead from one word to the other.
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, or none when nothing is near enough to be meant. A known name with a
// dot is also compared by what stands after its last dot, so `epochs` finds `train.epochs`.
std::optional<std::string> nearest_name(std::string_view typed,
                                        std::span<const std::string_view> known);

}  // namespace hemiola
