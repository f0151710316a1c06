#include "hemiola/train/checkpoint_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "hemiola/core/check.h"
#include "hemiola/data/publish.h"
#include "hemiola/data/safetensors.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "ckpt-";

std::optional<uint32_t> sequence_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  uint32_t sequence = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + kPrefix.size(), end, sequence);
  if (at != end || error != std::errc() || sequence == 0) return std::nullopt;
  return sequence;
}

// Only what a checkpoint consists of: the folder may hold things of the user.
bool is_ours(std::string_view name) {
  return name.starts_with("node-") || name.starts_with(kManifestFile);
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) && !error;
}

bool has_manifest(const std::string& checkpoint) {
  return is_there(checkpoint + "/" + std::string(kManifestFile));
}

uint32_t crc32_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return crc32(std::as_bytes(std::span(text)));
}

}  // namespace

std::string checkpoint_name(uint32_t sequence) {
  char name[32];
  std::snprintf(name, sizeof name, "ckpt-%06u", sequence);
  return name;
}

std::string shard_file(uint32_t node) { return "node-" + std::to_string(node) + ".safetensors"; }
std::string part_file(uint32_t node) { return "node-" + std::to_string(node) + ".json"; }

std::vector<CheckpointPlace> checkpoints_in(const std::string& folder) {
  std::vector<CheckpointPlace> places;
  for (const std::string& name : names_in(folder)) {
    if (const auto sequence = sequence_of(name)) places.push_back({folder + "/" + name, *sequence});
  }
  std::sort(places.begin(), places.end(),
            [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  return places;
}

uint32_t next_sequence(const std::string& folder) {
  const auto places = checkpoints_in(folder);
  return places.empty() ? 1 : places.back().sequence + 1;
}

CheckpointManifest read_manifest(const std::string& checkpoint) {
  const std::string path = checkpoint + "/" + std::string(kManifestFile);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw UserError(checkpoint + " is not whole: it has no " + std::string(kManifestFile) +
                    ", which is written last");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_checkpoint(text, path);
}

void verify_file(const std::string& path, const StoredFile& file) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) throw UserError(path + " is missing");
  if (bytes != file.bytes) {
    throw UserError(path + " is damaged: it has " + std::to_string(bytes) +
                    " bytes, but the manifest says " + std::to_string(file.bytes));
  }
  const bool tensors = path.ends_with(".safetensors");
  if ((tensors ? SafetensorsFile(path).crc32() : crc32_of(path)) != file.crc32) {
    throw UserError(path + " is damaged: its checksum is not that in the manifest");
  }
}

void verify(const std::string& checkpoint, const CheckpointManifest& manifest) {
  for (const CheckpointShard& s : manifest.shards) {
    verify_file(checkpoint + "/" + s.file.name, s.file);
  }
}

std::optional<GoodCheckpoint> newest_good(
    const std::string& folder, const std::function<void(const std::string& why)>& refused) {
  return newest_good(checkpoints_in(folder), refused);
}

std::optional<GoodCheckpoint> newest_good(
    std::vector<CheckpointPlace> places,
    const std::function<void(const std::string& why)>& refused) {
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    try {
      GoodCheckpoint good{place->path, read_manifest(place->path)};
      verify(good.path, good.manifest);
      return good;
    } catch (const UserError& error) {
      refused(error.what());
    }
  }
  return std::nullopt;
}

std::vector<CheckpointPlace> checkpoints_meant(const std::string& path) {
  std::string folder = path;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  if (!fs::exists(folder)) throw UserError("there is no folder " + folder);
  const std::string name = fs::path(folder).filename();
  if (const auto sequence = sequence_of(name)) return {{folder, *sequence}};
  for (const std::string& at : {folder, folder + "/checkpoints"}) {
    if (auto places = checkpoints_in(at); !places.empty()) return places;
  }
  throw UserError("there is no checkpoint in " + folder +
                  ": neither there nor in a folder checkpoints within is anything called ckpt-N");
}

void make_folders(const std::string& folder, const FileStore& store) {
  if (folder.empty() || is_folder(folder)) return;
  const std::string parent = folder_of(folder);
  if (parent != folder) make_folders(parent, store);
  int error = store.make_folder(folder);
  if (error == EEXIST && is_folder(folder)) error = 0;
  if (error == 0) error = store.sync_folder(parent);
  if (error != 0) throw UserError("cannot make the folder " + folder + ": " + error_text(error));
}

void remove_old(const std::string& folder, uint32_t newest, uint32_t keep, const FileStore& store,
                NumberRange useless) {
  auto places = checkpoints_in(folder);
  std::erase_if(places, [&](const auto& p) { return p.sequence >= newest; });
  uint32_t kept = 1;
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    if (kept < keep && !useless.has(place->sequence) && has_manifest(place->path)) {
      ++kept;
    } else {
      remove_checkpoint(place->path, store);
    }
  }
}

void remove_checkpoint(const std::string& checkpoint, const FileStore& store) {
  const std::string manifest = checkpoint + "/" + std::string(kManifestFile);
  if (is_there(manifest)) {
    if (store.remove(manifest) != 0 || store.sync_folder(checkpoint) != 0) return;
  }
  for (const std::string& name : names_in(checkpoint)) {
    if (is_ours(name) && store.remove(checkpoint + "/" + name) != 0) return;
  }
  [[maybe_unused]] const int ignored = store.remove(checkpoint);  // without a manifest it is none
}

}  // namespace hemiola
