#include "hemiola/train/inspect.h"

#include <cstdio>
#include <filesystem>
#include <ostream>

#include "hemiola/core/check.h"
#include "hemiola/data/safetensors.h"
#include "hemiola/train/checkpoint_folder.h"
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

void write_head(const CheckpointManifest& m, std::ostream& out) {
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

// Whether it is whole.
bool write_checkpoint(const std::string& path, bool fast, std::ostream& out) {
  out << path << "\n";
  try {
    const CheckpointManifest manifest = read_manifest(path);
    write_head(manifest, out);
    for (const CheckpointShard& s : manifest.shards) {
      write_shard(path + "/" + s.file.name, s.file, out);
    }
    if (!fast) verify(path, manifest);
    out << (fast ? "  not read: --fast\n" : "  whole: all checksums are right\n");
    return true;
  } catch (const UserError& error) {
    out << "  NOT GOOD: " << error.what() << "\n";
    return false;
  }
}

}  // namespace

int inspect(const InspectOptions& options, std::ostream& out) {
  bool newest = true;
  for (const CheckpointPlace& place : checkpoints_meant(options.folder)) {
    newest = write_checkpoint(place.path, options.fast, out);
  }
  return newest ? 0 : 1;
}

}  // namespace hemiola
