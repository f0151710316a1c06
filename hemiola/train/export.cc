#include "hemiola/train/export.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/data/npy.h"
#include "hemiola/data/publish.h"
#include "hemiola/data/safetensors.h"
#include "hemiola/train/model_labels.h"
#include "hemiola/train/model_store.h"
#include "hemiola/train/progress.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;

// Text that is written a piece at a time; the file appears whole.
class TextFile {
 public:
  explicit TextFile(std::string path) : file_(std::move(path)) {}

  TextFile& operator<<(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kBytes) drain();
    return *this;
  }
  // The shortest text from which the same float is read.
  TextFile& operator<<(float value) {
    char text[32];
    return *this << std::string_view(text, std::to_chars(text, text + sizeof text, value).ptr);
  }
  void commit() {
    drain();
    file_.commit();
  }

 private:
  static constexpr size_t kBytes = 1 << 20;

  void drain() {
    file_.write(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

  Publisher file_;
  std::string buffer_;
};

// RFC 4180: in quotes when needed, quotes within doubled.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// The word ends at the first blank for those who read the format.
std::string word_of(std::string label) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  std::replace_if(label.begin(), label.end(), is_blank, '_');
  return label.empty() ? "_" : label;
}

std::string_view bytes_of(std::span<const float> row) {
  return {reinterpret_cast<const char*>(row.data()), row.size_bytes()};
}

struct Loaded {
  Matrix values;
  RowLabels labels;

  Loaded(const ModelReader& model, const StoredTable& table)
      : values(model.values(table)), labels(model, table) {}
};

class Exporter {
 public:
  Exporter(const ModelReader& model, const ExportOptions& options, std::ostream& said)
      : model_(model), options_(options), said_(said) {}

  void run() {
    const std::string& format = options_.format;
    const auto tables = chosen();
    const bool one = tables.size() == 1 || format == "safetensors";
    if (format == "safetensors") return write_safetensors(tables, place(one, file_stem(tables)));
    for (const StoredTable* table : tables) {
      const Loaded loaded(model_, *table);
      const std::string path = place(one, table->name);
      uint32_t changed = 0;
      if (format == "npy") {
        write_npy(loaded, path);
      } else if (format == "csv") {
        write_csv(loaded, path);
      } else {
        changed = write_word2vec(loaded, path);
      }
      say(path, *table);
      if (changed > 0) said_ << changed << " names have _ where they had blanks\n";
      if (format == "npy" && loaded.labels.has_names()) {
        write_names(loaded.labels, fs::path(path).replace_extension(".names.txt"));
      }
    }
  }

 private:
  bool is_word2vec() const { return options_.format.starts_with("word2vec"); }

  std::vector<const StoredTable*> chosen() const {
    if (!options_.table.empty()) return {&model_.table(options_.table)};
    std::vector<const StoredTable*> all;
    for (const StoredTable& t : model_.manifest().tables) all.push_back(&t);
    if (is_word2vec()) all.resize(1);
    return all;
  }

  static std::string file_stem(const std::vector<const StoredTable*>& tables) {
    return tables.size() == 1 ? tables[0]->name : "model";
  }

  std::string ending() const {
    if (options_.format == "word2vec") return ".txt";
    if (options_.format == "word2vec-binary") return ".bin";
    return "." + options_.format;
  }

  // Where a file goes; its folder is made. `only`: there is no other that --out could mean.
  std::string place(bool only, const std::string& stem) const {
    std::string path = options_.out;
    const bool is_folder = !only || path.ends_with('/') || fs::is_directory(path);
    if (path.empty()) {
      path = model_.run_folder() + "/export/" + stem + ending();
    } else if (is_folder) {
      path += (path.ends_with('/') ? "" : "/") + stem + ending();
    }
    const std::string folder = fs::path(path).parent_path();
    std::error_code error;
    if (!folder.empty()) fs::create_directories(folder, error);
    if (error) throw UserError("cannot make the folder " + folder + ": " + error.message());
    return path;
  }

  void say(const std::string& path, const StoredTable& table) const {
    said_ << path << ": " << table.rows << " x " << table.columns << " floats, " << size_of(path)
          << "\n";
  }
  static std::string size_of(const std::string& path) { return human_bytes(fs::file_size(path)); }

  static void write_npy(const Loaded& loaded, const std::string& path) {
    NpyWriter file(path, loaded.values.rows, loaded.values.columns);
    for (uint32_t r = 0; r < loaded.values.rows; ++r) file.write(loaded.values.row(r));
    file.commit();
  }

  void write_names(const RowLabels& labels, const std::string& path) const {
    TextFile file(path);
    for (uint32_t r = 0; r < labels.rows(); ++r) file << labels.label(r) << "\n";
    file.commit();
    said_ << path << ": " << labels.rows() << " names, a line each, " << size_of(path) << "\n";
  }

  static void write_csv(const Loaded& loaded, const std::string& path) {
    TextFile file(path);
    file << (loaded.labels.has_names() ? "name" : "row");
    for (uint32_t c = 0; c < loaded.values.columns; ++c) file << ",v" << std::to_string(c);
    file << "\n";
    for (uint32_t r = 0; r < loaded.values.rows; ++r) {
      file << csv_field(loaded.labels.label(r));
      for (const float v : loaded.values.row(r)) file << "," << v;
      file << "\n";
    }
    file.commit();
  }

  // Binary: the floats as they stand behind word and blank, then an end of line that readers skip,
  // as the program that brought the format in writes it.
  // Gives how many names had to be changed.
  uint32_t write_word2vec(const Loaded& loaded, const std::string& path) const {
    const bool binary = options_.format == "word2vec-binary";
    uint32_t changed = 0;
    TextFile file(path);
    file << std::to_string(loaded.values.rows) << " " << std::to_string(loaded.values.columns)
         << "\n";
    for (uint32_t r = 0; r < loaded.values.rows; ++r) {
      const std::string label = loaded.labels.label(r), word = word_of(label);
      changed += word != label;
      file << word;
      if (binary) {
        file << " " << bytes_of(loaded.values.row(r));
      } else {
        for (const float v : loaded.values.row(r)) file << " " << v;
      }
      file << "\n";
    }
    file.commit();
    return changed;
  }

  // One tensor per table, under its name; rows in order, without the optimiser's state.
  void write_safetensors(const std::vector<const StoredTable*>& tables, const std::string& path) {
    std::vector<TensorInfo> tensors;
    for (const StoredTable* t : tables) {
      tensors.push_back({t->name, DType::f32, {t->rows, t->columns}});
    }
    SafetensorsWriter file(path, tensors,
                           {{"job", model_.manifest().job}, {"model", model_.manifest().model}});
    for (const StoredTable* t : tables) {
      const Matrix values = model_.values(*t);
      for (uint32_t r = 0; r < values.rows; ++r) file.write(std::span<const float>(values.row(r)));
    }
    file.commit();
    said_ << path << ":";
    for (const StoredTable* t : tables) {
      said_ << " " << t->name << " " << t->rows << " x " << t->columns << ",";
    }
    said_ << " " << size_of(path) << "\n";
    for (const StoredTable* t : tables) {
      const RowLabels labels(model_, *t);
      if (labels.has_names()) {
        write_names(labels, fs::path(path).parent_path() / (t->name + ".names.txt"));
      }
    }
  }

  const ModelReader& model_;
  const ExportOptions& options_;
  std::ostream& said_;
};

}  // namespace

void export_model(const ExportOptions& options, std::ostream& said) {
  static constexpr std::string_view kFormats[] = {"npy", "csv", "word2vec", "word2vec-binary",
                                                  "safetensors"};
  if (std::find(std::begin(kFormats), std::end(kFormats), options.format) == std::end(kFormats)) {
    throw UserError("--to knows npy, csv, word2vec, word2vec-binary and safetensors, not `" +
                    options.format + "`");
  }
  const ModelReader model(options.folder);
  Exporter(model, options, said).run();
}

}  // namespace hemiola
