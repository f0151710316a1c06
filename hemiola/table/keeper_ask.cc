// Keeper: asking for rows, and answering those who ask.
#include <algorithm>

#include "hemiola/core/check.h"
#include "hemiola/table/keeper.h"

namespace hemiola {

bool Keeper::is_there(const Rows& rows, Key key, Clock needed) const {
  const Copies& shelf = rows.shelf();
  const Copies::Found found = shelf.look(key);
  if (found.slot == Copies::kNone) return false;
  if (found.owned || shelf.tag(found.slot) >= needed) return true;
  const NodeId source = shelf.source(found.slot);
  return source != Copies::kNobody && tables_.round_of(source) >= needed;
}

// Takes a copy back that was left in the meantime.
bool Keeper::has_come(Book& book, Key key, Clock needed) {
  if (book.rows->shelf().find(key) == Copies::kNone && take_back(book, key)) {
    book.unwanted.push_back(key);
  }
  return is_there(*book.rows, key, needed);
}

// A copy that was left but not yet let go of: it is still kept fresh. REQUIRES: it is not found.
bool Keeper::take_back(Book& book, Key key) {
  Copies& shelf = book.rows->shelf();
  const uint32_t slot = shelf.find_unlinked(key);
  if (slot == Copies::kNone || shelf.source(slot) == Copies::kNobody) return false;
  shelf.publish(key, shelf.make(key), shelf.tag(slot), shelf.source(slot));
  return true;
}

void Keeper::want(TableId table, std::span<const Key> keys, Outbox& out) {
  Book& book = books_[table.value];
  const Copies& shelf = book.rows->shelf();
  std::vector<Key> missing;
  for (const Key key : keys) {
    if ((book.flags[key.value] & kAskedWant) != 0) continue;
    const Copies::Found found = shelf.look(key);
    if (found.owned) continue;
    if (found.slot != Copies::kNone) {
      if (shelf.source(found.slot) != Copies::kNobody) continue;
    } else if (take_back(book, key)) {
      continue;
    }
    missing.push_back(key);
    book.flags[key.value] |= kAskedWant;
  }
  ask(table, missing, true, Clock{0}, out);
}

// The keys' flags are set already.
void Keeper::ask(TableId table, std::span<const Key> keys, bool want, Clock needed, Outbox& out) {
  if (keys.empty()) return;
  Book& book = books_[table.value];
  std::vector<std::vector<Key>> by_node(place_.nodes);
  for (const Key key : keys) {
    if (!book.loose.empty() && book.loose.contains(key)) {
      Held& held = book.held[key];
      (want ? held.want : held.for_now) = true;
      held.needed = std::max(held.needed, needed);
      continue;
    }
    const NodeId to = where(book, key);
    HEMIOLA_CHECK(to != place_.self);
    by_node[to.value].push_back(key);
    if (!timed_) {
      timed_ = key;
      timed_table_ = table;
      timed_since_ = now_;
    }
  }
  send_asks({{}, table, place_.self, needed, want, 0}, by_node, out);
}

void Keeper::send_asks(const AskHead& head, const std::vector<std::vector<Key>>& by_node,
                       Outbox& out) {
  for (uint32_t n = 0; n < by_node.size(); ++n) {
    if (by_node[n].empty()) continue;
    Writer writer(sizeof head + 4 + by_node[n].size() * sizeof(Key));
    writer.put(head).put_all(std::span<const Key>(by_node[n]));
    streams_.send(NodeId{n}, Kind::ask, std::move(writer), out);
  }
}

void Keeper::fetch(FetchCall& call, Instant now, Outbox& out) {
  now_ = now;
  Book& book = books_[call.table.value];
  Waiting waiting{&call, {}};
  for (const Key key : call.keys) {
    if (!has_come(book, key, call.needed)) waiting.keys.push_back(key);
  }
  if (book.heat) book.heat->count(waiting.keys);
  call.waited_for = waiting.keys.empty() ? place_.self : where(book, waiting.keys.front());
  call.open = 1;
  waiting_.push_back(std::move(waiting));
  recheck(out);
}

// Whose rows have all come goes on; rows that are lacking and not under way are asked for.
void Keeper::recheck(Outbox& out) {
  std::erase_if(waiting_, [&](Waiting& w) {
    Book& book = books_[w.call->table.value];
    const Copies& shelf = book.rows->shelf();
    std::vector<Key> lacking;
    std::erase_if(w.keys, [&](Key key) {
      if (has_come(book, key, w.call->needed)) return true;
      const uint32_t slot = shelf.find(key);
      const bool comes = slot != Copies::kNone && shelf.source(slot) != Copies::kNobody;
      uint8_t& flags = book.flags[key.value];
      if (comes || (flags & (kAsked | kAskedWant)) != 0) return false;
      flags |= kAsked;
      lacking.push_back(key);
      book.passing[local(w.call->worker)].push_back(key);
      return false;
    });
    ask(w.call->table, lacking, false, w.call->needed, out);
    if (!w.keys.empty()) return false;
    w.call->open = 0;
    out.complete(*w.call);
    return true;
  });
}

void Keeper::ask_what_was_held(TableId table, Key key, Outbox& out) {
  Book& book = books_[table.value];
  const auto held = book.held.find(key);
  if (held == book.held.end()) return;
  const Held what = held->second;
  book.held.erase(held);
  if (book.rows->owns(key)) {
    asked_no_more(table, key, (what.want ? kAskedWant : 0) | (what.for_now ? kAsked : 0), out);
  } else {
    // One question for both; what is wanted will do for now as well.
    if (what.want && what.for_now) book.flags[key.value] &= static_cast<uint8_t>(~kAsked);
    ask(table, {&key, 1}, what.want, what.needed, out);
  }
}

// The row has become our own by another way than the one that we asked for.
void Keeper::asked_no_more(TableId table, Key key, uint8_t what, Outbox& out) {
  books_[table.value].flags[key.value] &= static_cast<uint8_t>(~what);
  add_early(table, key, out);
  recheck(out);
}

bool Keeper::on_ask(Reader& reader, Outbox& out) {
  const auto head = reader.get<AskHead>();
  const auto keys = reader.get_all<Key>();
  Book* book = this->book(head.table);
  if (!reader.finished() || !book || !valid(*book, keys)) return false;
  if (head.origin.value >= place_.nodes) return false;
  auto& most = tables_.moves(head.table).hops;
  most.store(std::max(most.load(std::memory_order_relaxed), head.hops), std::memory_order_relaxed);
  answer(head, keys, out);
  return true;
}

GiveKind Keeper::decide(Book& book, TableId table, Key key, uint32_t slot, NodeId asker,
                        bool want) const {
  using By = Placement::Kind;
  if (!want) return GiveKind::passing;
  const TableOptions& options = book.rows->options();
  const By by = options.placement.kind;
  if (by == By::relocate) return GiveKind::owned;
  if (by != By::nups && by != By::intent) return GiveKind::kept;
  uint8_t& flags = book.flags[key.value];
  if (kept_by_others(book, slot, asker)) {
    flags = static_cast<uint8_t>((flags & ~kClings) | options.clings * kClingUnit);
    return GiveKind::kept;
  }
  const bool own =
      by == By::nups ? (flags & (kHot | kInterest)) != 0 : of_interest(book, table, key);
  return own || cling(book, key) ? GiveKind::kept : GiveKind::owned;
}

// The row could go to the only node that wants it, but not yet.
bool Keeper::cling(Book& book, Key key) {
  uint8_t& flags = book.flags[key.value];
  if ((flags & kClings) == 0) return false;
  flags = static_cast<uint8_t>(flags - kClingUnit);
  return true;
}

void Keeper::answer(const AskHead& head, std::span<const Key> keys, Outbox& out) {
  Book& book = books_[head.table.value];
  const Copies& shelf = book.rows->shelf();
  std::vector<std::vector<Key>> elsewhere(place_.nodes);
  std::vector<Key> late;
  Giving giving(head.table, head.origin);
  for (const Key key : keys) {
    const Copies::Found found = shelf.look(key);
    // One that has just been put into the message is still found to be owned.
    const NodeId to = where(book, key);
    if (!found.owned || to != place_.self) {
      HEMIOLA_CHECK(to != place_.self);
      elsewhere[to.value].push_back(key);
    } else if (head.origin == place_.self) {
      asked_no_more(head.table, key, head.want != 0 ? kAskedWant : kAsked, out);
    } else if (head.needed > complete_) {
      late.push_back(key);
    } else {
      const GiveKind kind = decide(book, head.table, key, found.slot, head.origin, head.want != 0);
      put_row(giving, key, found.slot, kind, out);
    }
  }
  send_rows(giving, out);
  AskHead on = head;
  ++on.hops;
  send_asks(on, elsewhere, out);
  if (!late.empty()) parked_.push_back({head, std::move(late)});
}

}  // namespace hemiola
