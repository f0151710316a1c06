#include "hemiola/train/model_store.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/data/file_store.h"
#include "hemiola/data/publish.h"
#include "hemiola/train/nearest.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;

// What step() gives: in the first place the number of nodes that failed; in the first step also
// each shard's rows, bytes and checksum, at a place of its own.
constexpr size_t kNumbersOfShard = 3;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw UserError("cannot read " + path);
  return text;
}

void write_file(const std::string& path, std::string_view text) {
  Publisher file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace

ModelSaver::ModelSaver(std::string folder, Manifest about, std::vector<RowNames> names,
                       const TableSet& tables)
    : folder_(std::move(folder)),
      manifest_(std::move(about)),
      names_(std::move(names)),
      tables_(tables) {
  HEMIOLA_CHECK(names_.size() == tables.size());
}

size_t ModelSaver::length() const { return place_of(tables_.size(), 0); }

size_t ModelSaver::place_of(size_t table, uint32_t node) const {
  return 1 + (table * tables_.place().nodes + node) * kNumbersOfShard;
}

std::vector<double> ModelSaver::step(uint32_t number, std::span<const double> sums) {
  std::vector<double> out(length());
  if (number > 0 && sums[0] > 0) {
    shards_.clear();
    out[0] = 1;  // for the steps that are still to come
    return out;
  }
  try {
    if (number == 0) {
      write_shards(out);
    } else if (number == 1) {
      take_shards(sums);
      if (leads()) remove_old_model();
    } else {
      for (const auto& shard : shards_) shard->commit();
      shards_.clear();
    }
  } catch (const UserError& error) {
    failure_ = error.what();
    shards_.clear();
    std::fill(out.begin(), out.end(), 0.0);
    out[0] = 1;
  }
  return out;
}

void ModelSaver::finish(std::span<const double> sums) {
  if (!failure_.empty()) throw UserError("the model was not saved: " + failure_);
  if (sums[0] > 0 || !leads()) return;
  for (size_t t = 0; t < manifest_.tables.size(); ++t) {
    if (names_[t]) write_names(t);
  }
  write_file(folder_ + "/" + std::string(kManifestFile), to_json(manifest_));
  bytes_ = manifest_.bytes();
  for (uint32_t n = 1; n < tables_.place().nodes; ++n) {
    const std::string shard = folder_ + "/" + shard_name(manifest_.tables[0].name, n);
    if (!is_there(shard)) elsewhere_.push_back(n);
  }
}

void ModelSaver::write_shards(std::span<double> out) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw UserError("cannot make the folder " + folder_ + ": " + error.message());
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    write_shard(tables_.rows(TableId{t}),
                out.subspan(place_of(t, tables_.place().self.value), kNumbersOfShard));
  }
}

void ModelSaver::write_shard(const Rows& rows, std::span<double> out) {
  const TableSpec& spec = rows.options().spec;
  const uint32_t columns = spec.values(), state = spec.row_length - columns;
  uint64_t count = 0;
  rows.for_each_owned([&](Key, const float*) { ++count; });
  std::vector<TensorInfo> tensors = {{"keys", DType::u32, {count}},
                                     {"values", DType::f32, {count, columns}}};
  if (state > 0) tensors.push_back({"state", DType::f32, {count, state}});
  const uint32_t rank = tables_.place().self.value;
  shards_.push_back(std::make_unique<SafetensorsWriter>(folder_ + "/" + shard_name(spec.name, rank),
                                                        tensors, TextPairs{{"table", spec.name}}));
  SafetensorsWriter& file = *shards_.back();
  rows.for_each_owned([&](Key key, const float*) { file.write(std::span(&key.value, 1)); });
  rows.for_each_owned([&](Key, const float* row) { file.write(std::span(row, columns)); });
  if (state > 0) {
    rows.for_each_owned(
        [&](Key, const float* row) { file.write(std::span(row + columns, state)); });
  }
  file.finish();
  out[0] = static_cast<double>(count);
  out[1] = static_cast<double>(file.bytes());
  out[2] = file.crc32();
}

void ModelSaver::take_shards(std::span<const double> sums) {
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const TableSpec& spec = tables_.rows(TableId{t}).options().spec;
    StoredTable table;
    table.name = spec.name;
    table.rows = spec.rows;
    table.columns = spec.values();
    table.state_columns = spec.row_length - spec.values();
    uint64_t rows = 0;
    for (uint32_t n = 0; n < tables_.place().nodes; ++n) {
      const auto numbers = sums.subspan(place_of(t, n), kNumbersOfShard);
      rows += static_cast<uint64_t>(numbers[0]);
      table.shards.push_back({{shard_name(spec.name, n), static_cast<uint64_t>(numbers[1]),
                               static_cast<uint32_t>(numbers[2])},
                              static_cast<uint32_t>(numbers[0])});
    }
    if (rows != spec.rows) {
      throw UserError("the nodes own " + std::to_string(rows) + " rows of table `" + spec.name +
                      "`, which has " + std::to_string(spec.rows));
    }
    manifest_.tables.push_back(std::move(table));
  }
}

// Only what its manifest names: the folder may hold things of the user.
void ModelSaver::remove_old_model() const {
  const std::string path = folder_ + "/" + std::string(kManifestFile);
  if (!fs::exists(path)) return;
  Manifest old;
  try {
    old = parse_manifest(read_file(path), path);
  } catch (const UserError&) {
    // Not ours, or half of one: it goes, and names nothing that could be trusted.
  }
  std::error_code error;
  fs::remove(path, error);
  if (error) throw UserError("cannot replace " + path + ": " + error.message());
  for (const StoredTable& t : old.tables) {
    if (!t.names.name.empty()) fs::remove(folder_ + "/" + t.names.name, error);
    for (const Shard& s : t.shards) fs::remove(folder_ + "/" + s.file.name, error);
  }
}

void ModelSaver::write_names(size_t table) {
  StoredTable& stored = manifest_.tables[table];
  std::string text;
  for (uint32_t row = 0; row < stored.rows; ++row) {
    const std::string_view name = names_[table](row);
    HEMIOLA_CHECK(name.find('\n') == name.npos);  // names come from lines
    text += name.empty() ? "#" + std::to_string(row) : std::string(name);
    text += '\n';
  }
  stored.names = {names_file_name(stored.name), text.size(), crc32(std::as_bytes(std::span(text)))};
  write_file(folder_ + "/" + stored.names.name, text);
}

std::unique_ptr<ModelSaver> saver_for(const Job& job, const std::string& out,
                                      const LoadedTask& loaded, const TableSet& tables) {
  if (!job.train.save) return nullptr;
  Manifest about;
  about.job = job.job.name;
  about.model = job.model.kind;
  for (auto& [key, value] : all_values(job)) {
    const bool of_the_place = key.starts_with("cluster.");
    if (!of_the_place) about.settings[key] = value;
  }
  about.facts = loaded.task().facts();
  std::vector<RowNames> names;
  for (uint32_t t = 0; t < tables.size(); ++t) names.push_back(loaded.row_names(TableId{t}));
  return std::make_unique<ModelSaver>(out + "/model", std::move(about), std::move(names), tables);
}

ModelReader::ModelReader(const std::string& folder) : folder_(folder), run_folder_(folder) {
  const std::string manifest(kManifestFile);
  while (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
  if (!fs::exists(folder_)) throw UserError("there is no folder " + folder_);
  if (fs::exists(folder_ + "/model/" + manifest)) {
    run_folder_ = folder_;
    folder_ += "/model";
  } else if (fs::exists(folder_ + "/" + manifest)) {
    run_folder_ = folder_;
  } else {
    throw UserError("there is no saved model in " + folder_ + ": neither model/" + manifest +
                    " nor " + manifest +
                    " is there (a run saves its model when it ends, unless "
                    "train.save is false)");
  }
  const std::string path = folder_ + "/" + manifest;
  manifest_ = parse_manifest(read_file(path), path);
}

const StoredTable& ModelReader::table(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const StoredTable& t : manifest_.tables) {
    if (t.name == name) return t;
    known.push_back(t.name);
  }
  std::string text = "there is no table `" + std::string(name) + "` in " + folder_;
  if (const auto near = nearest_name(name, known)) {
    throw UserError(text + ": did you mean `" + *near + "`?");
  }
  for (size_t i = 0; i < known.size(); ++i) {
    text += (i == 0 ? "; its tables are `" : ", `") + std::string(known[i]) + "`";
  }
  throw UserError(text);
}

namespace {

// One shard, known to be the file that was written.
class OpenShard {
 public:
  OpenShard(const std::string& folder, const StoredTable& table, size_t rank)
      : table_(table), shard_(table.shards[rank]), path_(folder + "/" + shard_.file.name) {
    if (!fs::exists(path_)) {
      throw UserError(path_ + " is missing: node " + std::to_string(rank) +
                      " of the run wrote it; if that was on another machine, copy it here");
    }
    file_ = std::make_unique<SafetensorsFile>(path_);
    if (file_->bytes() != shard_.file.bytes || file_->crc32() != shard_.file.crc32) {
      throw UserError(path_ +
                      " is damaged or of another run: its size or checksum is not that "
                      "in the manifest");
    }
    keys_ = tensor("keys", DType::u32, {shard_.rows});
    values_ = tensor("values", DType::f32, {shard_.rows, table.columns});
    if (table.state_columns > 0) {
      state_ = tensor("state", DType::f32, {shard_.rows, table.state_columns});
    }
  }

  // Marks in `seen` the rows that it gives.
  void read(const ModelReader::EachRow& f, std::vector<bool>& seen) const {
    std::vector<float> values(table_.columns), state(table_.state_columns);
    for (uint32_t i = 0; i < shard_.rows; ++i) {
      Key key;
      take(keys_, i, std::span(&key.value, 1));
      if (key.value >= table_.rows || seen[key.value]) {
        throw UserError(
            path_ + " has the row " + std::to_string(key.value) +
            (key.value < table_.rows ? ", which was there already" : ", which is out of range"));
      }
      seen[key.value] = true;
      take(values_, i, std::span(values));
      if (!state.empty()) take(state_, i, std::span(state));
      f(key, values, state);
    }
  }

 private:
  std::span<const std::byte> tensor(const char* name, DType type,
                                    const std::vector<uint64_t>& shape) const {
    const TensorInfo& info = file_->tensor(name, type, shape.size());
    if (info.shape != shape) {
      throw UserError(path_ + " does not fit the manifest: `" + name + "` has another shape");
    }
    return file_->data(info);
  }

  // The i-th piece of the data, as long as `out`; it may stand at any address.
  template <class T>
  static void take(std::span<const std::byte> data, size_t i, std::span<T> out) {
    std::memcpy(out.data(), data.data() + i * out.size_bytes(), out.size_bytes());
  }

  const StoredTable& table_;
  const Shard& shard_;
  const std::string path_;
  std::unique_ptr<SafetensorsFile> file_;
  std::span<const std::byte> keys_, values_, state_;
};

}  // namespace

// The manifest's shards have as many rows as the table, so each row once means all of them.
void ModelReader::for_each_row(const StoredTable& table, const EachRow& f) const {
  std::vector<bool> seen(table.rows);
  for (size_t rank = 0; rank < table.shards.size(); ++rank) {
    OpenShard(folder_, table, rank).read(f, seen);
  }
}

Matrix ModelReader::values(const StoredTable& table) const {
  Matrix matrix(table.rows, table.columns);
  for_each_row(table, [&](Key key, std::span<const float> values, std::span<const float>) {
    std::copy(values.begin(), values.end(), matrix.row(key.value).begin());
  });
  return matrix;
}

Dictionary ModelReader::names(const StoredTable& table) const {
  Dictionary names;
  if (table.names.name.empty()) return names;
  const std::string path = folder_ + "/" + table.names.name;
  const std::string text = read_file(path);
  if (text.size() != table.names.bytes ||
      crc32(std::as_bytes(std::span(text))) != table.names.crc32) {
    throw UserError(path +
                    " is damaged or of another run: its size or checksum is not that in "
                    "the manifest");
  }
  uint32_t line = 0;
  for (size_t at = 0; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (names.add(std::string_view(text).substr(at, end - at)) != line) {
      throw UserError(path + ":" + std::to_string(line + 1) + ": this name was there already");
    }
    at = end + 1;
  }
  if (line != table.rows) {
    throw UserError(path + " has " + std::to_string(line) + " names for the " +
                    std::to_string(table.rows) + " rows of table `" + table.name + "`");
  }
  return names;
}

}  // namespace hemiola
