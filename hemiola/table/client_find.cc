// Client: where a row is that a worker asks for, and the way to it when it is not here.
#include <algorithm>
#include <string>

#include "hemiola/core/check.h"
#include "hemiola/table/client.h"

namespace hemiola {

Clock Client::needed(const TableOptions& options) const {
  const Clock need = options.staleness.needed(clock_, floor_);
  return options.sabotage == Sabotage::bound_off_by_one ? Clock{need.value - 1} : need;
}

void Client::locate_direct(Rows& rows, std::span<const Key> keys, std::span<float*> out) const {
  for (size_t i = 0; i < keys.size(); ++i) out[i] = rows.owned(keys[i].value);
}

// The value of a copy that is fresh enough, or nullptr.
float* Client::find_copy(Rows& rows, Key key, Clock need, TableStats& stats) const {
  const Copies& copies = rows.copies(port_.worker());
  // Read before the slot is looked up: a copy that is found later was either there when this
  // refresh came, or was fetched since. The other way round it might have been dropped between.
  Clock tag{INT32_MIN};
  if (rows.options().staleness.push) tag = tables_.refreshed_by(rows.partition().owner(key));
  const uint32_t slot = copies.find(key);
  if (slot == Copies::kNone) return nullptr;
  tag = std::max(tag, copies.tag(slot));
  if (tag < need) return nullptr;
  copies.touch(slot);
  ++stats.remote_rows;
  stats.staleness.add(clock_.value - tag.value);
  return copies.value(slot);
}

// The value of a row that this node owns, or of a copy that is fresh enough, or nullptr.
float* Client::find_shelved(const Rows& rows, Key key, Clock need, TableStats& stats) const {
  const Copies& shelf = rows.shelf();
  for (;;) {
    const Copies::Found found = shelf.look(key);
    if (found.slot == Copies::kNone) return nullptr;
    if (found.owned) {
      ++stats.local_rows;
      return shelf.value(found.slot);
    }
    Clock tag = shelf.tag(found.slot);
    if (tag < need) {
      const NodeId source = shelf.source(found.slot);
      if (source == Copies::kNobody) return nullptr;
      tag = tables_.round_of(source);
      // A round speaks of the copy only if it was there when the round came.
      if (shelf.find(key) != found.slot) continue;
      if (tag < need) return nullptr;
    }
    ++stats.remote_rows;
    stats.staleness.add(clock_.value - tag.value);
    return shelf.value(found.slot);
  }
}

// The clock through which the rounds of all nodes have brought what is kept here. Read before rows
// are looked up: a copy that is found kept later was here when that round came, or came behind it.
Clock Client::slowest_round() const {
  Clock slowest = kClockNever;
  for (uint32_t n = 0; n < tables_.place().nodes; ++n) {
    if (NodeId{n} != tables_.place().self) slowest = std::min(slowest, tables_.round_of(NodeId{n}));
  }
  return slowest;
}

void Client::locate_shelved(TableId table, std::span<const Key> keys, Access access,
                            std::span<float*> out) {
  const Rows& rows = tables_.rows(table);
  const Copies& shelf = rows.shelf();
  TableStats& stats = stats_[table.value];
  const Clock need = needed(rows.options());
  const Clock round = slowest_round();
  const bool kept_will_do = round >= need;
  const uint64_t other = stats.local_rows + stats.remote_rows;
  const auto view = shelf.view();
  uint64_t owned = 0;
  missing_.clear();
  for (size_t i = 0; i < keys.size(); ++i) {
    const uint32_t entry = view.entry(keys[i]);
    if (Copies::lasts(entry) && (kept_will_do || Copies::is_owned(entry))) {
      owned += Copies::is_owned(entry);
      out[i] = view.row(entry);
      continue;
    }
    out[i] = find_shelved(rows, keys[i], need, stats);
    if (out[i] == nullptr) missing_.push_back(keys[i]);
  }
  const uint64_t slow = stats.local_rows + stats.remote_rows - other;
  const uint64_t kept = keys.size() - missing_.size() - slow - owned;
  stats.local_rows += owned;
  stats.remote_rows += kept;
  if (kept != 0) stats.staleness.add(clock_.value - round.value, kept);
  stats.missed_rows += missing_.size();
  count_age(stats, owned);
  if (access == Access::write) mark_all_dirty(table, keys, out);
}

void Client::mark_all_dirty(TableId table, std::span<const Key> keys,
                            std::span<float* const> found) {
  Dirty& dirty = dirty_[table.value];
  for (size_t i = 0; i < keys.size(); ++i) {
    if (found[i] != nullptr) dirty.mark(keys[i]);
  }
}

// Fills `out`, or gathers in missing_ the keys whose place holds nullptr.
void Client::locate(TableId table, std::span<const Key> keys, Access access,
                    std::span<float*> out) {
  Rows& rows = tables_.rows(table);
  const TableOptions& options = rows.options();
  TableStats& stats = stats_[table.value];
  const Clock need = needed(options);
  const bool strict = options.staleness.strict;
  uint64_t local = 0;
  missing_.clear();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (rows.keeps_copies()) rows.copies(port_.worker()).prefetch(keys, i);
    if (!strict && rows.owns(keys[i])) {
      out[i] = rows.owned(rows.partition().index(keys[i]));
      ++local;
      // Nobody needs to know of it unless somebody holds a copy that is kept up to date.
      if (!options.staleness.push && tables_.copies() < 2) continue;
    } else {
      out[i] = rows.keeps_copies() ? find_copy(rows, keys[i], need, stats) : nullptr;
      if (out[i] == nullptr) {
        missing_.push_back(keys[i]);
        continue;
      }
    }
    if (access == Access::write) mark_dirty(table, keys[i]);
  }
  stats.missed_rows += missing_.size();
  stats.local_rows += local;
  count_age(stats, local);
}

void Client::rows(TableId table, std::span<const Key> keys, Access access, std::span<float*> out) {
  check_keys(table, keys);
  Rows& rows = tables_.rows(table);
  if (rows.direct()) {
    locate_direct(rows, keys, out);
    stats_[table.value].local_rows += keys.size();
    return;
  }
  settle_pushes();
  if (rows.adapts()) {
    locate_shelved(table, keys, access, out);
  } else {
    locate(table, keys, access, out);
  }
  if (missing_.empty()) return;
  if (!rows.keeps_copies()) {
    throw UserError("table `" + rows.options().spec.name +
                    "` keeps no copies (copies_max = 0): rows of other nodes can be pulled and "
                    "pushed, not changed in place");
  }
  // What is still under way for this table may be just what is missing.
  finish_prefetch(table);
  const Clock need = needed(rows.options());
  for (size_t i = 0;; ++i) {
    std::vector<size_t> places;
    std::vector<Key> lacking;
    for (size_t k = 0; k < keys.size(); ++k) {
      if (out[k] != nullptr) continue;
      TableStats& stats = stats_[table.value];
      out[k] = rows.adapts() ? find_shelved(rows, keys[k], need, stats)
                             : find_copy(rows, keys[k], need, stats);
      if (out[k] == nullptr) {
        lacking.push_back(keys[k]);
      } else if (access == Access::write) {
        mark_dirty(table, keys[k]);
      }
    }
    if (lacking.empty()) return;
    std::sort(lacking.begin(), lacking.end());
    lacking.erase(std::unique(lacking.begin(), lacking.end()), lacking.end());
    missing_.swap(lacking);
    fetch_missing(table, need);
  }
}

float* Client::row(TableId table, Key key, Access access) {
  if (table.value >= tables_.size()) check_keys(table, {});
  Rows& rows = tables_.rows(table);
  if (rows.direct() && key.value < rows.partition().rows()) return rows.owned(key.value);
  float* pointer = nullptr;
  this->rows(table, {&key, 1}, access, {&pointer, 1});
  return pointer;
}

void Client::fetch_missing(TableId table, Clock need) {
  FetchCall call;
  call.worker = port_.worker();
  call.table = table;
  call.needed = need;
  call.keys = missing_;
  count_asked(table, call.keys.size());
  port_.post(call);
  wait_for(call, table, &TableStats::wait_rows);
}

// The row of one key that is at hand; nullptr: the long way finds it, or says what is wrong.
const float* Client::at_hand(TableId table, std::span<const Key> keys, size_t floats) {
  if (keys.size() != 1 || table.value >= tables_.size()) return nullptr;
  Rows& rows = tables_.rows(table);
  const Key key = keys[0];
  if (key.value >= rows.partition().rows() || floats != rows.row_length()) return nullptr;
  TableStats& stats = stats_[table.value];
  if (rows.direct()) {
    ++stats.local_rows;
    return rows.owned(key.value);
  }
  if (!pushes_.empty() || rows.options().staleness.strict) return nullptr;
  if (rows.adapts()) {
    const uint64_t local = stats.local_rows;
    const float* const row = find_shelved(rows, key, needed(rows.options()), stats);
    if (stats.local_rows != local) count_age(stats, 1);
    return row;
  }
  if (rows.owns(key)) {
    ++stats.local_rows;
    count_age(stats, 1);
    return rows.owned(rows.partition().index(key));
  }
  return rows.keeps_copies() ? find_copy(rows, key, needed(rows.options()), stats) : nullptr;
}

// An owned row is as old as the slowest worker is behind.
void Client::count_age(TableStats& stats, uint64_t rows) const {
  const int32_t slowest = tables_.slowest.load(std::memory_order_relaxed);
  if (rows != 0) stats.staleness.add(std::max(0, clock_.value - slowest), rows);
}

// Of a table that keeps copies: the row is owned, as only one that moves can be found to be, or it
// is a copy that is fresh enough.
inline bool Client::is_fresh(const Rows& rows, const Copies& copies, Key key, Clock need) const {
  const Copies::Found found = copies.look(key);
  if (found.slot == Copies::kNone) return false;
  if (found.owned || copies.tag(found.slot) >= need) return true;
  if (!rows.adapts()) {
    return rows.options().staleness.push &&
           tables_.refreshed_by(rows.partition().owner(key)) >= need;
  }
  const NodeId source = copies.source(found.slot);
  return source != Copies::kNobody && tables_.round_of(source) >= need;
}

bool Client::here(TableId table, Key key) const {
  uint8_t out = 0;
  here(table, {&key, 1}, {&out, 1});
  return out != 0;
}

void Client::here(TableId table, std::span<const Key> keys, std::span<uint8_t> out) const {
  const Rows& rows = tables_.rows(table);
  if (rows.direct()) {
    std::fill_n(out.begin(), keys.size(), uint8_t{1});
    return;
  }
  const Clock need = needed(rows.options());
  const bool fixed = !rows.adapts() && !rows.options().staleness.strict;
  const Copies* const copies = rows.keeps_copies() ? &rows.copies(port_.worker()) : nullptr;
  if (rows.adapts() && slowest_round() >= need) {
    for (size_t i = 0; i < keys.size(); ++i) {
      out[i] = copies->lasts(keys[i]) || is_fresh(rows, *copies, keys[i], need);
    }
    return;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool owned = fixed && rows.owns(keys[i]);
    out[i] = owned || (copies != nullptr && is_fresh(rows, *copies, keys[i], need));
  }
}

}  // namespace hemiola
