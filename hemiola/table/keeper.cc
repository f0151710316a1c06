#include "hemiola/table/keeper.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {

Keeper::Keeper(TableSet& tables, Backups& backups, bool initial)
    : tables_(tables),
      backups_(backups),
      place_(tables.place()),
      streams_(place_.nodes),
      intents_(tables),
      books_(tables.size()),
      peers_(place_.nodes),
      passed_(place_.workers_per_node),
      at_barrier_(place_.workers_per_node) {
  for (Peer& peer : peers_) peer.pending.resize(tables.size());
  for (uint32_t t = 0; t < tables.size(); ++t) {
    if (tables.rows(TableId{t}).adapts()) set_up(TableId{t}, initial);
  }
}

void Keeper::set_up(TableId table, bool initial) {
  Rows& rows = tables_.rows(table);
  const uint32_t keys = rows.partition().rows();
  Book& book = books_[table.value];
  book.rows = &rows;
  pace_ = std::min(pace_, rows.options().staleness.bounded() ? Duration{} : rows.options().pace);
  book.where = Arena<uint16_t>(keys);
  book.moves = Arena<uint32_t>(keys);
  book.flags = Arena<uint8_t>(keys);
  book.words = (place_.nodes + 63) / 64;
  book.keepers = Arena<uint64_t>(keys * book.words);
  book.pending = Arena<uint64_t>(keys * book.words);
  book.passing.resize(place_.workers_per_node);
  const uint32_t homes = rows.options().clings == 0 ? 0 : rows.partition().owned_by(place_.self);
  for (uint32_t i = 0; i < homes; ++i) {
    book.flags[rows.partition().key(place_.self, i).value] = kClingUnit;
  }
  const Placement placement = rows.options().placement;
  if (placement.replicates() && placement.hot != Placement::kAll) {
    book.heat.emplace(placement, keys, place_.nodes, place_.workers_per_node);
  }
  if (placement.replicates() && placement.hot == Placement::kAll) hold_all(table, book, initial);
}

// Everyone computes the initial values himself, so nothing is sent; others are asked for.
void Keeper::hold_all(TableId table, Book& book, bool initial) {
  const TableSpec& spec = book.rows->options().spec;
  Copies& shelf = book.rows->shelf();
  for (uint32_t k = 0; k < spec.rows; ++k) {
    const Key key{k};
    if (!initial) {
      intents_.stand(table, key, true);
      continue;
    }
    if (const auto found = shelf.look(key); found.owned) {
      for (uint32_t n = 0; n < place_.nodes; ++n) {
        if (NodeId{n} == place_.self) continue;
        keepers(book, found.slot)[n / 64] |= uint64_t{1} << (n % 64);
      }
      continue;
    }
    const uint32_t slot = shelf.make(key);
    initialise_row(spec, key, {shelf.value(slot), spec.row_length});
    vec().copy(shelf.base(slot), shelf.value(slot), spec.row_length);
    shelf.publish(key, slot, Clock{0}, book.rows->partition().owner(key));
    intents_.stand(table, key, true);
  }
}

void Keeper::begin(Instant now, Outbox& out) {
  now_ = now;
  for (uint32_t t = 0; t < books_.size(); ++t) {
    const Book& book = books_[t];
    if (!book.rows) continue;
    const Placement placement = book.rows->options().placement;
    if (!placement.replicates() || placement.hot != Placement::kAll) continue;
    std::vector<Key> keys(book.rows->partition().rows());
    for (uint32_t k = 0; k < keys.size(); ++k) keys[k] = Key{k};
    want(TableId{t}, keys, out);
  }
}

NodeId Keeper::where(const Book& book, Key key) const {
  const uint16_t known = book.where[key.value];
  return known != 0 ? NodeId{known - 1U} : book.rows->partition().owner(key);
}

void Keeper::learn(Book& book, Key key, NodeId owner, uint32_t moves) {
  if (moves < book.moves[key.value]) return;
  book.moves[key.value] = moves;
  book.where[key.value] = static_cast<uint16_t>(owner.value + 1);
}

bool Keeper::kept_by_others(const Book& book, uint32_t slot, NodeId but) const {
  for (size_t w = 0; w < book.words; ++w) {
    uint64_t word = book.keepers[slot * book.words + w];
    if (but.value / 64 == w) word &= ~(uint64_t{1} << (but.value % 64));
    if (word != 0) return true;
  }
  return false;
}

std::optional<NodeId> Keeper::only_keeper(const Book& book, uint32_t slot) const {
  std::optional<NodeId> only;
  for (size_t w = 0; w < book.words; ++w) {
    for (uint64_t word = book.keepers[slot * book.words + w]; word != 0; word &= word - 1) {
      if (only) return std::nullopt;
      only = NodeId{static_cast<uint32_t>(w * 64) + static_cast<uint32_t>(__builtin_ctzll(word))};
    }
  }
  return only;
}

bool Keeper::valid(const Book& book, std::span<const Key> keys) const {
  const uint32_t rows = book.rows->partition().rows();
  return std::all_of(keys.begin(), keys.end(), [&](Key k) { return k.value < rows; });
}

void Keeper::intend(WorkerId worker, Clock clock, std::vector<Intent>& intents, Instant now,
                    Outbox& out) {
  now_ = now;
  for (Intent& intent : intents) intents_.add(worker, std::move(intent));
  intents.clear();
  act_on(intents_.advance(worker, clock, now), out);
}

void Keeper::act_on(const Intents::Change& change, Outbox& out) {
  for (const Intent& intent : change.begun) {
    Book& book = books_[intent.table.value];
    if (book.heat) book.heat->count(intent.keys);
    take_interest(book, intent.keys);
    want(intent.table, intent.keys, out);
  }
  for (const Intent& intent : change.over) drop_unwanted(intent.table, intent.keys, out);
}

void Keeper::take_interest(Book& book, std::span<const Key> keys) {
  const TableOptions& options = book.rows->options();
  if (options.staleness.bounded() || options.lingers == 0) return;
  for (const Key key : keys) {
    uint8_t& flags = book.flags[key.value];
    flags = static_cast<uint8_t>((flags & ~kInterest) | options.lingers * kInterestUnit);
  }
}

// Another node has changed the row.
void Keeper::lose_interest(Book& book, Key key) {
  uint8_t& flags = book.flags[key.value];
  if ((flags & kInterest) == 0) return;
  flags -= kInterestUnit;
  if ((flags & kInterest) == 0) book.unwanted.push_back(key);
}

// Of rows that may be wanted no more: copies are left, and an owned row that only one other node
// still keeps becomes his.
void Keeper::drop_unwanted(TableId table, std::span<const Key> keys, Outbox& out) {
  Book& book = books_[table.value];
  const Copies& shelf = book.rows->shelf();
  const bool follows = book.rows->options().placement.kind == Placement::Kind::intent;
  std::vector<Key> left;
  std::vector<std::pair<NodeId, Key>> given;
  for (const Key key : keys) {
    if (of_interest(book, table, key)) continue;
    const Copies::Found found = shelf.look(key);
    if (found.slot == Copies::kNone) continue;
    if (!found.owned) {
      if (shelf.source(found.slot) != Copies::kNobody) left.push_back(key);
    } else if (follows) {
      const auto only = only_keeper(book, found.slot);
      if (only && !cling(book, key)) given.emplace_back(*only, key);
    }
  }
  leave(table, left);
  std::sort(given.begin(), given.end());
  given.erase(std::unique(given.begin(), given.end()), given.end());
  give_away(table, given, out);
}

void Keeper::ticked(TickCall& call, Instant now, Outbox& out) {
  const WorkerId worker = call.worker;
  pass(worker, call.unlinkings, out);
  intend(worker, call.clock, call.intents, now, out);
  clear_up(worker, out);
  for (uint32_t t = 0; t < books_.size(); ++t) {
    Book& book = books_[t];
    if (!book.rows || !book.heat) continue;
    book.heat->clock();
    if (book.heat->due()) tell_heat(TableId{t}, out);
  }
}

// Copies that a worker had for its last clock, and those that came too late.
void Keeper::clear_up(WorkerId worker, Outbox& out) {
  for (uint32_t t = 0; t < books_.size(); ++t) {
    Book& book = books_[t];
    if (!book.rows) continue;
    leave_passing(TableId{t}, worker);
    if (book.unwanted.empty()) continue;
    const auto unwanted = std::exchange(book.unwanted, {});
    drop_unwanted(TableId{t}, unwanted, out);
  }
}

void Keeper::leave_passing(TableId table, WorkerId worker) {
  Book& book = books_[table.value];
  std::vector<Key> over = std::exchange(book.passing[local(worker)], {});
  const Copies& shelf = book.rows->shelf();
  std::erase_if(over, [&](Key key) {
    const Copies::Found found = shelf.look(key);
    return found.slot == Copies::kNone || found.owned ||
           shelf.source(found.slot) != Copies::kNobody;
  });
  leave(table, over);
}

void Keeper::at_barrier(WorkerId worker, Outbox& out) {
  at_barrier_[local(worker)] = true;
  clear_up(worker, out);
  pass(worker, tables_.unlinkings.load(std::memory_order_relaxed), out);
}

// The workers hold nothing yet.
void Keeper::barrier_passed() {
  passed_.assign(passed_.size(), tables_.unlinkings.load(std::memory_order_relaxed));
  at_barrier_.assign(at_barrier_.size(), false);
  for (Peer& peer : peers_) peer.next_round = {};  // what is new must be seen now
}

void Keeper::tell_heat(TableId table, Outbox& out) {
  Book& book = books_[table.value];
  const auto by_home = book.heat->report(book.rows->partition());
  for (uint32_t n = 0; n < by_home.size(); ++n) {
    if (NodeId{n} == place_.self) {
      book.heat->take(by_home[n]);
    } else if (!by_home[n].empty()) {
      Writer writer(sizeof(HeatHead) + 4 + by_home[n].size() * sizeof(HeatRecord));
      writer.put(HeatHead{{}, table}).put_all(std::span<const HeatRecord>(by_home[n]));
      streams_.send(NodeId{n}, Kind::heat, std::move(writer), out);
    }
  }
  const Heat::Verdict verdict = book.heat->decide();
  if (verdict.hot.empty() && verdict.cold.empty()) return;
  for (uint32_t n = 0; n < place_.nodes; ++n) {
    if (NodeId{n} == place_.self) continue;
    Writer writer(sizeof(HotHead) + 8 + 4 * (verdict.hot.size() + verdict.cold.size()));
    writer.put(HotHead{{}, table}).put_all(std::span<const Key>(verdict.hot));
    writer.put_all(std::span<const Key>(verdict.cold));
    streams_.send(NodeId{n}, Kind::hot, std::move(writer), out);
  }
  apply_heat(table, verdict, out);
}

bool Keeper::on_heat(Reader& reader) {
  const auto head = reader.get<HeatHead>();
  const auto records = reader.get_all<HeatRecord>();
  Book* book = this->book(head.table);
  if (!reader.finished() || !book || !book->heat) return false;
  for (const HeatRecord& record : records) {
    if (!valid(*book, {&record.key, 1})) return false;
    if (!std::isfinite(record.share) || record.share < 0) return false;
  }
  book->heat->take(records);
  return true;
}

bool Keeper::on_hot(Reader& reader, Outbox& out) {
  const auto head = reader.get<HotHead>();
  Heat::Verdict verdict;
  verdict.hot = reader.get_all<Key>();
  verdict.cold = reader.get_all<Key>();
  Book* book = this->book(head.table);
  if (!reader.finished() || !book || !book->heat) return false;
  if (!valid(*book, verdict.hot) || !valid(*book, verdict.cold)) return false;
  apply_heat(head.table, verdict, out);
  return true;
}

void Keeper::apply_heat(TableId table, const Heat::Verdict& verdict, Outbox& out) {
  Book& book = books_[table.value];
  const auto set = [&](Key key, bool hot) {
    const bool was = (book.flags[key.value] & kHot) != 0;
    if (was == hot) return;
    book.flags[key.value] ^= kHot;
    intents_.stand(table, key, hot);
  };
  for (const Key key : verdict.hot) set(key, true);
  for (const Key key : verdict.cold) set(key, false);
  want(table, verdict.hot, out);
  drop_unwanted(table, verdict.cold, out);
}

void Keeper::on_message(const Envelope& envelope, Instant now, Outbox& out) {
  now_ = now;
  const NodeId from = envelope.from;
  const bool has_head = envelope.body.size() >= sizeof(StreamHead);
  if (!has_head || (streams_.accept(envelope) && !take(envelope, out))) {
    out.say(Level::error, "dropped a message about rows that cannot be read");
  }
  streams_.acknowledge(from, envelope.kind == Kind::round, out);
  if (peers_[from.value].owes) renew(from, out);
}

bool Keeper::take(const Envelope& envelope, Outbox& out) {
  const NodeId from = envelope.from;
  Reader reader(envelope.body);
  switch (envelope.kind) {
    case Kind::ask:
      return on_ask(reader, out);
    case Kind::give:
      return on_give(from, reader, out);
    case Kind::taken:
      return on_taken(from, reader);
    case Kind::change:
      return on_change(from, reader, out);
    case Kind::settled:
      return on_settled(reader, out);
    case Kind::renew:
      return on_renew(from, reader);
    case Kind::round:
      return on_round(from, reader, out);
    case Kind::leave:
      return on_leave(from, reader, out);
    case Kind::located:
      return on_located(reader);
    case Kind::heat:
      return on_heat(reader);
    case Kind::hot:
      return on_hot(reader, out);
    default:
      return false;
  }
}

bool Keeper::on_round(NodeId from, Reader& reader, Outbox& out) {
  const auto body = reader.get<RoundBody>();
  if (!reader.finished()) return false;
  tables_.set_round(from, body.complete);
  backups_.keeps_from(from, true, body.low);
  recheck(out);
  return true;
}

void Keeper::advance(Clock complete, Outbox& out) {
  complete_ = complete;
  const auto parked = std::exchange(parked_, {});
  for (const Parked& p : parked) answer(p.head, p.keys, out);
  for (uint32_t n = 0; n < peers_.size(); ++n) {
    if (NodeId{n} != place_.self) renew(NodeId{n}, out);
  }
  recheck(out);
}

void Keeper::peer_ticked(NodeId peer, Instant now, Outbox& out) {
  now_ = now;
  renew(peer, out);
}

void Keeper::on_timer(Instant now, Outbox& out) {
  now_ = now;
  for (uint32_t n = 0; n < peers_.size(); ++n) {
    if (now < peers_[n].next_round) continue;
    peers_[n].timer_set = false;
    if (peers_[n].owes) renew(NodeId{n}, out);
  }
}

std::optional<NodeId> Keeper::backlog() const {
  if (journal_.bytes() > kBacklogBytes) return backups_.kept_by();
  for (uint32_t n = 0; n < peers_.size(); ++n) {
    if (streams_.unacked_bytes(NodeId{n}) > kBacklogBytes) return NodeId{n};
  }
  return std::nullopt;
}

std::optional<NodeId> Keeper::fetch_waits_for(const FetchCall& call) const {
  for (const Waiting& w : waiting_) {
    if (w.call == &call && !w.keys.empty()) return where(books_[call.table.value], w.keys.front());
  }
  return std::nullopt;
}

}  // namespace hemiola
