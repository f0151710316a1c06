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

std::optional<RowRecords> RowRecords::read(Reader& reader, const RowForm& form) {
  if (!reader.ok()) return std::nullopt;
  RowRecords records(form);
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

const float* RowRecords::row(size_t i) {
  if (!form_.lossy()) return reinterpret_cast<const float*>(encoded(i));
  decoded_.resize(form_.row_length());
  form_.decode(encoded(i), decoded_.data());
  return decoded_.data();
}

}  // namespace hemiola
