// The folder of a run's checkpoints: which there are, whether they are whole, and which go.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/data/file_store.h"
#include "hemiola/train/checkpoint_manifest.h"

namespace hemiola {

struct CheckpointPlace {
  std::string path;
  uint32_t sequence = 0;
};

std::string checkpoint_name(uint32_t sequence);  // "ckpt-000007"
std::string shard_file(uint32_t node);           // "node-1.safetensors"
std::string part_file(uint32_t node);            // "node-1.json"

// Whole or not, oldest first.
std::vector<CheckpointPlace> checkpoints_in(const std::string& folder);
// Of the next one to be written: behind all that are there, whole or not.
uint32_t next_sequence(const std::string& folder);

// Throws UserError, one sentence that names the file, for one that has no manifest or not its own.
CheckpointManifest read_manifest(const std::string& checkpoint);
// Throws UserError that names the file, when it is missing or not as it was written.
void verify_file(const std::string& path, const StoredFile& file);
// Reads all of it. Throws UserError that names the file that is missing or not as it was written.
void verify(const std::string& checkpoint, const CheckpointManifest& manifest);

struct GoodCheckpoint {
  std::string path;
  CheckpointManifest manifest;
};
// The newest of which all is as it was written; `refused` hears of each newer one why not.
std::optional<GoodCheckpoint> newest_good(
    const std::string& folder, const std::function<void(const std::string& why)>& refused);

// The folder of checkpoints that is meant by `path`: itself, that of a run, or one checkpoint.
// Throws UserError when there is none.
std::vector<CheckpointPlace> checkpoints_meant(const std::string& path);
std::optional<GoodCheckpoint> newest_good(
    std::vector<CheckpointPlace> places,
    const std::function<void(const std::string& why)>& refused);

// Makes the folder and those above it, so that they survive a crash. Throws UserError.
void make_folders(const std::string& folder, const FileStore& store);

// Takes away all before `newest` but the last `keep - 1` that have a manifest; the manifest goes
// first. Those that are `useless` do not count. What cannot be removed stays. REQUIRES: nobody
// writes any of them.
struct NumberRange {
  uint32_t from = 0, upto = 0;  // the last not in it
  bool has(uint32_t number) const { return from <= number && number < upto; }
};
void remove_old(const std::string& folder, uint32_t newest, uint32_t keep, const FileStore& store,
                NumberRange useless = {});
void remove_checkpoint(const std::string& checkpoint, const FileStore& store);

}  // namespace hemiola
