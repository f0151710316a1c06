#include "hemiola/train/checkpoint_shard.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/data/publish.h"
#include "hemiola/train/checkpoint_folder.h"

namespace hemiola {
namespace {

double share_of(Key key) { return static_cast<double>(mix(key.value) >> 40); }

std::string number_text(double value) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// Names what a strategy keeps.
class Named final : public StateFields {
 public:
  std::vector<std::pair<std::string, std::span<const float>>> vectors;
  TextPairs numbers;

  void number(std::string_view name, uint64_t& value) override {
    numbers[prefixed(name)] = std::to_string(value);
  }
  void number(std::string_view name, double& value) override {
    numbers[prefixed(name)] = number_text(value);
  }
  void floats(std::string_view name, std::span<float> values) override {
    vectors.emplace_back(prefixed(name), values);
  }
  void floats(std::string_view name, std::vector<float>& values) override {
    vectors.emplace_back(prefixed(name), values);
  }

 private:
  static std::string prefixed(std::string_view name) { return "average." + std::string(name); }
};

}  // namespace

void ShardContent::add_tables(const TableSet& tables) {
  for (uint32_t t = 0; t < tables.size(); ++t) add_table(tables.rows(TableId{t}));
}

void ShardContent::add_replicas(const ReplicaSet& replicas,
                                const std::function<void(StateFields&)>& keep) {
  const Place& place = replicas.place();
  for (uint32_t w = 0; w < place.workers_per_node; ++w) {
    const WorkerId worker{place.first_worker().value + w};
    add_replica("worker." + std::to_string(worker.value) + ".", replicas.of(worker).rows(),
                replicas.layout(), false);
  }
  if (place.self.value == 0) add_replica("mean.", replicas.mean(), replicas.layout(), true);
  Named named;
  keep(named);
  metadata_ = std::move(named.numbers);
  for (const auto& [name, values] : named.vectors) {
    add(name, DType::f32, {values.size()},
        [values](const Sink& sink) { sink(std::as_bytes(values)); });
  }
}

// The places of rows that may move are noted once: until their workers tick they stay readable,
// whoever owns them.
void ShardContent::add_table(const Rows& rows) {
  const TableSpec& spec = rows.options().spec;
  auto keys = std::make_shared<std::vector<Key>>();
  auto places = std::make_shared<std::vector<const float*>>();
  double sum = 0;
  rows.for_each_owned([&](Key key, const float* row) {
    keys->push_back(key);
    if (rows.adapts()) places->push_back(row);
    sum += share_of(key);
  });
  rows_.push_back(static_cast<uint32_t>(keys->size()));
  key_sums_.push_back(sum);
  add(spec.name + ".keys", DType::u32, {keys->size()},
      [keys](const Sink& sink) { sink(std::as_bytes(std::span(*keys))); });
  add(spec.name + ".rows", DType::f32, {keys->size(), spec.row_length},
      [&rows, places, n = keys->size()](const Sink& sink) {
        const size_t length = rows.row_length();
        for (size_t i = 0; i < n; ++i) {
          const float* row = rows.adapts() ? (*places)[i] : rows.owned(static_cast<uint32_t>(i));
          sink(std::as_bytes(std::span(row, length)));
        }
      });
}

void ShardContent::add_replica(const std::string& name, float* replica, const ReplicaLayout& layout,
                               bool values_only) {
  for (uint32_t t = 0; t < layout.tables().size(); ++t) {
    const TableSpec& spec = layout.tables()[t];
    const float* base = replica + layout.table_at(TableId{t});
    const size_t stride = layout.stride(TableId{t});
    const size_t length = values_only ? spec.values() : spec.row_length;
    add(name + spec.name, DType::f32, {spec.rows, length}, [=, n = spec.rows](const Sink& sink) {
      for (size_t i = 0; i < n; ++i) sink(std::as_bytes(std::span(base + i * stride, length)));
    });
  }
}

void ShardContent::add(std::string name, DType type, std::vector<uint64_t> shape, Feed feed) {
  tensors_.push_back({std::move(name), type, std::move(shape)});
  feeds_.push_back(std::move(feed));
}

double ShardContent::key_sum_of_all(uint32_t rows) {
  double sum = 0;
  for (uint32_t k = 0; k < rows; ++k) sum += share_of(Key{k});
  return sum;
}

void ShardContent::feed(const Sink& sink) const {
  for (const Feed& feed : feeds_) feed(sink);
}

void ShardFile::send(const std::shared_ptr<ShardFile>& file, const ShardContent& content,
                     Background& background) {
  background.post([file, tensors = content.tensors(), metadata = content.metadata()](const auto&) {
    file->open(tensors, metadata);
  });
  Background::Buffer buffer = background.buffer();
  const auto hand_on = [&] {
    background.post([file](const Background::Buffer& full) { file->write(full); },
                    std::move(buffer));
  };
  content.feed([&](std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      if (buffer.size() == background.buffer_bytes()) {
        hand_on();
        buffer = background.buffer();
      }
      const size_t n = std::min(bytes.size(), background.buffer_bytes() - buffer.size());
      buffer.insert(buffer.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
      bytes = bytes.subspan(n);
    }
  });
  hand_on();
}

void ShardFile::open(const std::vector<TensorInfo>& tensors, const TextPairs& metadata) {
  try {
    make_folders(folder_of(path_), store_);
    writer_ = std::make_unique<SafetensorsWriter>(path_, tensors, metadata, store_);
  } catch (const UserError& error) {
    failure_ = error.what();
  }
}

void ShardFile::write(std::span<const std::byte> bytes) {
  if (!failure_.empty()) return;
  try {
    writer_->write(bytes);
  } catch (const UserError& error) {
    failure_ = error.what();
    writer_.reset();
  }
}

StoredFile ShardFile::finish() {
  if (!failure_.empty()) throw UserError(failure_);
  const std::unique_ptr<SafetensorsWriter> writer = std::move(writer_);
  writer->commit();
  return {std::filesystem::path(path_).filename(), writer->bytes(), writer->crc32()};
}

}  // namespace hemiola
