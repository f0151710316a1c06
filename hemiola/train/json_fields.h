// The fields of a JSON object that somebody else may have written: what is missing or of another
// kind is told by its path.
#pragma once

#include <cstdint>
#include <string>

#include "hemiola/data/json.h"

namespace hemiola {

class JsonFields {
 public:
  // Errors begin with `about`: "DIR/manifest.json is no manifest of a model".
  explicit JsonFields(std::string about) : about_(std::move(about)) {}

  // Throws UserError, as all others do.
  [[noreturn]] void fail(const std::string& what) const;

  const Json& part(const Json& json, const char* key) const;
  const std::string& text(const Json& json, const char* key) const;
  uint64_t whole(const Json& json, const char* key, uint64_t most) const;
  uint32_t small(const Json& json, const char* key) const;
  // NaN where null stands, which is how numbers that are not finite are written.
  double number(const Json& json, const char* key) const;
  const Json::Object& object(const Json& json, const char* key) const;
  const Json::Array& array(const Json& json, const char* key) const;
  // The name of a file in the folder: names come from a file, and none may lead out of it.
  const std::string& file_name(const Json& json, const char* key) const;

 private:
  const std::string about_;
};

}  // namespace hemiola
