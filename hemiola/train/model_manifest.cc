#include "hemiola/train/model_manifest.h"

#include <algorithm>
#include <set>

#include "hemiola/core/check.h"
#include "hemiola/data/json.h"
#include "hemiola/train/json_fields.h"

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

class ManifestReader {
 public:
  explicit ManifestReader(const std::string& path)
      : path_(path), in_(path + " is no manifest of a model") {}

  Manifest read(const Json& json) const {
    if (!json.object() || in_.text(json, "format") != kFormat) {
      in_.fail("its `format` is not that of one");
    }
    const uint64_t version = in_.whole(json, "version", UINT64_MAX);
    if (version != Manifest::kVersion) {
      throw UserError(path_ + " is of version " + std::to_string(version) +
                      "; this program reads version " + std::to_string(Manifest::kVersion));
    }
    Manifest manifest;
    manifest.job = in_.text(json, "job");
    manifest.model = in_.text(json, "model");
    for (const auto& [key, value] : in_.object(json, "settings")) {
      if (!value.text()) in_.fail("`settings." + key + "` is no text");
      manifest.settings[key] = *value.text();
    }
    for (const auto& [key, value] : in_.object(json, "facts")) {
      if (!value.number()) in_.fail("`facts." + key + "` is no number");
      manifest.facts[key] = *value.number();
    }
    std::set<std::string> names;
    for (const Json& t : in_.array(json, "tables")) {
      manifest.tables.push_back(read_table(t));
      if (!names.insert(manifest.tables.back().name).second) {
        in_.fail("it has table `" + manifest.tables.back().name + "` twice");
      }
    }
    if (manifest.tables.empty()) in_.fail("it has no tables");
    return manifest;
  }

 private:
  StoredFile read_file(const Json& json) const {
    return {in_.file_name(json, "file"), in_.whole(json, "bytes", UINT64_MAX),
            in_.small(json, "crc32")};
  }

  StoredTable read_table(const Json& json) const {
    StoredTable table;
    table.name = in_.text(json, "name");
    table.rows = in_.small(json, "rows");
    table.columns = in_.small(json, "columns");
    table.state_columns = in_.small(json, "state_columns");
    const Json& names = in_.part(json, "names");
    if (!names.is_null()) table.names = read_file(names);
    uint64_t rows = 0;
    for (const Json& s : in_.array(json, "shards")) {
      table.shards.push_back({read_file(s), in_.small(s, "rows")});
      rows += table.shards.back().rows;
    }
    const std::string quoted = "table `" + table.name + "` ";
    if (table.rows == 0 || table.columns == 0) in_.fail(quoted + "has no rows or no columns");
    if (rows != table.rows) {
      in_.fail(quoted + "has " + std::to_string(table.rows) + " rows, but its shards have " +
               std::to_string(rows));
    }
    return table;
  }

  const std::string& path_;
  const JsonFields in_;
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
