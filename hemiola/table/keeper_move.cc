// Keeper: rows that go to another node, come from one, or are left.
#include <algorithm>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/table/keeper.h"

namespace hemiola {

// The row as it is now goes into the message. One that is given away becomes a copy here, whose
// base is what was given.
void Keeper::put_row(Giving& giving, Key key, uint32_t slot, GiveKind kind, Outbox& out) {
  Book& book = books_[giving.table.value];
  Copies& shelf = book.rows->shelf();
  const uint32_t length = book.rows->row_length();
  Writer& writer = giving.writer;
  if (writer.size() == 0) writer.put(GiveHead{{}, giving.table, complete_});
  if (kind == GiveKind::owned) ++book.moves[key.value];
  const size_t at = writer.size();
  GiveRecord record{key, book.moves[key.value], kind};
  writer.put(record);
  if (kind == GiveKind::owned) {
    record.units = backups_.give(giving.table, key, writer);
    writer.patch(at, record);
  }
  const RowForm& form = form_of(book, kind);
  std::byte* const row = writer.skip(form.bytes());
  {
    LatchGuard guard(book.rows->latches(), shelf.value(slot));
    packer_.put(form, shelf.value(slot), row);
  }
  const uint64_t bit = uint64_t{1} << (giving.to.value % 64);
  uint64_t* const keepers = &book.keepers[slot * book.words];
  uint64_t* const pending = &book.pending[slot * book.words];
  if (kind == GiveKind::kept) {
    keepers[giving.to.value / 64] |= bit;
    pending[giving.to.value / 64] &= ~bit;
  } else if (kind == GiveKind::owned) {
    std::fill_n(keepers, book.words, 0);
    std::fill_n(pending, book.words, 0);
    vec().copy(shelf.base(slot), reinterpret_cast<const float*>(row), length);
    book.where[key.value] = static_cast<uint16_t>(giving.to.value + 1);
    book.flags[key.value] &= static_cast<uint8_t>(~kClings);
    ++peers_[giving.to.value].windows[window(giving.table, key)];
    giving.gone.push_back(key);
    giving.gone_at.push_back(at);
  }
  if (writer.size() >= kChunkBytes) send_rows(giving, out);
}

void Keeper::send_rows(Giving& giving, Outbox& out) {
  if (giving.writer.size() == 0) return;
  streams_.send(giving.to, Kind::give, std::exchange(giving.writer, Writer(0)), out);
  if (giving.gone.empty()) return;
  remember(giving);
  Book& book = books_[giving.table.value];
  tell_homes(book, giving, out);
  if (book.rows->options().sabotage != Sabotage::two_owners) leave(giving.table, giving.gone);
  giving.gone.clear();
  giving.gone_at.clear();
}

void Keeper::tell_homes(const Book& book, const Giving& giving, Outbox& out) {
  std::vector<std::vector<LocatedRecord>> by_home(place_.nodes);
  for (const Key key : giving.gone) {
    const NodeId home = book.rows->partition().owner(key);
    if (home == place_.self || home == giving.to) continue;
    by_home[home.value].push_back({key, book.moves[key.value], giving.to});
  }
  for (uint32_t n = 0; n < by_home.size(); ++n) {
    if (by_home[n].empty()) continue;
    Writer writer(sizeof(KeysHead) + 4 + by_home[n].size() * sizeof(LocatedRecord));
    writer.put(KeysHead{{}, giving.table}).put_all(std::span<const LocatedRecord>(by_home[n]));
    streams_.send(NodeId{n}, Kind::located, std::move(writer), out);
  }
}

void Keeper::give_away(TableId table, std::span<const std::pair<NodeId, Key>> rows, Outbox& out) {
  for (uint32_t n = 0; n < place_.nodes && !rows.empty(); ++n) {
    Giving giving(table, NodeId{n});
    for (const auto& [to, key] : rows) {
      if (to != NodeId{n}) continue;
      const Copies::Found found = books_[table.value].rows->shelf().look(key);
      if (found.owned) put_row(giving, key, found.slot, GiveKind::owned, out);
    }
    send_rows(giving, out);
  }
}

bool Keeper::on_located(Reader& reader) {
  const auto head = reader.get<KeysHead>();
  const auto records = reader.get_all<LocatedRecord>();
  Book* book = this->book(head.table);
  if (!reader.finished() || !book) return false;
  for (const LocatedRecord& r : records) {
    if (!valid(*book, {&r.key, 1}) || r.owner.value >= place_.nodes) return false;
    if (!book->rows->owns(r.key) && r.owner != place_.self) learn(*book, r.key, r.owner, r.moves);
  }
  return true;
}

bool Keeper::on_give(NodeId from, Reader& reader, Outbox& out) {
  const auto head = reader.get<GiveHead>();
  Book* book = this->book(head.table);
  RowPacker packer;
  std::vector<Key> taken;
  bool all = book && reader.ok();
  while (all && reader.left() > 0) {
    const auto record = reader.get<GiveRecord>();
    const std::byte* at = reader.skip_all<UnitRecord>(record.units);
    const RowForm& form = form_of(*book, record.kind);
    const std::byte* const encoded = reader.skip(form.bytes());
    all = encoded && may_be(*book, record);
    if (!all) break;
    const float* const row = packer.get(form, encoded);
    if (record.kind == GiveKind::owned) taken.push_back(record.key);
    unseen_.clear();
    take_in(*book, head, record, row, from, out);
    if (record.kind != GiveKind::owned) continue;
    std::vector<UnitRecord> units(record.units);
    if (!units.empty()) std::memcpy(units.data(), at, units.size() * sizeof(UnitRecord));
    take_units(head, record, std::move(units), from);
  }
  if (!taken.empty()) {
    Writer writer(sizeof(KeysHead) + 4 + taken.size() * sizeof(Key));
    writer.put(KeysHead{{}, head.table}).put_all(std::span<const Key>(taken));
    streams_.send(from, Kind::taken, std::move(writer), out);
    tables_.moves(head.table).moved.fetch_add(taken.size(), std::memory_order_relaxed);
  }
  recheck(out);
  return all;
}

// Nobody else gives away what is here, and each move has a higher number than the last.
bool Keeper::may_be(const Book& book, const GiveRecord& record) const {
  const Key key = record.key;
  if (!valid(book, {&key, 1}) || record.kind > GiveKind::owned) return false;
  if (record.kind != GiveKind::passing && book.rows->owns(key)) return false;
  return record.kind != GiveKind::owned || record.moves > book.moves[key.value];
}

// Than a copy for now that has come: or the row has moved on since it was sent.
bool Keeper::better_is_here(Book& book, Key key, uint32_t moves) {
  const Copies& shelf = book.rows->shelf();
  const Copies::Found found = shelf.look(key);
  if (found.owned || moves < book.moves[key.value]) return true;
  if (found.slot != Copies::kNone) return shelf.source(found.slot) != Copies::kNobody;
  if (!take_back(book, key)) return false;
  book.unwanted.push_back(key);
  return true;
}

void Keeper::take_in(Book& book, const GiveHead& head, const GiveRecord& record, const float* row,
                     NodeId from, Outbox& out) {
  const Key key = record.key;
  if (timed_ == key && timed_table_ == head.table) {
    intents_.took(now_ - timed_since_);
    timed_.reset();
  }
  const bool passing = record.kind == GiveKind::passing;
  book.flags[key.value] &= static_cast<uint8_t>(passing ? ~kAsked : ~kAskedWant);
  if (!passing || !better_is_here(book, key, record.moves)) {
    install(book, head, record, row, from);
    learn(book, key, record.kind == GiveKind::owned ? place_.self : from, record.moves);
  }
  if (record.kind != GiveKind::owned && comes(book, key)) {
    show_early(book, key);
  } else {
    add_early(head.table, key, out);
  }
  if (record.kind == GiveKind::kept) {
    tables_.moves(head.table).kept.fetch_add(1, std::memory_order_relaxed);
    if (!of_interest(book, head.table, key)) book.unwanted.push_back(key);
  }
}

void Keeper::install(Book& book, const GiveHead& head, const GiveRecord& record, const float* row,
                     NodeId from) {
  Copies& shelf = book.rows->shelf();
  const Key key = record.key;
  uint32_t slot = shelf.find(key);
  if (slot == Copies::kNone) slot = shelf.make(key);
  const bool stale = book.rows->options().sabotage == Sabotage::moved_without_own_updates;
  const float* fresh =
      stale ? row : with_unseen(head.table, key, row, from, record.kind == GiveKind::owned);
  {
    LatchGuard guard(book.rows->latches(), shelf.value(slot));
    vec().refresh(shelf.value(slot), shelf.base(slot), fresh, book.rows->row_length());
  }
  if (record.kind == GiveKind::owned) {
    shelf.publish_owned(key, slot);
  } else {
    shelf.publish(key, slot, head.complete, record.kind == GiveKind::kept ? from : Copies::kNobody);
  }
}

// With those of our updates on top that `from` had not seen when it sent the row: what is in its
// stream now. What was sent before an earlier `taken` was already in when we took the row then.
// all: also those of other nodes that we sent on. Who takes a row over must have them; a copy must
// not, since nothing says that the next copy will show them too.
const float* Keeper::with_unseen(TableId table, Key key, const float* fresh, NodeId from,
                                 bool all) {
  const uint32_t length = books_[table.value].rows->row_length();
  const float* const sent = fresh;
  for (Streams::Sent& message : streams_.unacked(from)) {
    if (message.kind != Kind::change && message.kind != Kind::taken) continue;
    index_message(message);
    if (message.table != table || (!all && message.origin != place_.self)) continue;
    const auto [begin, end] = message.index.equal_range(key.value);
    if (begin == end) continue;
    if (message.kind == Kind::taken) {
      fresh = sent;
      unseen_.clear();
      continue;
    }
    if (fresh == sent) scratch_.assign(sent, sent + length);
    const bool packed = Reader(message.body).get<ChangeHead>().packed != 0;
    const RowForm* const form = &books_[table.value].rows->update_form(packed);
    for (auto record = begin; record != end; ++record) {
      const std::byte* at = message.body.data() + record->second;
      vec().add(scratch_.data(), packer_.get(*form, at), length);
      if (all) unseen_.push_back({message.origin.value, 0, 0, message.batch});
    }
    fresh = scratch_.data();
  }
  return fresh;
}

void Keeper::index_message(Streams::Sent& message) {
  if (message.indexed) return;
  message.indexed = true;
  Reader reader(message.body);
  if (message.kind == Kind::taken) {
    message.table = reader.get<KeysHead>().table;
    message.origin = place_.self;
    for (const Key key : reader.get_all<Key>()) message.index.emplace(key.value, 0);
    return;
  }
  const auto head = reader.get<ChangeHead>();
  message.table = head.table;
  message.origin = head.origin;
  message.batch = head.batch;
  if (message.table.value >= books_.size()) return;
  const RowForm& form = books_[message.table.value].rows->update_form(head.packed != 0);
  size_t at = sizeof(ChangeHead);
  const auto records = RowRecords::read(reader, form);
  for (size_t i = 0; i < records->count(); ++i, at += RowRecords::size_of(form)) {
    message.index.emplace(records->key(i).value, static_cast<uint32_t>(at + sizeof(Key)));
  }
}

bool Keeper::on_taken(NodeId from, Reader& reader) {
  const auto head = reader.get<KeysHead>();
  const auto keys = reader.get_all<Key>();
  if (!reader.finished()) return false;
  auto& windows = peers_[from.value].windows;
  for (const Key key : keys) {
    const auto found = windows.find(window(head.table, key));
    if (found == windows.end()) return false;
    if (--found->second != 0) continue;
    windows.erase(found);
    const auto gift = gifts_.find(window(head.table, key));
    if (gift == gifts_.end() || gift->second.to != from) continue;
    if (!backups_.on()) forget_gift(head.table, key);
  }
  return true;
}

// A node that is still to say that it has taken the row over speaks of the copy that it had before.
bool Keeper::on_leave(NodeId from, Reader& reader, Outbox& out) {
  const auto head = reader.get<KeysHead>();
  const auto keys = reader.get_all<Key>();
  Book* book = this->book(head.table);
  if (!reader.finished() || !book || !valid(*book, keys)) return false;
  const auto& windows = peers_[from.value].windows;
  const uint64_t bit = uint64_t{1} << (from.value % 64);
  for (const Key key : keys) {
    const Copies::Found found = book->rows->shelf().look(key);
    if (!found.owned || windows.contains(window(head.table, key))) continue;
    book->keepers[found.slot * book->words + from.value / 64] &= ~bit;
    book->pending[found.slot * book->words + from.value / 64] &= ~bit;
  }
  drop_unwanted(head.table, keys, out);
  return true;
}

// Unlinks, so that workers find the rows no more; they may hold pointers until they tick.
void Keeper::leave(TableId table, std::span<const Key> keys) {
  if (keys.empty()) return;
  Copies& shelf = books_[table.value].rows->shelf();
  Leaving leaving{table, {}, 0};
  const bool clings = tables_.rows(table).options().sabotage == Sabotage::never_released;
  for (const Key key : keys) {
    const Copies::Found found = shelf.look(key);
    if (found.slot == Copies::kNone || (clings && !found.owned)) continue;
    leaving.keys.emplace_back(key, shelf.unlink(key));
  }
  leaving.unlinking = tables_.unlinkings.fetch_add(1, std::memory_order_release) + 1;
  leaving_.push_back(std::move(leaving));
}

void Keeper::pass(WorkerId worker, uint64_t unlinkings, Outbox& out) {
  uint64_t& passed = passed_[local(worker)];
  passed = std::max(passed, unlinkings);
  uint64_t all = UINT64_MAX;
  for (size_t w = 0; w < passed_.size(); ++w) {
    if (!at_barrier_[w]) all = std::min(all, passed_[w]);
  }
  for (Leaving& leaving : std::exchange(asked_, {})) release(std::move(leaving), out);
  while (!leaving_.empty() && leaving_.front().unlinking <= all) {
    Leaving leaving = std::move(leaving_.front());
    leaving_.pop_front();
    release(std::move(leaving), out);
  }
}

// Nobody holds pointers any more: what was added last is sent, and the slots are free.
void Keeper::release(Leaving leaving, Outbox& out) {
  Book& book = books_[leaving.table.value];
  Copies& shelf = book.rows->shelf();
  std::vector<std::vector<Key>> left(place_.nodes);
  Batch batch(*this, leaving.table, true);
  std::erase_if(leaving.keys, [&](const auto& key_and_unlinking) {
    const auto [key, unlinking] = key_and_unlinking;
    if (!shelf.is_unlinked(key, unlinking)) return true;
    if (comes(book, key)) return false;
    const uint32_t slot = shelf.find_unlinked(key);
    const NodeId source = shelf.source(slot);
    batch.add_delta(key, slot, source != Copies::kNobody ? source : where(book, key), true, out);
    if (source != Copies::kNobody) left[source.value].push_back(key);
    shelf.release(key, unlinking);
    return true;
  });
  batch.send(out);
  for (uint32_t n = 0; n < left.size(); ++n) {
    if (left[n].empty()) continue;
    Writer writer(sizeof(KeysHead) + 4 + left[n].size() * sizeof(Key));
    writer.put(KeysHead{{}, leaving.table}).put_all(std::span<const Key>(left[n]));
    streams_.send(NodeId{n}, Kind::leave, std::move(writer), out);
  }
  if (!leaving.keys.empty()) asked_.push_back(std::move(leaving));
}

}  // namespace hemiola
