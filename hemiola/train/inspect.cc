#include "hemiola/train/inspect.h"

#include <sys/stat.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <ostream>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/data/safetensors.h"
#include "hemiola/train/checkpoint_folder.h"
#include "hemiola/train/model_manifest.h"
#include "hemiola/train/progress.h"

namespace hemiola {
namespace {

std::string shape_text(const TensorInfo& tensor) {
  std::string text;
  for (const uint64_t n : tensor.shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text.empty() ? "1" : text;
}

std::string count(uint64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

// Of a file that is there.
std::string written_at(const std::string& path) {
  struct stat about {};
  tm parts{};
  char text[40] = "";
  if (::stat(path.c_str(), &about) != 0 || !::gmtime_r(&about.st_mtime, &parts)) return "?";
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string manifest_in(const std::string& folder) {
  return folder + "/" + std::string(kManifestFile);
}

void write_head(const CheckpointManifest& m, const std::string& path, std::ostream& out) {
  out << "  epoch " << m.epoch();
  if (!m.agenda.done().empty()) {
    out << " and " << count(m.agenda.done().size(), "block") << " of the next";
  }
  if (!m.epochs.empty()) {
    out << ", loss " << number(m.epochs.back().loss);
    for (const Metric& metric : m.epochs.back().metrics) {
      out << ", " << metric.name << " " << number(metric.value);
    }
  }
  out << ", written " << written_at(manifest_in(path));
  out << "\n  " << m.job << ": " << m.model << " under " << m.scheme << ", seed " << m.seed
      << ", clock " << m.clock << "\n  " << count(m.nodes, "node") << " x "
      << count(m.workers, "worker") << ", " << count(m.examples, "example") << " an epoch\n";
}

void write_shard(const std::string& path, const StoredFile& file, std::ostream& out) {
  out << "  " << file.name << "  " << human_bytes(file.bytes) << "\n";
  const SafetensorsFile shard(path);
  constexpr size_t kMost = 12;
  size_t shown = 0;
  for (const TensorInfo& t : shard.tensors()) {
    if (++shown > kMost) continue;
    char line[160];
    std::snprintf(line, sizeof line, "    %-28s %s  %-18s %s\n", t.name.c_str(),
                  t.dtype == DType::f32 ? "F32" : "U32", shape_text(t).c_str(),
                  human_bytes(t.bytes()).c_str());
    out << line;
  }
  if (shown > kMost) out << "    and " << count(shown - kMost, "tensor") << " more\n";
}

// `f` writes about what is in `path`, and checks it unless it is fast. Whether it is whole.
bool write_about(const std::string& path, bool fast, std::ostream& out,
                 const std::function<void()>& f) {
  out << path << "\n";
  try {
    f();
    out << (fast ? "  not read: --fast\n" : "  whole: all checksums are right\n");
    return true;
  } catch (const UserError& error) {
    out << "  NOT GOOD: " << error.what() << "\n";
    return false;
  }
}

bool write_checkpoint(const std::string& path, bool fast, std::ostream& out) {
  return write_about(path, fast, out, [&] {
    const CheckpointManifest manifest = read_manifest(path);
    write_head(manifest, path, out);
    for (const CheckpointShard& s : manifest.shards) {
      write_shard(path + "/" + s.file.name, s.file, out);
    }
    if (!fast) verify(path, manifest);
  });
}

bool write_model(const std::string& path, bool fast, std::ostream& out) {
  return write_about(path, fast, out, [&] {
    std::ifstream file(manifest_in(path), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const Manifest manifest = parse_manifest(text, manifest_in(path));
    out << "  " << manifest.job << ": a model of " << manifest.model << ", written "
        << written_at(manifest_in(path)) << "\n";
    for (const StoredTable& table : manifest.tables) {
      out << "  " << table.name << "  " << table.rows << " x " << table.columns;
      if (table.state_columns > 0) out << ", optimiser's state " << table.state_columns;
      out << (table.names.name.empty() ? "" : ", rows have names") << "\n";
      for (const Shard& shard : table.shards) {
        out << "    " << shard.file.name << "  " << count(shard.rows, "row") << "  "
            << human_bytes(shard.file.bytes) << "\n";
        if (!fast) verify_file(path + "/" + shard.file.name, shard.file);
      }
      if (!fast && !table.names.name.empty()) {
        verify_file(path + "/" + table.names.name, table.names);
      }
    }
  });
}

// The model that is meant by a folder: it, or that of a run.
std::optional<std::string> model_meant(const std::string& folder) {
  for (const std::string& at : {folder, folder + "/model"}) {
    const bool is_checkpoint = std::filesystem::path(at).filename().string().starts_with("ckpt-");
    if (!is_checkpoint && std::filesystem::exists(manifest_in(at))) return at;
  }
  return std::nullopt;
}

}  // namespace

int inspect(const InspectOptions& options, std::ostream& out) {
  std::string folder = options.folder;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  const auto model = model_meant(folder);
  bool newest = true;
  if (!model || std::filesystem::exists(folder + "/checkpoints")) {
    for (const CheckpointPlace& place : checkpoints_meant(folder)) {
      newest = write_checkpoint(place.path, options.fast, out);
    }
  }
  const bool whole = !model || write_model(*model, options.fast, out);
  return newest && whole ? 0 : 1;
}

}  // namespace hemiola
