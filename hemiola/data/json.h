// JSON as far as file headers and manifests need it: read strictly, written compactly.
//
// Whole numbers are exact up to 2^53; larger ones are refused. Keys of an object keep their order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hemiola {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  Json(bool v) : value_(v) {}
  Json(double v) : value_(v) {}
  Json(uint64_t v) : value_(static_cast<double>(v)) {}
  Json(uint32_t v) : value_(static_cast<double>(v)) {}
  Json(std::string v) : value_(std::move(v)) {}
  Json(std::string_view v) : value_(std::string(v)) {}
  Json(const char* v) : value_(std::string(v)) {}
  Json(Array v) : value_(std::move(v)) {}
  Json(Object v) : value_(std::move(v)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  // nullptr: it is something else.
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const double* number() const { return std::get_if<double>(&value_); }
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  // nullptr: no object, or no such key in it.
  const Json* find(std::string_view key) const;
  // A whole number from 0 to 2^53; false: it is none.
  bool whole(uint64_t& out) const;

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, double, std::string, Array, Object> value_;
};

// The whole text is one value, with white space around it at most. Throws UserError
// "PLACE: what is wrong at byte N", also for a key that occurs twice in an object and for values
// nested deeper than 64.
Json parse_json(std::string_view text, const std::string& place);

// On one line; with `indent`, each entry of the outer `indent` levels on a line of its own. Bytes
// that are no UTF-8 are written as U+FFFD, numbers that are not finite as null.
std::string to_text(const Json& value, unsigned indent = 0);

}  // namespace hemiola
