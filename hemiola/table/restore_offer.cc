// Restore: what a node offers to the new owners of rows.
#include <algorithm>

#include "hemiola/core/vec.h"
#include "hemiola/table/keeper_messages.h"
#include "hemiola/table/restore.h"

namespace hemiola {

Writer& Restore::writer_for(TableId table, NodeId to) {
  Writer& writer = writers_[to.value];
  if (writer.size() == 0) writer.put(RowsOfTable{{}, table});
  return writer;
}

void Restore::flush(NodeId to, Kind kind, Outbox& out) {
  Writer& writer = writers_[to.value];
  if (writer.size() == 0) return;
  streams_.send(to, kind, std::exchange(writer, Writer(0)), out);
}

void Restore::flush_all(Kind kind, Outbox& out) {
  for (uint32_t n = 0; n < writers_.size(); ++n) flush(NodeId{n}, kind, out);
}

// One slice of keys, own rows and backups alike; what was given away goes with a table's first.
bool Restore::offer_some(Outbox& out) {
  if (old_ == nullptr || table_ == tables_.size()) return false;
  const TableId table{table_};
  const uint32_t keys = old_->tables[table_]->partition().rows();
  const uint32_t begin = key_;
  const uint32_t end = keys - begin > kKeysAtOnce ? begin + kKeysAtOnce : keys;
  if (begin == 0) offer_given(table, out);
  offer_own(table, begin, end, out);
  if (old_->backups && old_->gone(old_->backed())) offer_backups(table, begin, end, out);
  key_ = end;
  if (key_ == keys) {
    flush_all(Kind::offer, out);
    ++table_;
    key_ = 0;
  }
  return true;
}

void Restore::offer_own(TableId table, uint32_t begin, uint32_t end, Outbox& out) {
  const Rows& rows = *old_->tables[table.value];
  std::vector<UnitRecord> units;
  for (uint32_t k = begin; k < end; ++k) {
    const Key key{k};
    if (!rows.owns(key)) continue;
    const float* const row = rows.adapts() ? rows.shelf().value(rows.shelf().find(key))
                                           : rows.owned(rows.partition().index(key));
    units.clear();
    if (old_->logs[table.value]) {
      old_->logs[table.value]->each(key, [&](const UnitLog::Entry& entry) {
        if (!entry.gift) units.push_back({entry.unit.origin.value, 0, 0, entry.unit.batch});
      });
    }
    const uint32_t moves = rows.adapts() ? old_->moves[table.value][k] : 0;
    offer(table, {key, moves, Version::own, 0}, units, row, out);
  }
}

void Restore::offer_given(TableId table, Outbox& out) {
  const uint32_t length = tables_.rows(table).row_length();
  for (const TableGeneration::Given& given : old_->given) {
    if (given.table != table) continue;
    Reader reader(given.gift.message.span().subspan(given.gift.at));
    const auto record = reader.get<GiveRecord>();
    const std::byte* at = reader.skip_all<UnitRecord>(record.units);
    const auto* sent = reinterpret_cast<const float*>(reader.skip(length * sizeof(float)));
    std::vector<UnitRecord> units(record.units);
    if (!units.empty()) std::memcpy(units.data(), at, units.size() * sizeof(UnitRecord));
    units.insert(units.end(), given.gift.more_units.begin(), given.gift.more_units.end());
    scratch_.assign(sent, sent + length);
    if (!given.gift.more.empty()) vec().add(scratch_.data(), given.gift.more.data(), length);
    offer(table, {given.key, given.gift.moves, Version::given_away, 0}, units, scratch_.data(),
          out);
  }
}

void Restore::offer_backups(TableId table, uint32_t begin, uint32_t end, Outbox& out) {
  for (uint32_t k = begin; k < end; ++k) {
    const auto found = old_->backups->find(table, Key{k});
    if (found.row == nullptr) continue;
    offer(table, {Key{k}, found.moves, Version::backup, 0}, found.units, found.row, out);
  }
}

void Restore::offer(TableId table, RowVersion head, std::span<const UnitRecord> units,
                    const float* row, Outbox& out) {
  head.units = static_cast<uint32_t>(units.size());
  const NodeId to = home(table, head.key);
  if (to == self()) {
    return consider(table, head, reinterpret_cast<const std::byte*>(units.data()), row);
  }
  Writer& writer = writer_for(table, to);
  writer.put(head);
  for (const UnitRecord& unit : units) writer.put(unit);
  const uint32_t length = tables_.rows(table).row_length();
  vec().copy(reinterpret_cast<float*>(writer.skip(length * sizeof(float))), row, length);
  if (writer.size() >= kChunkBytes) flush(to, Kind::offer, out);
}

// A backup vouches for the rows of which it knows nothing: they were never changed. For those of
// which it knows that they went away it does not, but then it takes two deaths for nobody to offer
// them.
void Restore::tell_offered(Outbox& out) {
  OfferedHead head;
  std::vector<uint32_t> vouched, received;
  if (old_ != nullptr) {
    head.old_nodes = old_->place.nodes;
    head.old_rank = old_->place.self.value;
    if (old_->backups && old_->vouches && old_->gone(old_->backed()))
      vouched.push_back(old_->backed().value);
    for (const BatchSeq last : old_->received) received.push_back(last.value);
  }
  for (uint32_t n = 0; n < peers_.size(); ++n) {
    Writer writer;
    writer.put(head);
    writer.put_all(std::span<const uint32_t>(vouched));
    writer.put_all(std::span<const uint32_t>(received));
    if (NodeId{n} != self()) {
      streams_.send(NodeId{n}, Kind::offered, std::move(writer), out);
    } else {
      const Bytes own = std::move(writer).take();
      Reader reader(own);
      on_offered(peers_[n], reader);
    }
  }
}

}  // namespace hemiola
