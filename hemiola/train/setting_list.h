// The one list of all settings: where each lives in a Job, its unit and its effect. Job files,
// key=value overrides, `hemiola options` and the print at the start of a run are made from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "hemiola/train/options.h"

namespace hemiola {

using TextMap = std::map<std::string, std::string>;
// Where a setting lives in a Job. An optional one says "auto" until it is set.
template <class T>
using SlotOf = T& (*)(Job&);
using Slot = std::variant<SlotOf<bool>, SlotOf<uint32_t>, SlotOf<uint64_t>, SlotOf<double>,
                          SlotOf<std::string>, SlotOf<std::optional<uint64_t>>,
                          SlotOf<std::optional<double>>, SlotOf<std::optional<std::string>>,
                          SlotOf<TextMap>>;

// What a value may be, and when it matters.
struct Limits {
  double low = 0;
  double high = 4294967295.0;
  std::string_view words = {};  // one of those between bars
  // "model.kind=mf": has an effect only then; several conditions, by blanks: with all of them.
  std::string_view only = {};
};

struct Setting {
  std::string_view key;  // "sync.scheme"
  Slot slot;
  std::string_view unit;    // "" for a bare number, a word or a text
  std::string_view effect;  // one line
  Limits limits = {};
};

std::span<const Setting> all_settings();

}  // namespace hemiola
