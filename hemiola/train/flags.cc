#include "hemiola/train/flags.h"

#include <charconv>
#include <span>
#include <string_view>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// A number and one of the units. NaN never comes out: what is not understood is thrown.
double parse_quantity(const std::string& text, const std::string& flag, std::span<const Unit> units,
                      const std::string& example) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && number >= 0 && number < 1e18) {
    const std::string_view rest(at, static_cast<size_t>(end - at));
    for (const Unit& unit : units) {
      if (rest == unit.name) return number * unit.factor;
    }
  }
  throw UserError("`" + text + "` is no value for " + flag + "; write for example " + example);
}

}  // namespace

double parse_nanoseconds(const std::string& text, const std::string& flag) {
  static constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  return parse_quantity(text, flag, kUnits, "50us");
}

Duration parse_duration(const std::string& text, const std::string& flag) {
  return nanoseconds(static_cast<int64_t>(parse_nanoseconds(text, flag)));
}

double parse_bandwidth(const std::string& text, const std::string& flag) {
  static constexpr Unit kUnits[] = {{"Gbit", 1e9 / 8}, {"Mbit", 1e6 / 8}, {"kbit", 1e3 / 8},
                                    {"GB", 1e9},       {"MB", 1e6},       {"kB", 1e3}};
  return parse_quantity(text, flag, kUnits, "10Gbit");
}

std::pair<uint32_t, uint64_t> parse_throw(const std::string& text, const std::string& flag) {
  const auto read = [](const char*& at, const char* end, auto& number) {
    const auto [behind, error] = std::from_chars(at, end, number);
    at = behind;
    return error == std::errc();
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  std::pair<uint32_t, uint64_t> where{};
  const bool whole = read(at, end, where.first) && at != end && *at++ == ':' &&
                     read(at, end, where.second) && at == end && where.second > 0;
  if (!whole)
    throw UserError("`" + text + "` is no value for " + flag + "; write for example 2:100");
  return where;
}

std::pair<uint32_t, double> parse_slow_node(const std::string& text, const std::string& flag) {
  const size_t colon = text.find(':');
  uint32_t node = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), node);
  if (colon == std::string::npos || error != std::errc() || at != text.data() + colon) {
    throw UserError("`" + text + "` is no value for " + flag + "; write for example 3:6x");
  }
  static constexpr Unit kUnits[] = {{"x", 1}, {"", 1}};
  const double times = parse_quantity(text.substr(colon + 1), flag, kUnits, "3:6x");
  if (times <= 0) throw UserError("a node of " + flag + " cannot be 0 times as slow");
  return {node, times};
}

}  // namespace hemiola
