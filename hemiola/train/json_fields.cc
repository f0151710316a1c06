#include "hemiola/train/json_fields.h"

#include <limits>

#include "hemiola/core/check.h"
#include "hemiola/data/lines.h"

namespace hemiola {

void JsonFields::fail(const std::string& what) const { throw UserError(about_ + ": " + what); }

const Json& JsonFields::part(const Json& json, const char* key) const {
  const Json* found = json.find(key);
  if (!found) fail(std::string("`") + key + "` is missing");
  return *found;
}

const std::string& JsonFields::text(const Json& json, const char* key) const {
  const std::string* found = part(json, key).text();
  if (!found) fail(std::string("`") + key + "` is no text");
  return *found;
}

uint64_t JsonFields::whole(const Json& json, const char* key, uint64_t most) const {
  uint64_t value = 0;
  if (!part(json, key).whole(value)) fail(std::string("`") + key + "` is no whole number");
  if (value > most) fail(std::string("`") + key + "` is too large");
  return value;
}

uint32_t JsonFields::small(const Json& json, const char* key) const {
  return static_cast<uint32_t>(whole(json, key, UINT32_MAX));
}

double JsonFields::number(const Json& json, const char* key) const {
  const Json& found = part(json, key);
  if (found.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!found.number()) fail(std::string("`") + key + "` is no number");
  return *found.number();
}

const Json::Object& JsonFields::object(const Json& json, const char* key) const {
  const auto* found = part(json, key).object();
  if (!found) fail(std::string("`") + key + "` is no object");
  return *found;
}

const Json::Array& JsonFields::array(const Json& json, const char* key) const {
  const auto* found = part(json, key).array();
  if (!found) fail(std::string("`") + key + "` is no list");
  return *found;
}

const std::string& JsonFields::file_name(const Json& json, const char* key) const {
  const std::string& name = text(json, key);
  if (name.empty() || name[0] == '.' || name.find('/') != name.npos ||
      name.find('\0') != name.npos) {
    fail(shown(name) + " is no name of a file beside it");
  }
  return name;
}

}  // namespace hemiola
