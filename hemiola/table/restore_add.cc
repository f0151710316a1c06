// Restore: what a node has for rows that may not be in them.
#include <algorithm>
#include <numeric>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/table/keeper_messages.h"
#include "hemiola/table/restore.h"

namespace hemiola {

// Batches to a node that is still here are in, or not, as it has told; which rows have those to
// one that is gone, and those of rows that moved, the units of the rows tell.
void Restore::plan_adding() {
  table_ = view_ = key_ = 0;
  next_resent_ = 0;
  if (old_ == nullptr) return;
  for (uint32_t owner = 0; owner < old_->sent.size(); ++owner) {
    uint32_t has = 0;
    bool here = false;
    for (const Peer& peer : peers_) {
      if (peer.then != NodeId{owner} || old_->place.self.value >= peer.received.size()) continue;
      here = true;
      has = peer.received[old_->place.self.value];
    }
    old_->sent[owner].each([&](uint32_t number, const Journal::Batch& batch) {
      if (here && !is_later(number, has)) return;
      for (const Bytes& body : batch.bodies) resent_.push_back({batch.table, body, number, false});
    });
  }
  old_->moving.each([&](uint32_t number, const Journal::Batch& batch) {
    for (const Bytes& body : batch.bodies) resent_.push_back({batch.table, body, number, true});
  });
}

// A step of it; false: nothing is left.
bool Restore::add_some(Outbox& out) {
  if (old_ == nullptr) return false;
  if (next_resent_ < resent_.size()) {
    resend(resent_[next_resent_++], out);
    return true;
  }
  if (!unsent_sent_) {
    flush_all(Kind::add, out);
    send_unsent(out);
    unsent_sent_ = true;
    return true;
  }
  if (table_ == tables_.size()) return false;
  const Rows& rows = *old_->tables[table_];
  const uint32_t keys = rows.views() == 0 ? 0 : rows.partition().rows();
  const uint32_t end = keys - key_ > kKeysAtOnce ? key_ + kKeysAtOnce : keys;
  if (keys != 0) send_differences(TableId{table_}, view_, key_, end, out);
  key_ = end;
  if (key_ < keys) return true;
  key_ = 0;
  if (++view_ < rows.views()) return true;
  flush_all(Kind::add, out);
  view_ = 0;
  ++table_;
  return true;
}

void Restore::resend(const Resent& resent, Outbox& out) {
  if (written_ != resent.table) flush_all(Kind::add, out);
  written_ = resent.table;
  Reader reader(resent.body);
  const uint32_t packed =
      resent.moving ? reader.get<ChangeHead>().packed : reader.get<UpdateHead>().packed;
  auto records = RowRecords::read(reader, tables_.rows(resent.table).update_form(packed != 0));
  HEMIOLA_CHECK(records);
  // A push may have named a row twice: together they are one unit.
  std::vector<uint32_t> order(records->count());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return records->key(a) < records->key(b); });
  const uint32_t length = tables_.rows(resent.table).row_length();
  for (size_t i = 0; i < order.size();) {
    const Key key = records->key(order[i]);
    scratch_.assign(length, 0);
    for (; i < order.size() && records->key(order[i]) == key; ++i) {
      vec().add(scratch_.data(), records->row(order[i]), length);
    }
    send_add(resent.table, {key, old_->place.self.value, resent.batch}, scratch_.data(), out);
  }
}

void Restore::send_unsent(Outbox& out) {
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    for (const TableGeneration::Unsent& unsent : old_->unsent) {
      if (unsent.table != TableId{t}) continue;
      send_add(unsent.table, {unsent.key, AddRecord::kUnsent, 0}, unsent.delta.data(), out);
    }
    flush_all(Kind::add, out);
  }
}

void Restore::send_differences(TableId table, uint32_t view, uint32_t begin, uint32_t end,
                               Outbox& out) {
  const Rows& rows = *old_->tables[table.value];
  const Copies& copies = rows.view(view);
  const uint32_t length = rows.row_length();
  scratch_.resize(length);
  for (uint32_t k = begin; k < end; ++k) {
    const Key key{k};
    const uint32_t slot = copies.find_unlinked(key);
    if (slot == Copies::kNone || copies.owns(key)) continue;
    vec().copy(scratch_.data(), copies.value(slot), length);
    vec().subtract(scratch_.data(), copies.base(slot), length);
    const bool any = std::any_of(scratch_.begin(), scratch_.end(), [](float f) { return f != 0; });
    if (any) send_add(table, {key, AddRecord::kUnsent, 0}, scratch_.data(), out);
  }
}

void Restore::send_add(TableId table, const AddRecord& head, const float* delta, Outbox& out) {
  const NodeId to = home(table, head.key);
  if (to == self()) return add(table, head, delta);
  const uint32_t length = tables_.rows(table).row_length();
  Writer& writer = writer_for(table, to);
  writer.put(head);
  vec().copy(reinterpret_cast<float*>(writer.skip(length * sizeof(float))), delta, length);
  if (writer.size() >= kChunkBytes) flush(to, Kind::add, out);
}

}  // namespace hemiola
