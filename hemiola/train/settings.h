// What is done with the list of all settings: values are set from job files and key=value
// overrides, and shown by `hemiola options` and at the start of a run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hemiola/train/setting_list.h"

namespace hemiola {

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
