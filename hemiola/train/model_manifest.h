// What a saved model consists of: the text of its manifest.json, understood.
//
//   DIR/model/manifest.json              written last, so that a model is whole or not there
//   DIR/model/TABLE.RANK.safetensors     the rows that node RANK owned: keys (rows), values
//                                        (rows x columns), state (rows x state columns, if any)
//   DIR/model/names.TABLE.txt            a line for each row, where rows have names
//
// docs/using-a-model.md describes the format for those who read it without this program.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hemiola {

inline constexpr std::string_view kManifestFile = "manifest.json";

// A file of the model: checked by size and checksum before anything in it is believed.
struct StoredFile {
  std::string name;  // within the model's folder
  uint64_t bytes = 0;
  uint32_t crc32 = 0;

  bool operator==(const StoredFile&) const = default;
};

struct Shard {
  StoredFile file;
  uint32_t rows = 0;

  bool operator==(const Shard&) const = default;
};

struct StoredTable {
  std::string name;
  uint32_t rows = 0;
  uint32_t columns = 0;        // floats of a row that are the model
  uint32_t state_columns = 0;  // floats of a row that the optimiser keeps
  StoredFile names;            // its name is empty: rows have only numbers
  std::vector<Shard> shards;   // one for each node that wrote

  bool operator==(const StoredTable&) const = default;
};

struct Manifest {
  static constexpr uint32_t kVersion = 1;

  std::string job;
  std::string model;                            // model.kind
  std::map<std::string, std::string> settings;  // of the job, as `key=value` would set them
  std::map<std::string, double> facts;          // numbers that the model's use needs: Task::facts
  std::vector<StoredTable> tables;              // in order of TableId

  uint64_t bytes() const;  // of all files that it names
  bool operator==(const Manifest&) const = default;
};

std::string to_json(const Manifest& manifest);

// Throws UserError, one sentence that begins with `path`, for a text that is no manifest, is of
// another version, or contradicts itself.
Manifest parse_manifest(std::string_view text, const std::string& path);

std::string shard_name(const std::string& table, uint32_t rank);
std::string names_file_name(const std::string& table);

}  // namespace hemiola
