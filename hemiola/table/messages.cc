#include "hemiola/table/messages.h"

namespace hemiola {

Bytes PullBody::encode() const {
  Writer writer(24 + keys.size() * sizeof(Key));
  writer.put(request).put(table).put(needed).put<uint8_t>(subscribe);
  writer.put_all(std::span<const Key>(keys));
  return std::move(writer).take();
}

std::optional<PullBody> PullBody::decode(const Bytes& body) {
  Reader reader(body);
  PullBody pull;
  pull.request = reader.get<uint32_t>();
  pull.table = reader.get<TableId>();
  pull.needed = reader.get<Clock>();
  pull.subscribe = reader.get<uint8_t>() != 0;
  pull.keys = reader.get_all<Key>();
  if (!reader.finished()) return std::nullopt;
  return pull;
}

std::optional<RowRecords> RowRecords::read(Reader& reader, uint32_t row_length) {
  if (!reader.ok()) return std::nullopt;
  RowRecords records;
  records.record_ = size_of(row_length);
  records.count_ = reader.left() / records.record_;
  records.records_ = reader.skip(records.count_ * records.record_);
  if (!reader.finished()) return std::nullopt;
  return records;
}

Key RowRecords::key(size_t i) const {
  Key key;
  std::memcpy(&key, records_ + i * record_, sizeof(Key));
  return key;
}

const float* RowRecords::row(size_t i) const {
  return reinterpret_cast<const float*>(records_ + i * record_ + sizeof(Key));
}

}  // namespace hemiola
