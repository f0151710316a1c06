// The one list of all settings: where each lives in a Job, its unit and its effect. Job files,
// key=value overrides, `hemiola options` and the print at the start of a run are made from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

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

// A value as it was written: in a job file by its type, on the command line as text.
struct Typed {
  std::variant<bool, int64_t, double, std::string> value;
};
struct Untyped {
  std::string text;
};

bool is_known(std::string_view key);
bool is_map(std::string_view key);

// Sets one setting. `where` ("job.toml:12", "the command line") goes into the text of the error.
// A map's entries are set one by one: key "sync.tables.items".
// Throws UserError: unknown key (naming the nearest known), wrong type, out of range.
void set(Job& job, std::string_view key, const Typed& value, const std::string& where);
void set(Job& job, std::string_view key, const Untyped& value, const std::string& where);

// Sets from "key=value". Throws UserError.
void set_override(Job& job, std::string_view assignment);

// The value as a job file would write it.
std::string value_text(const Job& job, const Setting& setting);

// Every setting as key and text, from which set() with Untyped makes the same job.
std::vector<std::pair<std::string, std::string>> all_values(const Job& job);

// All settings that have an effect in this job, one line per section.
std::string settings_in_force(const Job& job);

// All settings with their defaults, units and effects, for people.
std::string settings_help();

}  // namespace hemiola
