#include "hemiola/table/backups.h"

#include <algorithm>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {

Backups::Backups(TableSet& tables)
    : tables_(tables),
      on_(tables.copies() > 1),
      pace_(seconds(1e9)),
      streams_(tables.place().parties(), 0, Kind::survival_acked),
      logs_(tables.size()),
      low_(2, std::vector<uint32_t>(tables.place().nodes)),
      gone_records_(tables.size()),
      reported_(tables.size()) {
  for (uint32_t t = 0; t < tables.size(); ++t) {
    const Rows& rows = tables.rows(TableId{t});
    const uint32_t keys = rows.partition().rows();
    pace_ = std::min(pace_, rows.options().pace);
    const bool logs = rows.options().sabotage != Sabotage::units_forgotten;
    if ((on_ || rows.adapts()) && logs) logs_[t] = std::make_unique<UnitLog>(keys);
    queued_.emplace_back(on_ ? (size_t{keys} + 63) / 64 : 0);
  }
  if (on_) shelf_ = std::make_unique<BackupShelf>(tables);
}

void Backups::changed(TableId table, Key key) {
  if (!on_) return;
  uint64_t& word = queued_[table.value][key.value / 64];
  const uint64_t bit = uint64_t{1} << (key.value % 64);
  if ((word & bit) != 0) return;
  word |= bit;
  queue_.push_back({table, key});
}

void Backups::units(TableId table, Key key, std::vector<UnitRecord>& into) const {
  into.clear();
  if (!logs_[table.value]) return;
  logs_[table.value]->each(key, [&](const UnitLog::Entry& entry) {
    into.push_back({entry.unit.origin.value, entry.gift, entry.told, entry.unit.batch});
  });
}

size_t Backups::units_logged() const {
  size_t sum = 0;
  for (const auto& log : logs_) sum += log ? log->size() : 0;
  return sum;
}

uint32_t Backups::give(TableId table, Key key, Writer& writer) {
  if (!logs_[table.value]) return 0;
  units(table, key, units_);
  for (const UnitRecord& unit : units_) writer.put(unit);
  logs_[table.value]->move_away(key);
  return static_cast<uint32_t>(units_.size());
}

void Backups::take(TableId table, Key key, std::span<const UnitRecord> units, NodeId giver,
                   uint32_t moves) {
  changed(table, key);
  if (!logs_[table.value]) return;
  UnitLog& log = *logs_[table.value];
  for (size_t i = units.size(); i > 0; --i) {
    const UnitRecord& unit = units[i - 1];
    const bool told =
        unit.told != 0 || (unit.gift != 0 && unit.origin == tables_.place().self.value);
    log.add(key, {NodeId{unit.origin}, unit.batch}, unit.gift != 0, told);
  }
  if (on_) log.add(key, {giver, moves}, true);
}

void Backups::forget_backup(TableId table, GoneRecord gone) {
  if (gone_records_[table.value].empty()) gone_.push_back(table);
  gone_records_[table.value].push_back(gone);
}

void Backups::keeps_from(NodeId origin, bool moving, uint32_t low) {
  uint32_t& known = low_[moving ? 1 : 0][origin.value];
  if (!is_later(low, known)) return;
  known = low;
  for (uint32_t t = 0; t < logs_.size(); ++t) {
    if (logs_[t] && tables_.rows(TableId{t}).adapts() == moving) {
      logs_[t]->prune(low_[moving ? 1 : 0]);
    }
  }
}

void Backups::round(Instant now, bool hurry, Outbox& out) {
  if (!on_ || (queue_.empty() && gone_.empty())) return;
  if (rounds_.size() >= kRoundsOpen) return;
  if (now < next_round_ && !hurry) {
    if (!timer_set_) out.wake_at(MachineId::table, next_round_, kTimer);
    timer_set_ = true;
    return;
  }
  next_round_ = now + pace_;
  send_round(out);
}

const float* Backups::owned(TableId table, Key key) const {
  const Rows& rows = tables_.rows(table);
  if (!rows.owns(key)) return nullptr;
  return rows.adapts() ? rows.shelf().value(rows.shelf().find(key))
                       : rows.owned(rows.partition().index(key));
}

bool Backups::put_row(Writer& writer, TableId table, Key key) {
  const Rows& rows = tables_.rows(table);
  const float* const row = owned(table, key);
  if (row == nullptr || rows.options().sabotage == Sabotage::backup_skipped) return false;
  units(table, key, units_);
  std::erase_if(units_, [](const UnitRecord& unit) { return unit.gift != 0; });
  if (writer.size() == 0) writer.put(RowsOfTable{{}, table});
  const uint32_t moves = rows.adapts() && moves_ ? moves_(table, key) : 0;
  writer.put(RowVersion{key, moves, Version::backup, static_cast<uint32_t>(units_.size())});
  for (const UnitRecord& unit : units_) writer.put(unit);
  auto* to = reinterpret_cast<float*>(writer.skip(rows.row_length() * sizeof(float)));
  LatchGuard guard(rows.latches(), row);
  vec().copy(to, row, rows.row_length());
  return true;
}

void Backups::send_round(Outbox& out) {
  if (!sweep_) {
    sweep_ = Sweep{queue_.size(), {}};
    ++sweeps_begun_;
    for (const auto& log : logs_) sweep_->ends.push_back(log ? log->end() : 0);
  }
  Writer writer(0);
  TableId table;
  size_t bytes = 0;
  const auto flush = [&] {
    if (writer.size() == 0) return;
    bytes += writer.size();
    streams_.send(kept_by(), Kind::backup, std::exchange(writer, Writer(0)), out);
  };
  for (; sweep_->left > 0 && bytes < kRoundBytes; --sweep_->left) {
    const Queued next = queue_.front();
    queue_.pop_front();
    queued_[next.table.value][next.key.value / 64] &= ~(uint64_t{1} << (next.key.value % 64));
    if (next.table != table || writer.size() >= kChunkBytes) flush();
    table = next.table;
    put_row(writer, table, next.key);
  }
  flush();
  send_gone(out);
  Writer end(sizeof(StreamHead));
  end.put(StreamHead{});
  Round round{streams_.send(kept_by(), Kind::backup_end, std::move(end), out), {}};
  if (sweep_->left == 0) {
    round.covers = std::move(sweep_->ends);
    sweep_.reset();
  }
  rounds_.push_back(std::move(round));
}

void Backups::send_gone(Outbox& out) {
  for (const TableId table : std::exchange(gone_, {})) {
    const auto records = std::exchange(gone_records_[table.value], {});
    Writer writer(sizeof(RowsOfTable) + 4 + records.size() * sizeof(GoneRecord));
    writer.put(RowsOfTable{{}, table}).put_all(std::span<const GoneRecord>(records));
    streams_.send(kept_by(), Kind::backup_gone, std::move(writer), out);
  }
}

void Backups::collect(Outbox& out) {
  while (!rounds_.empty() && streams_.has(kept_by(), rounds_.front().number)) {
    const Round round = std::move(rounds_.front());
    rounds_.pop_front();
    if (!round.covers) continue;
    ++sweeps_;
    report(*round.covers, out);
  }
}

void Backups::report_units(UnitLog& log, uint64_t from, uint64_t end,
                           std::vector<std::vector<SafeRecord>>& safe,
                           std::vector<std::vector<GoneRecord>>& gifts) const {
  for (uint64_t place = std::max(from, log.first()); place < end; ++place) {
    UnitLog::Entry& entry = log.at(place);
    if (std::exchange(entry.told, true)) continue;
    if (entry.gift) {
      gifts[entry.unit.origin.value].push_back({entry.key, entry.unit.batch});
      continue;
    }
    auto& records = safe[entry.unit.origin.value];
    if (records.empty() || records.back().batch != entry.unit.batch) {
      records.push_back({entry.unit.batch, 0});
    }
    ++records.back().rows;
  }
}

void Backups::report(const std::vector<uint64_t>& covers, Outbox& out) {
  const NodeId self = tables_.place().self;
  const uint32_t nodes = tables_.place().nodes;
  std::vector<std::vector<SafeRecord>> safe[2];
  safe[0].resize(nodes), safe[1].resize(nodes);
  for (uint32_t t = 0; t < logs_.size(); ++t) {
    if (!logs_[t]) continue;
    const uint32_t moving = tables_.rows(TableId{t}).adapts() ? 1 : 0;
    std::vector<std::vector<GoneRecord>> gifts(nodes);
    report_units(*logs_[t], reported_[t], covers[t], safe[moving], gifts);
    reported_[t] = covers[t];
    for (uint32_t n = 0; n < nodes; ++n) {
      if (gifts[n].empty()) continue;
      Writer writer(sizeof(RowsOfTable) + 4 + gifts[n].size() * sizeof(GoneRecord));
      writer.put(RowsOfTable{{}, TableId{t}}).put_all(std::span<const GoneRecord>(gifts[n]));
      streams_.send(NodeId{n}, Kind::safe_gift, std::move(writer), out);
    }
  }
  own_safe_.insert(own_safe_.end(), safe[1][self.value].begin(), safe[1][self.value].end());
  for (uint32_t moving = 0; moving < 2; ++moving) {
    for (uint32_t n = 0; n < nodes; ++n) {
      const auto& records = safe[moving][n];
      if (records.empty() || NodeId{n} == self) continue;
      Writer writer(sizeof(SafeHead) + 4 + records.size() * sizeof(SafeRecord));
      writer.put(SafeHead{{}, moving}).put_all(std::span<const SafeRecord>(records));
      streams_.send(NodeId{n}, Kind::safe, std::move(writer), out);
    }
  }
}

bool Backups::on_backup(Reader& reader) {
  const auto head = reader.get<RowsOfTable>();
  if (!reader.ok() || !shelf_ || head.table.value >= tables_.size()) return false;
  const size_t bytes = tables_.rows(head.table).row_length() * sizeof(float);
  while (reader.left() > 0) {
    const auto version = reader.get<RowVersion>();
    const auto* units = reader.skip_all<UnitRecord>(version.units);
    const auto* row = reader.skip(bytes);
    if (!reader.ok()) return false;
    const std::span all(reinterpret_cast<const UnitRecord*>(units), version.units);
    if (!shelf_->put(head.table, version, all, reinterpret_cast<const float*>(row))) return false;
  }
  return true;
}

bool Backups::on_gone(Reader& reader) {
  const auto head = reader.get<RowsOfTable>();
  const auto records = reader.get_all<GoneRecord>();
  if (!reader.finished() || !shelf_ || head.table.value >= tables_.size()) return false;
  return std::all_of(records.begin(), records.end(),
                     [&](const GoneRecord& r) { return shelf_->gone(head.table, r); });
}

}  // namespace hemiola
