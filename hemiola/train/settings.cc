#include "hemiola/train/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <type_traits>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/train/nearest.h"

namespace hemiola {
namespace {

// What an optional setting is a value of; other settings are so themselves.
template <class T>
struct Plain {
  using Type = T;
  static constexpr bool optional = false;
};
template <class T>
struct Plain<std::optional<T>> {
  using Type = T;
  static constexpr bool optional = true;
};
template <class T>
using PlainOf = typename Plain<T>::Type;

// Calls f.operator()<T>() with the plain type of the setting.
template <class F>
auto with_type(const Slot& slot, F&& f) {
  return std::visit([&]<class T>(SlotOf<T>) { return f.template operator()<PlainOf<T>>(); }, slot);
}

constexpr double kUnlimited = 4294967295.0;

std::string number_text(double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

std::vector<std::string_view> split(std::string_view list, char by) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const size_t at = std::min(list.find(by), list.size());
    parts.push_back(list.substr(0, at));
    list.remove_prefix(std::min(at + 1, list.size()));
  }
  return parts;
}

std::string words_text(std::string_view words) {
  std::string text;
  const auto list = split(words, '|');
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text += i + 1 == list.size() ? " or " : ", ";
    text.append("\"").append(list[i]).append("\"");
  }
  return text;
}

std::string range_text(const Setting& s) {
  if (s.limits.high >= kUnlimited) return "of at least " + number_text(s.limits.low);
  return "from " + number_text(s.limits.low) + " to " + number_text(s.limits.high);
}

// What a right value looks like.
std::string wanted(const Setting& s) {
  const std::string unit = s.unit.empty() ? "" : " (" + std::string(s.unit) + ")";
  return with_type(s.slot, [&]<class T>() -> std::string {
    if constexpr (std::is_same_v<T, bool>) return "true or false";
    if constexpr (std::is_same_v<T, double>) return "a number " + range_text(s) + unit;
    if constexpr (std::is_same_v<T, TextMap>) return "a table such as { items = \"ssp(2)\" }";
    if constexpr (std::is_same_v<T, std::string>) {
      return s.limits.words.empty() ? "a text" : words_text(s.limits.words);
    }
    return "a whole number " + range_text(s) + unit;
  });
}

std::string shown(const Typed& typed) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, bool>)
          return value ? "true" : "false";
        else if constexpr (std::is_same_v<T, std::string>)
          return "the text \"" + value + "\"";
        else if constexpr (std::is_same_v<T, int64_t>)
          return std::to_string(value);
        else
          return number_text(value);
      },
      typed.value);
}

[[noreturn]] void refuse(const Setting& s, std::string_view key, const std::string& is,
                         const std::string& where) {
  throw UserError("`" + std::string(key) + "` in " + where + " is " + is + ", but must be " +
                  wanted(s));
}

struct Found {
  const Setting* setting = nullptr;
  std::string entry;  // of a map
};

Found find(std::string_view key) {
  for (const Setting& s : all_settings()) {
    if (s.key == key) return {&s, ""};
    if (!std::holds_alternative<SlotOf<TextMap>>(s.slot)) continue;
    if (key.size() > s.key.size() + 1 && key.starts_with(s.key) && key[s.key.size()] == '.') {
      return {&s, std::string(key.substr(s.key.size() + 1))};
    }
  }
  return {};
}

Found find_or_refuse(std::string_view key, const std::string& where) {
  if (Found found = find(key); found.setting) return found;
  std::vector<std::string_view> known;
  for (const Setting& s : all_settings()) known.push_back(s.key);
  std::string text = "unknown key `" + std::string(key) + "` in " + where;
  if (const auto near = nearest_name(key, known)) {
    text += ": did you mean `" + *near + "`?";
  } else {
    text += "; `hemiola options` lists all keys";
  }
  throw UserError(text);
}

// Puts a typed value into a setting's place, or refuses it.
struct Setter {
  Job& job;
  const Setting& s;
  std::string_view key;
  const std::string& entry;
  const Typed& typed;
  const std::string& where;

  [[noreturn]] void wrong() const { refuse(s, key, shown(typed), where); }

  template <class T>
  void operator()(SlotOf<T> slot) const {
    const auto* text = std::get_if<std::string>(&typed.value);
    if (Plain<T>::optional && text && *text == "auto") {
      slot(job) = T{};
    } else {
      slot(job) = read<PlainOf<T>>();
    }
  }
  void operator()(SlotOf<TextMap> slot) const {
    const auto* text = std::get_if<std::string>(&typed.value);
    if (!text || entry.empty()) wrong();
    slot(job)[entry] = *text;
  }

  template <class T>
  T read() const {
    if constexpr (std::is_same_v<T, bool>) {
      const bool* b = std::get_if<bool>(&typed.value);
      return b ? *b : (wrong(), false);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return read_text();
    } else {
      const auto* whole = std::get_if<int64_t>(&typed.value);
      const auto* real = std::get_if<double>(&typed.value);
      if (!whole && !(real && std::is_same_v<T, double>)) wrong();
      const double value = whole ? static_cast<double>(*whole) : *real;
      if (!std::isfinite(value) || value < s.limits.low || value > s.limits.high) wrong();
      return whole ? static_cast<T>(*whole) : static_cast<T>(value);
    }
  }

  std::string read_text() const {
    const auto* text = std::get_if<std::string>(&typed.value);
    if (!text) wrong();
    const auto words = split(s.limits.words, '|');
    if (!words.empty() && std::find(words.begin(), words.end(), *text) == words.end()) wrong();
    return *text;
  }
};

template <class T>
bool parse_all(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return at == end && error == std::errc();
}

// The text as the type that the setting wants; what does not fit stays a text and is refused.
Typed typed_as(const Setting& s, const std::string& text) {
  return with_type(s.slot, [&]<class T>() -> Typed {
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, TextMap>) return {text};
    if (text == "true" || text == "false") return {text == "true"};
    int64_t whole = 0;
    if (parse_all(text, whole)) return {whole};
    double real = 0;
    if (!parse_all(text, real)) return {text};
    // 1e6 is how people write a large whole number.
    const bool is_whole = real == std::floor(real) && std::abs(real) < 9e15;
    if (!std::is_same_v<T, double> && is_whole) return {static_cast<int64_t>(real)};
    return {real};
  });
}

bool in_force(const Job& job, const Setting& setting) {
  for (const auto condition : split(setting.limits.only, ' ')) {
    const size_t at = condition.find('=');
    const Found other = find(condition.substr(0, at));
    HEMIOLA_CHECK(other.setting && at != std::string_view::npos);
    std::string value = value_text(job, *other.setting);
    std::erase(value, '"');
    const auto words = split(condition.substr(at + 1), '|');
    if (std::find(words.begin(), words.end(), value) == words.end()) return false;
  }
  return true;
}

}  // namespace

bool is_known(std::string_view key) { return find(key).setting != nullptr; }

bool is_map(std::string_view key) {
  const Setting* setting = find(key).setting;
  return setting && std::holds_alternative<SlotOf<TextMap>>(setting->slot);
}

void set(Job& job, std::string_view key, const Typed& value, const std::string& where) {
  const Found found = find_or_refuse(key, where);
  std::visit(Setter{job, *found.setting, key, found.entry, value, where}, found.setting->slot);
}

void set(Job& job, std::string_view key, const Untyped& value, const std::string& where) {
  const Found found = find_or_refuse(key, where);
  set(job, key, typed_as(*found.setting, value.text), where);
}

void set_override(Job& job, std::string_view assignment) {
  const size_t at = assignment.find('=');
  if (at == std::string_view::npos || at == 0) {
    throw UserError("`" + std::string(assignment) +
                    "` is no setting; write key=value, such as sync.scheme=async");
  }
  set(job, assignment.substr(0, at), Untyped{std::string(assignment.substr(at + 1))},
      "the command line");
}

namespace {

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(double value) { return number_text(value); }
std::string text_of(const std::string& value) { return "\"" + value + "\""; }
std::string text_of(uint32_t value) { return std::to_string(value); }
std::string text_of(uint64_t value) { return std::to_string(value); }
std::string text_of(const TextMap& map) {
  std::string text;
  for (const auto& [name, value] : map) {
    text += (text.empty() ? " " : ", ") + name + " = \"" + value + "\"";
  }
  return "{" + text + (text.empty() ? "}" : " }");
}
template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "auto";
}

}  // namespace

std::string value_text(const Job& job, const Setting& setting) {
  // Slots give references for writing; here they are only read.
  return std::visit([&](auto slot) { return text_of(slot(const_cast<Job&>(job))); }, setting.slot);
}

std::vector<std::pair<std::string, std::string>> all_values(const Job& job) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const Setting& s : all_settings()) {
    const auto add = [&](auto& value) {
      using T = std::decay_t<decltype(value)>;
      if constexpr (std::is_same_v<T, TextMap>) {
        for (const auto& [name, text] : value)
          values.emplace_back(std::string(s.key) + "." + name, text);
      } else if constexpr (std::is_same_v<T, std::string>) {
        values.emplace_back(s.key, value);
      } else if constexpr (std::is_same_v<T, std::optional<std::string>>) {
        values.emplace_back(s.key, value.value_or("auto"));
      } else {
        values.emplace_back(s.key, text_of(value));
      }
    };
    std::visit([&](auto slot) { add(slot(const_cast<Job&>(job))); }, s.slot);
  }
  return values;
}

std::string settings_in_force(const Job& job) {
  std::string text, section;
  for (const Setting& s : all_settings()) {
    const std::string value = value_text(job, s);
    if (!in_force(job, s) || value == "\"\"" || value == "{}") continue;
    const std::string its_section(s.key.substr(0, s.key.find('.')));
    if (its_section != section) {
      section = its_section;
      if (!text.empty()) text += "\n";
      text.append("[").append(section).append("]");
      text.append(10 - std::min<size_t>(9, section.size() + 2), ' ');
    } else {
      text += "  ";
    }
    text.append(s.key.substr(section.size() + 1)).append(" = ").append(value);
  }
  return text + "\n";
}

std::string settings_help() {
  const Job defaults;
  std::string text, section;
  for (const Setting& s : all_settings()) {
    const std::string its_section(s.key.substr(0, s.key.find('.')));
    if (its_section != section) {
      section = its_section;
      text += (text.empty() ? "[" : "\n[") + section + "]\n";
    }
    char line[64];
    const std::string name(s.key.substr(section.size() + 1));
    std::snprintf(line, sizeof line, "  %-16s %-12s ", name.c_str(),
                  value_text(defaults, s).c_str());
    text += line + std::string(s.effect);
    if (!s.unit.empty()) text += " (" + std::string(s.unit) + ")";
    if (!s.limits.words.empty()) text += ": " + words_text(s.limits.words);
    if (!s.limits.only.empty()) text += " [with " + std::string(s.limits.only) + "]";
    text += "\n";
  }
  return text;
}

}  // namespace hemiola
