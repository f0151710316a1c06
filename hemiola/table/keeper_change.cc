// Keeper: what workers add to rows, on its way to the owners and from them to those who keep
// copies.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/table/keeper.h"

namespace hemiola {
namespace {

constexpr uint32_t kClipAfter = 1000;  // updates that only teach what a usual norm is

}  // namespace

Keeper::Batch::Batch(Keeper& keeper, TableId table, bool whole)
    : keeper_(keeper),
      table_(table),
      book_(keeper.books_[table.value]),
      packed_(book_.rows->options().coding.lossy() && !whole),
      form_(book_.rows->update_form(packed_)) {}

// A place for the record's row; `loose`: no copy of the row stays here.
std::byte* Keeper::Batch::record(Key key, NodeId to, bool loose) {
  if (!number_) {
    keeper_.open_.push_back({0, table_, {}});
    number_ = keeper_.batches();
    for (uint32_t n = 0; n < keeper_.place_.nodes; ++n) writers_.emplace_back(0);
  }
  Writer& writer = writers_[to.value];
  if (writer.size() == 0) {
    writer = Writer(1024);
    writer.put(ChangeHead{{}, table_, keeper_.place_.self, *number_, 0, packed_});
  }
  if (loose) {
    ++book_.loose[key];
    open().loose.push_back(key);
  }
  before_ = writer.size();
  writer.put(key);
  return writer.skip(form_.bytes());
}

void Keeper::Batch::done(NodeId to, Outbox& out) {
  ++open().left;
  if (writers_[to.value].size() >= kChunkBytes) send_to(to, out);
}

void Keeper::Batch::add(Key key, const float* delta, NodeId to, bool loose, Outbox& out) {
  HEMIOLA_CHECK(!packed_);
  form_.encode(delta, record(key, to, loose));
  done(to, out);
}

// What was added to the copy since the last time, if anything.
void Keeper::Batch::add_delta(Key key, uint32_t slot, NodeId to, bool loose, Outbox& out) {
  if (take_change(slot, loose, record(key, to, loose))) return done(to, out);
  writers_[to.value].rewind(before_);
  if (!loose) return;
  open().loose.pop_back();
  const auto found = book_.loose.find(key);
  if (--found->second == 0) book_.loose.erase(found);
}

bool Keeper::Batch::take_change(uint32_t slot, bool loose, std::byte* to) {
  const Copies& shelf = book_.rows->shelf();
  const uint32_t length = book_.rows->row_length();
  keeper_.change_.resize(length);
  float* const delta = packed_ ? keeper_.change_.data() : reinterpret_cast<float*>(to);
  if (!vec().take_delta(shelf.value(slot), shelf.base(slot), delta, length)) return false;
  if (!loose && book_.rows->options().clip > 0) keeper_.clip(book_, slot, delta);
  if (!packed_) return true;
  const bool forgets = book_.rows->options().sabotage == Sabotage::rest_forgotten;
  if (forgets) keeper_.scratch_.resize(length);
  return keeper_.packer_.put_change(form_, delta,
                                    forgets ? keeper_.scratch_.data() : shelf.base(slot), to);
}

void Keeper::Batch::send_to(NodeId to, Outbox& out) {
  Writer& writer = writers_[to.value];
  if (writer.size() > sizeof(ChangeHead)) {
    sent_bytes_ += writer.size();
    const size_t record = RowRecords::size_of(form_);
    const auto rows = static_cast<uint32_t>((writer.size() - sizeof(ChangeHead)) / record);
    keeper_.streams_.send(to, Kind::change, std::move(writer), out);
    keeper_.journal_.add(*number_, table_, keeper_.streams_.unacked(to).back().body, rows);
  }
  writer = Writer(0);
}

size_t Keeper::Batch::send(Outbox& out) {
  if (!number_) return 0;
  for (uint32_t n = 0; n < writers_.size(); ++n) send_to(NodeId{n}, out);
  keeper_.settle(*number_, 0, out);
  return sent_bytes_;
}

// Sends on what was added to a row here.
void Keeper::flush_row(Batch& batch, TableId table, Key key, Outbox& out) {
  Book& book = books_[table.value];
  const Copies& shelf = book.rows->shelf();
  const Copies::Found found = shelf.look(key);
  if (found.owned) return changed(table, book, key, found.slot, place_.self);
  const uint32_t slot = found.slot != Copies::kNone ? found.slot : shelf.find_unlinked(key);
  if (slot == Copies::kNone) return;
  if (comes(book, key)) return send_later(table, key, {});
  const NodeId source = shelf.source(slot);
  const bool kept = source != Copies::kNobody;
  batch.add_delta(key, slot, kept ? source : where(book, key), !kept, out);
}

void Keeper::flush(DirtyKeys& dirty, Outbox& out) {
  later_.reset();
  Book& book = books_[dirty.table.value];
  const Copies& shelf = book.rows->shelf();
  Batch batch(*this, dirty.table, dirty.whole);
  for (size_t i = 0; i < dirty.keys.size(); ++i) {
    shelf.prefetch(dirty.keys, i);
    flush_row(batch, dirty.table, dirty.keys[i], out);
  }
  dirty.sent_bytes += batch.send(out);
}

// Where no copy is here the owner adds. One that came since the worker looked gets its part.
void Keeper::push(PushCall& call, Outbox& out) {
  later_.reset();
  Book& book = books_[call.table.value];
  const uint32_t length = book.rows->row_length();
  std::vector<uint32_t> order(call.keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return call.keys[a] < call.keys[b]; });
  Batch batch(*this, call.table, true);
  for (size_t i = 0; i < order.size();) {
    const Key key = call.keys[order[i]];
    delta_.assign(length, 0);
    for (; i < order.size() && call.keys[order[i]] == key; ++i) {
      vec().add(delta_.data(), call.deltas.data() + size_t{order[i]} * length, length);
    }
    push_row(batch, call.table, key, out);
  }
  batch.send(out);
}

// delta_ holds what is to be added.
void Keeper::push_row(Batch& batch, TableId table, Key key, Outbox& out) {
  Book& book = books_[table.value];
  const Copies& shelf = book.rows->shelf();
  const uint32_t length = book.rows->row_length();
  const Copies::Found found = shelf.look(key);
  const uint32_t slot = found.slot != Copies::kNone ? found.slot : shelf.find_unlinked(key);
  if (found.owned) {
    add_to_row(book, slot, delta_.data());
    changed(table, book, key, slot, place_.self);
  } else if (comes(book, key)) {
    if (slot != Copies::kNone) add_to_row(book, slot, delta_.data());
    send_later(table, key, slot != Copies::kNone ? std::span<const float>{} : delta_);
  } else if (slot != Copies::kNone) {
    LatchGuard guard(book.rows->latches(), shelf.value(slot));
    vec().add(shelf.value(slot), delta_.data(), length);
    vec().add(shelf.base(slot), delta_.data(), length);
    const NodeId source = shelf.source(slot);
    const bool kept = source != Copies::kNobody;
    batch.add(key, delta_.data(), kept ? source : where(book, key), !kept, out);
  } else {
    batch.add(key, delta_.data(), where(book, key), true, out);
  }
}

void Keeper::send_later(TableId table, Key key, std::span<const float> delta) {
  if (!later_) {
    open_.push_back({0, table, {}, {}, true});
    later_ = batches();
  }
  ++open_[*later_ - first_open_].left;
  Early& early = books_[table.value].early[key];
  early.batches.push_back(*later_);
  early.delta.resize(std::max(early.delta.size(), delta.size()));
  vec().add(early.delta.data(), delta.data(), delta.size());
}

// What was added while the row was on its way.
void Keeper::add_early(TableId table, Key key, Outbox& out) {
  Book& book = books_[table.value];
  const auto found = book.early.find(key);
  if (found == book.early.end()) return;
  const Early early = std::move(found->second);
  book.early.erase(found);
  Batch batch(*this, table, true);
  delta_ = early.delta;
  if (!delta_.empty()) push_row(batch, table, key, out);
  flush_row(batch, table, key, out);
  batch.send(out);
  // Its number is below that of the batch that carries it now, which a clock that is waiting for
  // the old number would not wait for.
  const auto carried = batch.number();
  for (const uint32_t number : early.batches) {
    if (carried && !settled(*carried) && open_[*carried - first_open_].left != 0) {
      open_[*carried - first_open_].instead.push_back(number);
    } else {
      settle(number, 1, out);
    }
  }
}

// A copy has come, but the row is asked for once more: it shows what was added, though that cannot
// be sent yet.
void Keeper::show_early(Book& book, Key key) {
  const auto found = book.early.find(key);
  const uint32_t slot = book.rows->shelf().find(key);
  if (found == book.early.end() || found->second.delta.empty() || slot == Copies::kNone) return;
  add_to_row(book, slot, found->second.delta.data());
  found->second.delta.clear();
}

void Keeper::add_to_row(const Book& book, uint32_t slot, const float* delta) {
  float* const row = book.rows->shelf().value(slot);
  LatchGuard guard(book.rows->latches(), row);
  vec().add(row, delta, book.rows->row_length());
}

bool Keeper::on_change(NodeId from, Reader& reader, Outbox& out) {
  const auto head = reader.get<ChangeHead>();
  Book* book = this->book(head.table);
  if (!book || head.packed > 1) return false;
  const RowForm& form = book->rows->update_form(head.packed != 0);
  auto records = RowRecords::read(reader, form);
  if (!records || head.origin.value >= place_.nodes) return false;
  const Sabotage sabotage = book->rows->options().sabotage;
  const auto& windows = peers_[from.value].windows;
  std::vector<Writer> onward;
  bool all = true;
  uint32_t in = 0;
  for (size_t i = 0; i < records->count(); ++i) {
    const Key key = records->key(i);
    if (!valid(*book, {&key, 1})) {
      all = false;
      continue;
    }
    if (!windows.empty() && windows.contains(window(head.table, key)) &&
        sabotage != Sabotage::moved_and_added_twice) {
      ++in;  // the sender takes the row over, this update included
      add_to_gift(from, head, key, records->row(i));
      continue;
    }
    const Copies::Found found = book->rows->shelf().look(key);
    if (found.owned) {
      add_to_row(*book, found.slot, records->row(i));
      backups_.added(head.table, key, {head.origin, head.batch});
      changed(head.table, *book, key, found.slot, head.origin);
      if (head.origin != place_.self) lose_interest(*book, key);
      ++in;
    } else if (sabotage == Sabotage::lost_when_moved) {
      ++in;
    } else {
      while (onward.size() < place_.nodes) onward.emplace_back(0);
      Writer& writer = onward[where(*book, key).value];
      if (writer.size() == 0) writer.put(head);
      writer.put(key);
      std::memcpy(writer.skip(form.bytes()), records->encoded(i), form.bytes());
    }
  }
  send_onward(head, onward, out);
  if (in == 0) return all;
  if (head.origin == place_.self) return settle_as_told(head.batch, in, out) && all;
  Writer writer(sizeof(SettledBody));
  writer.put(SettledBody{{}, head.batch, in});
  streams_.send(head.origin, Kind::settled, std::move(writer), out);
  return all;
}

void Keeper::send_onward(const ChangeHead& head, std::vector<Writer>& onward, Outbox& out) {
  ChangeHead on = head;
  ++on.hops;
  for (uint32_t n = 0; n < onward.size(); ++n) {
    if (onward[n].size() == 0) continue;
    HEMIOLA_CHECK(NodeId{n} != place_.self);
    onward[n].patch(0, on);
    streams_.send(NodeId{n}, Kind::change, std::move(onward[n]), out);
  }
}

bool Keeper::on_settled(Reader& reader, Outbox& out) {
  const auto body = reader.get<SettledBody>();
  return reader.finished() && settle_as_told(body.batch, body.rows, out);
}

// By another node; false when it cannot be so.
bool Keeper::settle_as_told(uint32_t batch, uint32_t rows, Outbox& out) {
  const uint32_t at = batch - first_open_;
  if (at >= open_.size() || open_[at].later || rows == 0 || open_[at].left < rows) return false;
  // Without backups an update that is in its row is as safe as it gets.
  if (!backups_.on()) safe(std::array{SafeRecord{batch, rows}});
  settle(batch, rows, out);
  return true;
}

void Keeper::settle(uint32_t number, uint32_t rows, Outbox& out) {
  HEMIOLA_CHECK(number >= first_open_ && number - first_open_ < open_.size());
  Open& open = open_[number - first_open_];
  HEMIOLA_CHECK(open.left >= rows);
  open.left -= rows;
  if (open.left != 0) return;
  const Open done = std::exchange(open, Open{});
  while (!open_.empty() && open_.front().left == 0) {
    open_.pop_front();
    ++first_open_;
  }
  Book& book = books_[done.table.value];
  for (const Key key : done.loose) {
    const auto found = book.loose.find(key);
    if (--found->second != 0) continue;
    book.loose.erase(found);
    ask_what_was_held(done.table, key, out);
  }
  for (const uint32_t early : done.instead) settle(early, 1, out);
}

// A usual update passes; one that is much larger than usual is scaled down, here and there.
void Keeper::clip(Book& book, uint32_t slot, float* delta) const {
  const uint32_t length = book.rows->row_length();
  const double norm = std::sqrt(vec().dot(delta, delta, length));
  ++book.clip_seen;
  book.clip_mean += (norm - book.clip_mean) / std::min(book.clip_seen, kClipAfter);
  const double most = book.rows->options().clip * book.clip_mean;
  if (book.clip_seen < kClipAfter || norm <= most) return;
  const auto excess = static_cast<float>(1 - most / norm);
  const Copies& shelf = book.rows->shelf();
  LatchGuard guard(book.rows->latches(), shelf.value(slot));
  vec().axpy(shelf.value(slot), -excess, delta, length);
  vec().axpy(shelf.base(slot), -excess, delta, length);
  for (uint32_t c = 0; c < length; ++c) delta[c] *= 1 - excess;
}

// The one who made the change has it already.
void Keeper::changed(TableId table, Book& book, Key key, uint32_t slot, NodeId by) {
  backups_.changed(table, key);
  for (size_t w = 0; w < book.words; ++w) {
    uint64_t& pending = book.pending[slot * book.words + w];
    uint64_t news = book.keepers[slot * book.words + w] & ~pending;
    if (by.value / 64 == w) news &= ~(uint64_t{1} << (by.value % 64));
    pending |= news;
    for (; news != 0; news &= news - 1) {
      const auto node = w * 64 + static_cast<size_t>(__builtin_ctzll(news));
      peers_[node].pending[table.value].push_back(key);
    }
  }
}

// At most kRoundsOpen rounds are on their way; what changes meanwhile goes once, with the next.
void Keeper::renew(NodeId to, Outbox& out) {
  Peer& peer = peers_[to.value];
  while (!peer.rounds.empty() && streams_.has(to, peer.rounds.front())) peer.rounds.pop_front();
  const bool early = now_ < peer.next_round;
  peer.owes = early || peer.rounds.size() >= kRoundsOpen;
  if (early && !peer.timer_set) {
    peer.timer_set = true;
    out.wake_at(MachineId::table, peer.next_round, kPaceTimer);
  }
  if (peer.owes) return;
  peer.next_round = now_ + pace_;
  send_round(to, out);
}

void Keeper::send_round(NodeId to, Outbox& out) {
  Peer& peer = peers_[to.value];
  const uint64_t bit = uint64_t{1} << (to.value % 64);
  for (uint32_t t = 0; t < peer.pending.size(); ++t) {
    if (peer.pending[t].empty()) continue;
    const auto keys = std::exchange(peer.pending[t], {});
    Book& book = books_[t];
    const Copies& shelf = book.rows->shelf();
    const RowForm& form = book.rows->read_form();
    Writer writer(0);
    for (size_t i = 0; i < keys.size(); ++i) {
      shelf.prefetch(keys, i);
      const Copies::Found found = shelf.look(keys[i]);
      if (!found.owned) continue;
      uint64_t& pending = book.pending[found.slot * book.words + to.value / 64];
      if ((pending & bit) == 0) continue;
      pending &= ~bit;
      if (writer.size() == 0) {
        const size_t rest = (keys.size() - i) * RowRecords::size_of(form);
        writer = Writer(sizeof(RenewHead) + std::min(rest, kChunkBytes + 4096));
        writer.put(RenewHead{{}, TableId{t}});
      }
      writer.put(keys[i]);
      packer_.put(form, shelf.value(found.slot), writer.skip(form.bytes()));
      if (writer.size() < kChunkBytes) continue;
      streams_.send(to, Kind::renew, std::exchange(writer, Writer(0)), out);
    }
    if (writer.size() != 0) streams_.send(to, Kind::renew, std::move(writer), out);
  }
  Writer writer(sizeof(RoundBody));
  writer.put(RoundBody{{}, complete_, journal_.low()});
  peer.rounds.push_back(streams_.send(to, Kind::round, std::move(writer), out));
}

bool Keeper::on_renew(NodeId from, Reader& reader) {
  const auto head = reader.get<RenewHead>();
  Book* book = this->book(head.table);
  auto records = book ? RowRecords::read(reader, book->rows->read_form()) : std::nullopt;
  if (!records) return false;
  const Copies& shelf = book->rows->shelf();
  const bool forgets = book->rows->options().sabotage == Sabotage::refresh_overwrites;
  for (size_t i = 0; i < records->count(); ++i) {
    const Key key = records->key(i);
    if (!valid(*book, {&key, 1})) return false;
    const uint32_t slot = shelf.find_unlinked(key);
    if (slot == Copies::kNone || shelf.source(slot) != from) continue;
    const float* fresh = with_unseen(head.table, key, records->row(i), from, false);
    LatchGuard guard(book->rows->latches(), shelf.value(slot));
    vec().refresh(shelf.value(slot), shelf.base(slot), fresh, book->rows->row_length());
    if (forgets) vec().copy(shelf.value(slot), fresh, book->rows->row_length());
    lose_interest(*book, key);
  }
  return true;
}

}  // namespace hemiola
