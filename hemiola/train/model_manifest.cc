#include "hemiola/train/model_manifest.h"

#include <algorithm>
#include <set>

#include "hemiola/core/check.h"
#include "hemiola/data/json.h"
#include "hemiola/data/lines.h"

namespace hemiola {
namespace {

constexpr std::string_view kFormat = "hemiola model";

Json::Object file_json(const StoredFile& file) {
  return {{"file", file.name}, {"bytes", file.bytes}, {"crc32", file.crc32}};
}

Json table_json(const StoredTable& table) {
  Json::Array shards;
  for (const Shard& s : table.shards) {
    Json::Object json = file_json(s.file);
    json.emplace_back("rows", s.rows);
    shards.emplace_back(std::move(json));
  }
  Json::Object json = {{"name", table.name},
                       {"rows", table.rows},
                       {"columns", table.columns},
                       {"state_columns", table.state_columns}};
  json.emplace_back("names", table.names.name.empty() ? Json() : Json(file_json(table.names)));
  json.emplace_back("shards", std::move(shards));
  return json;
}

// Takes a manifest apart; what is missing or of another kind is told by its path.
class ManifestReader {
 public:
  explicit ManifestReader(const std::string& path) : path_(path) {}

  Manifest read(const Json& json) const {
    if (!json.object() || text(json, "format") != kFormat) fail("its `format` is not that of one");
    const uint64_t version = whole(json, "version", UINT64_MAX);
    if (version != Manifest::kVersion) {
      throw UserError(path_ + " is of version " + std::to_string(version) +
                      "; this program reads version " + std::to_string(Manifest::kVersion));
    }
    Manifest manifest;
    manifest.job = text(json, "job");
    manifest.model = text(json, "model");
    for (const auto& [key, value] : object(json, "settings")) {
      if (!value.text()) fail("`settings." + key + "` is no text");
      manifest.settings[key] = *value.text();
    }
    for (const auto& [key, value] : object(json, "facts")) {
      if (!value.number()) fail("`facts." + key + "` is no number");
      manifest.facts[key] = *value.number();
    }
    std::set<std::string> names;
    for (const Json& t : array(json, "tables")) {
      manifest.tables.push_back(read_table(t));
      if (!names.insert(manifest.tables.back().name).second) {
        fail("it has table `" + manifest.tables.back().name + "` twice");
      }
    }
    if (manifest.tables.empty()) fail("it has no tables");
    return manifest;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(path_ + " is no manifest of a model: " + what);
  }

  const Json& part(const Json& json, const char* key) const {
    const Json* found = json.find(key);
    if (!found) fail(std::string("`") + key + "` is missing");
    return *found;
  }
  const std::string& text(const Json& json, const char* key) const {
    const std::string* found = part(json, key).text();
    if (!found) fail(std::string("`") + key + "` is no text");
    return *found;
  }
  uint64_t whole(const Json& json, const char* key, uint64_t most) const {
    uint64_t value = 0;
    if (!part(json, key).whole(value)) fail(std::string("`") + key + "` is no whole number");
    if (value > most) fail(std::string("`") + key + "` is too large");
    return value;
  }
  uint32_t small(const Json& json, const char* key) const {
    return static_cast<uint32_t>(whole(json, key, UINT32_MAX));
  }
  const Json::Object& object(const Json& json, const char* key) const {
    const auto* found = part(json, key).object();
    if (!found) fail(std::string("`") + key + "` is no object");
    return *found;
  }
  const Json::Array& array(const Json& json, const char* key) const {
    const auto* found = part(json, key).array();
    if (!found) fail(std::string("`") + key + "` is no list");
    return *found;
  }

  StoredFile read_file(const Json& json) const {
    StoredFile file{text(json, "file"), whole(json, "bytes", UINT64_MAX), small(json, "crc32")};
    // Names come from a file: none of them may lead out of the folder.
    if (file.name.empty() || file.name[0] == '.' || file.name.find('/') != file.name.npos ||
        file.name.find('\0') != file.name.npos) {
      fail(shown(file.name) + " is no name of a file beside it");
    }
    return file;
  }

  StoredTable read_table(const Json& json) const {
    StoredTable table;
    table.name = text(json, "name");
    table.rows = small(json, "rows");
    table.columns = small(json, "columns");
    table.state_columns = small(json, "state_columns");
    if (const Json& names = part(json, "names"); !names.is_null()) table.names = read_file(names);
    uint64_t rows = 0;
    for (const Json& s : array(json, "shards")) {
      table.shards.push_back({read_file(s), small(s, "rows")});
      rows += table.shards.back().rows;
    }
    const std::string quoted = "table `" + table.name + "` ";
    if (table.rows == 0 || table.columns == 0) fail(quoted + "has no rows or no columns");
    if (rows != table.rows) {
      fail(quoted + "has " + std::to_string(table.rows) + " rows, but its shards have " +
           std::to_string(rows));
    }
    return table;
  }

  const std::string& path_;
};

}  // namespace

uint64_t Manifest::bytes() const {
  uint64_t sum = 0;
  for (const StoredTable& t : tables) {
    sum += t.names.bytes;
    for (const Shard& s : t.shards) sum += s.file.bytes;
  }
  return sum;
}

std::string to_json(const Manifest& manifest) {
  Json::Object settings, facts;
  for (const auto& [key, value] : manifest.settings) settings.emplace_back(key, value);
  for (const auto& [key, value] : manifest.facts) facts.emplace_back(key, value);
  Json::Array tables;
  for (const StoredTable& t : manifest.tables) tables.push_back(table_json(t));
  return to_text(Json::Object{{"format", kFormat},
                              {"version", Manifest::kVersion},
                              {"job", manifest.job},
                              {"model", manifest.model},
                              {"settings", std::move(settings)},
                              {"facts", std::move(facts)},
                              {"tables", std::move(tables)}},
                 4) +
         "\n";
}

Manifest parse_manifest(std::string_view text, const std::string& path) {
  return ManifestReader(path).read(parse_json(text, path + " is no manifest of a model"));
}

std::string shard_name(const std::string& table, uint32_t rank) {
  return table + "." + std::to_string(rank) + ".safetensors";
}

std::string names_file_name(const std::string& table) { return "names." + table + ".txt"; }

}  // namespace hemiola
