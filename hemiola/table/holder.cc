#include "hemiola/table/holder.h"

#include <algorithm>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {

Holder::Holder(TableSet& tables, Owner& own, Backups& backups)
    : tables_(tables), own_(own), backups_(backups), channels_(tables.place().nodes) {}

Copies& Holder::view_of(const FetchCall& call) const {
  return tables_.rows(call.table).copies(call.worker);
}

void Holder::fetch(FetchCall& call, Outbox& out) {
  const Rows& rows = tables_.rows(call.table);
  const bool to_copies = call.sink.empty();
  const bool push = rows.options().staleness.push && to_copies;
  std::vector<Request> asks(tables_.place().nodes);
  std::vector<bool> waits(tables_.place().nodes);
  for (uint32_t i = 0; i < call.keys.size(); ++i) {
    const NodeId owner = rows.partition().owner(call.keys[i]);
    if (to_copies) {
      const Copies& copies = view_of(call);
      const uint32_t slot = copies.find(call.keys[i]);
      if (slot != Copies::kNone) {
        if (copies.tag(slot) >= call.needed) continue;
        if (push && tables_.refreshed_by(owner) >= call.needed) continue;
        if (push) {  // it is on its way anyway
          waits[owner.value] = true;
          continue;
        }
      }
    }
    asks[owner.value].pull.keys.push_back(call.keys[i]);
    asks[owner.value].places.push_back(i);
  }
  call.open = 1;
  for (uint32_t n = 0; n < asks.size(); ++n) {
    if (waits[n]) {
      ++call.open;
      parked_.push_back({&call, NodeId{n}});
    }
    if (asks[n].pull.keys.empty()) continue;
    ++call.open;
    Request& request = asks[n];
    request.call = &call;
    request.owner = NodeId{n};
    request.pull.request = ++last_request_;
    request.pull.table = call.table;
    request.pull.needed = call.needed;
    request.pull.subscribe = push;
    out.send(request.owner, Kind::pull, request.pull.encode());
    requests_.emplace(request.pull.request, std::move(request));
  }
  answered(call, tables_.place().self, out);
}

void Holder::answered(FetchCall& call, NodeId by, Outbox& out) {
  call.waited_for = by;
  if (--call.open == 0) out.complete(call);
}

void Holder::push(PushCall& call, Outbox& out) {
  const Rows& rows = tables_.rows(call.table);
  const uint32_t length = rows.row_length();
  std::vector<Writer> writers;
  for (uint32_t n = 0; n < channels_.size(); ++n) writers.emplace_back(sizeof(UpdateHead));
  for (size_t i = 0; i < call.keys.size(); ++i) {
    Writer& writer = writers[rows.partition().owner(call.keys[i]).value];
    if (writer.size() == 0) writer.put(UpdateHead{{}, call.table, call.worker, call.clock});
    writer.put(call.keys[i]);
    const float* delta = call.deltas.data() + i * length;
    std::memcpy(writer.skip(length * sizeof(float)), delta, length * sizeof(float));
    if (rows.keeps_copies()) add_sent(rows, call.keys[i], delta);
  }
  for (uint32_t n = 0; n < writers.size(); ++n) close_batch(NodeId{n}, writers[n], call.table, out);
}

// A copy that came while the push was on its way to this loop gets what it missed.
void Holder::add_sent(const Rows& rows, Key key, const float* delta) {
  const Copies& copies = rows.view(0);
  const uint32_t slot = copies.find_unlinked(key);
  if (slot == Copies::kNone) return;
  LatchGuard guard(rows.latches(), copies.value(slot));
  vec().add(copies.value(slot), delta, rows.row_length());
  vec().add(copies.base(slot), delta, rows.row_length());
}

void Holder::flush(WorkerId worker, Clock clock, DirtyKeys& dirty, Outbox& out) {
  const Rows& rows = tables_.rows(dirty.table);
  if (!rows.keeps_copies()) return flush_owned(dirty);
  const bool strict = rows.options().staleness.strict;
  const bool packed = rows.options().coding.lossy() && !dirty.whole;
  const RowForm& form = rows.update_form(packed);
  std::vector<Writer> writers;
  const size_t expected = dirty.keys.size() * RowRecords::size_of(form) / channels_.size();
  for (uint32_t n = 0; n < channels_.size(); ++n) {
    writers.emplace_back(sizeof(UpdateHead) + std::min(kChunkBytes + 4096, expected + 1024));
  }
  const Copies& copies = rows.copies(worker);
  for (size_t i = 0; i < dirty.keys.size(); ++i) {
    const Key key = dirty.keys[i];
    copies.prefetch(dirty.keys, i);
    const NodeId owner = rows.partition().owner(key);
    if (owner == tables_.place().self && !strict) {
      own_.changed_here(dirty.table, key);
      continue;
    }
    const uint32_t slot = copies.find_unlinked(key);
    if (slot == Copies::kNone) continue;
    Writer& writer = writers[owner.value];
    if (writer.size() == 0) writer.put(UpdateHead{{}, dirty.table, worker, clock, packed});
    const size_t before = writer.size();
    writer.put(key);
    if (!take_change(rows, copies, slot, packed, writer.skip(form.bytes()))) writer.rewind(before);
    if (writer.size() >= kChunkBytes) {
      dirty.sent_bytes += close_batch(owner, writer, dirty.table, out);
    }
  }
  for (uint32_t n = 0; n < writers.size(); ++n) {
    dirty.sent_bytes += close_batch(NodeId{n}, writers[n], dirty.table, out);
  }
}

// What was added to the copy since the last time, if anything; in packed form with what was left
// out then.
bool Holder::take_change(const Rows& rows, const Copies& copies, uint32_t slot, bool packed,
                         std::byte* to) {
  const uint32_t length = rows.row_length();
  change_.resize(length);
  float* const delta = packed ? change_.data() : reinterpret_cast<float*>(to);
  if (!vec().take_delta(copies.value(slot), copies.base(slot), delta, length)) return false;
  if (!packed) return true;
  const bool forgets = rows.options().sabotage == Sabotage::rest_forgotten;
  if (forgets) scratch_.resize(length);
  return packer_.put_change(rows.update_form(true), delta,
                            forgets ? scratch_.data() : copies.base(slot), to);
}

// Where no copies are kept nothing else was changed in place.
void Holder::flush_owned(const DirtyKeys& dirty) {
  if (!backups_.on()) return;
  const Rows& rows = tables_.rows(dirty.table);
  for (const Key key : dirty.keys) {
    if (rows.owns(key)) own_.changed_here(dirty.table, key);
  }
}

// Numbers the batch and sends it; the writer is empty afterwards. Gives the bytes put on a link.
// Batches of strict tables for this node itself take the same way, but at once: the mark that
// follows them must find them.
size_t Holder::close_batch(NodeId owner, Writer& writer, TableId table, Outbox& out) {
  if (writer.size() <= sizeof(UpdateHead)) return 0;
  Channel& channel = channels_[owner.value];
  channel.last = BatchSeq{channel.last.value + 1};
  writer.patch(offsetof(UpdateHead, batch), channel.last);
  const Bytes body = std::move(writer).take();
  writer = Writer(sizeof(UpdateHead));
  if (owner == tables_.place().self) {
    own_.update(owner, body, out);
    return 0;
  }
  if (backups_.on()) {
    const bool packed = Reader(body).get<UpdateHead>().packed != 0;
    const size_t record = RowRecords::size_of(tables_.rows(table).update_form(packed));
    const auto count = static_cast<uint32_t>((body.size() - sizeof(UpdateHead)) / record);
    channel.kept.add(channel.last.value, table, body, count);
  }
  channel.unacked.push_back({channel.last, table, body, {}});
  channel.unacked_bytes += body.size();
  out.send(owner, Kind::update, body);
  const bool twice = tables_.rows(table).options().sabotage == Sabotage::applied_twice;
  if (twice && channel.last.value % 5 == 2) out.send(owner, Kind::update, body);
  return body.size();
}

void Holder::acked(NodeId owner, BatchSeq number) {
  Channel& channel = channels_[owner.value];
  while (!channel.unacked.empty() && channel.unacked.front().number <= number) {
    channel.unacked_bytes -= channel.unacked.front().body.size();
    channel.unacked.pop_front();
  }
}

void Holder::rows(NodeId from, const Bytes& body, Outbox& out) {
  Reader reader(body);
  const auto head = reader.get<RowsHead>();
  const auto found = requests_.find(head.request);
  if (!reader.ok() || found == requests_.end()) return;  // a repeat after a lost link
  Request request = std::move(found->second);
  const Rows& table = tables_.rows(request.pull.table);
  const uint32_t length = table.row_length();
  const RowForm& form = table.read_form();
  const size_t bytes = request.pull.keys.size() * form.bytes();
  if (from != request.owner || reader.left() != bytes) {
    out.say(Level::error, "dropped rows that do not fit their request");
    return;
  }
  requests_.erase(found);
  acked(from, head.applied);
  const std::byte* at = reader.skip(bytes);
  FetchCall& call = *request.call;
  for (size_t i = 0; i < request.places.size(); ++i, at += form.bytes()) {
    const float* const row = packer_.get(form, at);
    if (call.sink.empty()) {
      view_of(call).prefetch(request.pull.keys, i);
      install(view_of(call), call.table, request.pull.keys[i], row, head.complete, from,
              head.applied);
    } else {
      const Key key = request.pull.keys[i];
      const float* whole = with_unapplied(call.table, key, row, from, head.applied);
      vec().copy(call.sink[request.places[i]], whole, length);
    }
  }
  answered(call, from, out);
}

void Holder::refresh(NodeId from, const Bytes& body, Outbox& out) {
  Reader reader(body);
  const auto head = reader.get<RefreshHead>();
  if (!reader.ok() || head.table.value >= tables_.size()) return;
  Rows& rows = tables_.rows(head.table);
  auto records = RowRecords::read(reader, rows.read_form());
  if (!records || !rows.keeps_copies()) {
    out.say(Level::error, "dropped a refresh that cannot be read");
    return;
  }
  acked(from, head.applied);
  Copies& copies = rows.view(0);
  for (size_t i = 0; i < records->count(); ++i) {
    const Key key = records->key(i);
    const uint32_t slot = key.value < rows.partition().rows() ? copies.find(key) : Copies::kNone;
    if (slot == Copies::kNone) continue;
    install(copies, head.table, key, records->row(i), copies.tag(slot), from, head.applied);
  }
}

void Holder::install(Copies& copies, TableId table, Key key, const float* fresh, Clock tag,
                     NodeId owner, BatchSeq applied) {
  const Rows& rows = tables_.rows(table);
  const uint32_t length = rows.row_length();
  uint32_t slot = copies.find(key);
  if (slot == Copies::kNone) slot = copies.make(key);
  if (!rows.options().staleness.strict) fresh = with_unapplied(table, key, fresh, owner, applied);
  float* value = copies.value(slot);
  {
    LatchGuard guard(rows.latches(), value);
    if (rows.options().sabotage == Sabotage::refresh_overwrites) {
      vec().copy(value, fresh, length);
      vec().copy(copies.base(slot), fresh, length);
    } else {
      vec().refresh(value, copies.base(slot), fresh, length);
    }
  }
  copies.publish(key, slot, tag);
}

const float* Holder::with_unapplied(TableId table, Key key, const float* fresh, NodeId owner,
                                    BatchSeq applied) {
  const uint32_t length = tables_.rows(table).row_length();
  for (Batch& batch : channels_[owner.value].unacked) {
    if (batch.number <= applied || batch.table != table) continue;
    Reader reader(batch.body);
    const bool packed = reader.get<UpdateHead>().packed != 0;
    auto records = RowRecords::read(reader, tables_.rows(table).update_form(packed));
    if (batch.index.empty()) {
      for (uint32_t i = 0; i < records->count(); ++i) batch.index.emplace(records->key(i), i);
    }
    const auto [begin, end] = batch.index.equal_range(key);
    for (auto found = begin; found != end; ++found) {
      if (fresh != scratch_.data()) scratch_.assign(fresh, fresh + length);
      vec().add(scratch_.data(), records->row(found->second), length);
      fresh = scratch_.data();
    }
  }
  return fresh;
}

void Holder::applied(NodeId from, const AppliedBody& body, Outbox& out) {
  acked(from, body.batch);
  if (body.round == 0 || body.after > channels_[from.value].round) return;
  channels_[from.value].round = body.round;
  tables_.set_refreshed_by(from, body.complete);
  out.send(from, Kind::applied, encode_head(AppliedBody{{}, {}, 0, 0, body.round}));
  std::vector<Parked> ready;
  std::erase_if(parked_, [&](const Parked& p) {
    if (p.owner != from || p.call->needed > body.complete) return false;
    ready.push_back(p);
    return true;
  });
  for (const Parked& p : ready) answered(*p.call, from, out);
}

// Two steps, so that no worker's pointer dangles and no update is lost: a copy is unlinked, and
// freed when every worker has ticked since, which sends what it still held.
void Holder::evict(const TickCall& call, Outbox& out) {
  const Place& place = tables_.place();
  if (place.workers_per_node > 64) return;  // then no table limits its copies
  const uint64_t bit = uint64_t{1} << (call.worker.value - place.first_worker().value);
  for (Dropped& dropped : dropped_) {
    if (dropped.unlinking <= call.unlinkings) dropped.workers_to_tick &= ~bit;
    if (dropped.workers_to_tick != 0) continue;
    release(dropped, call, out);
  }
  std::erase_if(dropped_, [](const Dropped& d) { return d.workers_to_tick == 0; });
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const Rows& rows = tables_.rows(TableId{t});
    for (uint32_t v = 0; v < rows.views(); ++v) {
      if (rows.view(v).held() > rows.options().copies_max) drop_copies(TableId{t}, v, out);
    }
  }
}

void Holder::release(const Dropped& dropped, const TickCall& call, Outbox& out) {
  const Rows& rows = tables_.rows(dropped.table);
  Copies& copies = rows.view(dropped.view);
  if (rows.options().coding.lossy()) {
    DirtyKeys left{.table = dropped.table, .whole = true};
    for (const auto& [key, unlinking] : dropped.keys) {
      if (copies.is_unlinked(key, unlinking)) left.keys.push_back(key);
    }
    flush(call.worker, call.clock, left, out);
  }
  for (const auto& [key, unlinking] : dropped.keys) copies.release(key, unlinking);
}

void Holder::drop_copies(TableId table, uint32_t view, Outbox& out) {
  const Place& place = tables_.place();
  const Rows& rows = tables_.rows(table);
  Copies& copies = rows.view(view);
  Dropped drop{table, view, {}, ~uint64_t{0} >> (64 - place.workers_per_node)};
  std::vector<PullBody> gone(place.nodes);
  // An answer that is on its way would bring the copy back without its subscription.
  const auto spared = asked_for(table);
  for (const Key key : copies.unused(copies.held() - rows.options().copies_max)) {
    if (spared.contains(key)) continue;
    drop.keys.emplace_back(key, copies.unlink(key));
    gone[rows.partition().owner(key).value].keys.push_back(key);
  }
  if (drop.keys.empty()) return;
  drop.unlinking = tables_.unlinkings.fetch_add(1, std::memory_order_release) + 1;
  dropped_.push_back(std::move(drop));
  for (uint32_t n = 0; n < gone.size() && rows.options().staleness.push; ++n) {
    gone[n].table = table;
    if (!gone[n].keys.empty()) out.send(NodeId{n}, Kind::unsubscribe, gone[n].encode());
  }
}

std::unordered_set<Key> Holder::asked_for(TableId table) const {
  std::unordered_set<Key> keys;
  for (const auto& [number, request] : requests_) {
    if (request.pull.table == table)
      keys.insert(request.pull.keys.begin(), request.pull.keys.end());
  }
  return keys;
}

// What the peer may have missed is sent again; it knows repeats by their numbers.
void Holder::link_again(NodeId peer, Outbox& out) {
  for (const Batch& batch : channels_[peer.value].unacked) {
    out.send(peer, Kind::update, batch.body);
  }
  std::vector<uint32_t> open;
  for (const auto& [number, request] : requests_) {
    if (request.owner == peer) open.push_back(number);
  }
  std::sort(open.begin(), open.end());
  for (const uint32_t number : open) out.send(peer, Kind::pull, requests_[number].pull.encode());
}

bool Holder::safe(NodeId owner, std::span<const SafeRecord> records) {
  return std::all_of(records.begin(), records.end(), [&](const SafeRecord& record) {
    return channels_[owner.value].kept.report(record.batch, record.rows);
  });
}

std::vector<uint32_t> Holder::last_batches() const {
  std::vector<uint32_t> last;
  for (const Channel& channel : channels_) last.push_back(channel.last.value);
  return last;
}

bool Holder::safe_through(const std::vector<uint32_t>& batches) const {
  for (size_t n = 0; n < channels_.size(); ++n) {
    if (!channels_[n].kept.done_through(batches[n])) return false;
  }
  return true;
}

size_t Holder::journal_bytes() const {
  size_t sum = 0;
  for (const Channel& channel : channels_) sum += channel.kept.bytes();
  return sum;
}

// Without backups what a node has not acknowledged is all that it may not have.
void Holder::salvage(TableGeneration& into) {
  for (Channel& channel : channels_) {
    if (!backups_.on()) {
      for (const Batch& batch : channel.unacked) {
        channel.kept.add(batch.number.value, batch.table, batch.body, 1);
      }
    }
    into.sent.push_back(std::move(channel.kept));
  }
}

std::optional<NodeId> Holder::backlog() const {
  for (uint32_t n = 0; n < channels_.size(); ++n) {
    const Channel& channel = channels_[n];
    if (std::max(channel.unacked_bytes, channel.kept.bytes()) > kBacklogBytes) return NodeId{n};
  }
  return std::nullopt;
}

std::optional<NodeId> Holder::fetch_waits_for(const FetchCall& call) const {
  for (const auto& [number, request] : requests_) {
    if (request.call == &call) return request.owner;
  }
  for (const Parked& parked : parked_) {
    if (parked.call == &call) return parked.owner;
  }
  return std::nullopt;
}

}  // namespace hemiola
