// What a checkpoint consists of: the text of its manifest.json, understood.
//
//   DIR/ckpt-000007/manifest.json        written last: a checkpoint is whole, or is none
//   DIR/ckpt-000007/node-1.safetensors   what node 1 had, see checkpoint_shard.h
//   DIR/ckpt-000007/node-1.json          what node 0 must know of that file; until the manifest
//
// docs/checkpoints.md describes them for those who read them without this program.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/cluster/agenda.h"
#include "hemiola/core/table_spec.h"
#include "hemiola/train/model_manifest.h"
#include "hemiola/train/summary.h"

namespace hemiola {

struct CheckpointTable {
  std::string name;
  uint32_t rows = 0;
  uint32_t columns = 0;        // floats of a row that are the model
  uint32_t state_columns = 0;  // floats of a row that the optimiser keeps

  uint32_t row_length() const { return columns + state_columns; }
  bool operator==(const CheckpointTable&) const = default;
};

struct CheckpointShard {
  StoredFile file;
  std::vector<uint32_t> rows;  // that the node owned, by table; of averages: none

  bool operator==(const CheckpointShard&) const = default;
};

struct CheckpointManifest {
  static constexpr uint32_t kVersion = 1;

  uint32_t sequence = 0;  // of checkpoints in their folder, from 1
  std::string job;
  std::string model;      // model.kind
  bool averages = false;  // of replicas; else rows of tables
  std::string scheme;
  uint64_t seed = 0;
  int32_t clock = 0;  // of the slowest worker
  uint32_t nodes = 1;
  uint32_t workers = 1;          // of a node
  uint32_t planned_workers = 1;  // for how many the training data were cut
  uint64_t examples = 0;         // of a pass over the training data
  std::map<std::string, std::string> settings;
  std::vector<CheckpointTable> tables;  // in order of TableId
  std::vector<CheckpointShard> shards;  // by node
  Agenda agenda;                        // what of the work is done
  std::vector<EpochRecord> epochs;      // that are over, for people

  uint64_t bytes() const;  // of all shards
  uint32_t epoch() const { return static_cast<uint32_t>(epochs.size()); }
};

std::vector<CheckpointTable> checkpoint_tables(const std::vector<TableSpec>& specs);

// With a checksum of itself at its end.
std::string to_json(const CheckpointManifest& manifest);
// Throws UserError, one sentence that begins with `path`, for a text that is none, was changed, is
// of another version, or contradicts itself.
CheckpointManifest parse_checkpoint(std::string_view text, const std::string& path);

// The same of one shard.
std::string to_json(const CheckpointShard& shard);
CheckpointShard parse_shard(std::string_view text, const std::string& path);

}  // namespace hemiola
