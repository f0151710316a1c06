#include "hemiola/train/checkpoint_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr uint64_t kNowhere = UINT64_MAX;

uint32_t key_at(std::span<const std::byte> keys, size_t i) {
  uint32_t key = 0;
  std::memcpy(&key, keys.data() + i * sizeof key, sizeof key);
  return key;
}

// Gives a strategy what it had kept.
class Kept final : public StateFields {
 public:
  explicit Kept(const SafetensorsFile& file, std::string path)
      : file_(file), path_(std::move(path)) {}

  void number(std::string_view name, uint64_t& value) override { read(name, value); }
  void number(std::string_view name, double& value) override { read(name, value); }
  void floats(std::string_view name, std::span<float> values) override {
    const auto bytes = data(name);
    if (bytes.size() != values.size_bytes()) lacks(name);
    std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  void floats(std::string_view name, std::vector<float>& values) override {
    const auto bytes = data(name);
    values.resize(bytes.size() / sizeof(float));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  }

 private:
  [[noreturn]] void lacks(std::string_view name) const {
    throw UserError(path_ + " has no `average." + std::string(name) +
                    "` that fits; was it written by another version?");
  }

  std::span<const std::byte> data(std::string_view name) const {
    const TensorInfo* info = file_.find("average." + std::string(name));
    if (!info || info->dtype != DType::f32) lacks(name);
    return file_.data(*info);
  }

  template <class T>
  void read(std::string_view name, T& value) const {
    const auto found = file_.metadata().find("average." + std::string(name));
    if (found == file_.metadata().end()) lacks(name);
    const char* end = found->second.data() + found->second.size();
    const auto [at, error] = std::from_chars(found->second.data(), end, value);
    if (at != end || error != std::errc()) lacks(name);
  }

  const SafetensorsFile& file_;
  const std::string path_;
};

}  // namespace

CheckpointReader::CheckpointReader(GoodCheckpoint checkpoint) : good_(std::move(checkpoint)) {
  const CheckpointManifest& m = good_.manifest;
  for (const CheckpointShard& s : m.shards) {
    files_.push_back(std::make_unique<SafetensorsFile>(good_.path + "/" + s.file.name));
  }
  tables_.resize(m.tables.size());
  for (size_t t = 0; t < tables_.size(); ++t) m.averages ? open_replicas(t) : open_table(t);
}

CheckpointReader::RowsIn CheckpointReader::rows_in(const SafetensorsFile& file,
                                                   const std::string& name, uint64_t rows,
                                                   uint64_t length) const {
  const TensorInfo& info = file.tensor(name, DType::f32, 2);
  if (info.shape != std::vector<uint64_t>{rows, length}) {
    throw UserError(good_.path + " does not fit its manifest: `" + name + "` has another shape");
  }
  return {file.data(info), length};
}

void CheckpointReader::open_table(size_t table) {
  Table& t = tables_[table];
  for (size_t n = 0; n < files_.size(); ++n) {
    const uint64_t rows = good_.manifest.shards[n].rows[table];
    t.shards.push_back(
        rows_in(*files_[n], spec(table).name + ".rows", rows, spec(table).row_length()));
    const TensorInfo& keys = files_[n]->tensor(spec(table).name + ".keys", DType::u32, 1);
    if (keys.shape[0] != rows) {
      throw UserError(good_.path + " does not fit its manifest: `" + keys.name +
                      "` has another length");
    }
    for (uint64_t i = 0; i < rows && t.in_turn; ++i) {
      t.in_turn = key_at(files_[n]->data(keys), i) == i * files_.size() + n;
    }
  }
  if (!t.in_turn) index(table);
}

// The shards have as many rows as the table, so each row once means all of them.
void CheckpointReader::index(size_t table) {
  Table& t = tables_[table];
  t.where.assign(spec(table).rows, kNowhere);
  for (size_t n = 0; n < files_.size(); ++n) {
    const TensorInfo& info = files_[n]->tensor(spec(table).name + ".keys", DType::u32, 1);
    const auto keys = files_[n]->data(info);
    for (uint64_t i = 0; i < info.shape[0]; ++i) {
      const uint32_t key = key_at(keys, i);
      if (key >= t.where.size() || t.where[key] != kNowhere) {
        throw UserError(good_.path + "/" + shard_file(static_cast<uint32_t>(n)) +
                        " has a row of table `" + spec(table).name +
                        "` that cannot be or that is there twice: " + std::to_string(key));
      }
      t.where[key] = n << 32 | i;
    }
  }
}

void CheckpointReader::open_replicas(size_t table) {
  Table& t = tables_[table];
  const CheckpointManifest& m = good_.manifest;
  for (uint32_t w = 0; w < m.nodes * m.workers; ++w) {
    t.replicas.push_back(rows_in(*files_[w / m.workers],
                                 "worker." + std::to_string(w) + "." + spec(table).name,
                                 spec(table).rows, spec(table).row_length()));
  }
  t.mean = rows_in(*files_[0], "mean." + spec(table).name, spec(table).rows, spec(table).columns);
}

void CheckpointReader::row(TableId table, Key key, std::span<float> row) const {
  const Table& t = tables_[table.value];
  const CheckpointTable& s = spec(table.value);
  HEMIOLA_CHECK(key.value < s.rows && row.size() == s.row_length());
  if (!good_.manifest.averages) {
    const size_t nodes = t.shards.size();
    const uint64_t where =
        t.in_turn ? key.value % nodes << 32 | key.value / nodes : t.where[key.value];
    t.shards[where >> 32].copy(where & UINT32_MAX, row);
    return;
  }
  t.mean.copy(key.value, row.first(s.columns));
  const std::span<float> state = row.subspan(s.columns);
  if (state.empty()) return;
  std::vector<float> one(row.size());
  std::vector<double> sum(state.size());
  for (const RowsIn& replica : t.replicas) {
    replica.copy(key.value, one);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += one[s.columns + i];
  }
  for (size_t i = 0; i < sum.size(); ++i) {
    state[i] = static_cast<float>(sum[i] / static_cast<double>(t.replicas.size()));
  }
}

void CheckpointReader::replica_row(WorkerId worker, TableId table, Key key,
                                   std::span<float> row) const {
  tables_[table.value].replicas.at(worker.value).copy(key.value, row);
}

std::unique_ptr<StateFields> CheckpointReader::kept(uint32_t node) const {
  return std::make_unique<Kept>(*files_[node], good_.path + "/" + shard_file(node));
}

// At any alignment.
void CheckpointReader::RowsIn::copy(size_t row, std::span<float> out) const {
  HEMIOLA_CHECK(out.size() == length && (row + 1) * length * sizeof(float) <= bytes.size());
  std::memcpy(out.data(), bytes.data() + row * length * sizeof(float), out.size_bytes());
}

}  // namespace hemiola
