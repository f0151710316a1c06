#include "hemiola/table/restore.h"

#include <algorithm>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

// Offers of a row are compared by this; 0 is no offer.
uint64_t score_of(const RowVersion& version) {
  return (uint64_t{version.moves} << 2 | static_cast<uint64_t>(version.version)) + 1;
}

Version version_of(uint64_t score) { return static_cast<Version>((score - 1) & 3); }

uint64_t place_of(TableId table, Key key) { return uint64_t{table.value} << 32 | key.value; }

}  // namespace

Restore::Restore(TableSet& tables, Streams& streams, TableRestore from)
    : tables_(tables),
      streams_(streams),
      from_(std::move(from)),
      peers_(tables.place().parties()),
      lost_(tables.size()) {
  for (auto& generation : from_.salvage.generations) {
    for (auto& now : generation->now) {
      if (now) now = now->value < from_.now.size() ? from_.now[now->value] : std::nullopt;
    }
  }
  for (uint32_t n = 0; n < peers_.size(); ++n) writers_.emplace_back(0);
  for (uint32_t t = 0; t < tables.size(); ++t) {
    best_.emplace_back(tables.rows(TableId{t}).partition().rows());
  }
}

template <class Head>
void Restore::tell_all(Kind kind, const Head& head, Outbox& out) {
  for (uint32_t n = 0; n < peers_.size(); ++n) {
    if (NodeId{n} == self()) continue;
    Writer writer(sizeof head);
    writer.put(head);
    streams_.send(NodeId{n}, kind, std::move(writer), out);
  }
}

void Restore::begin(Outbox& out) {
  if (stage_ != Stage::before) return;
  stage_ = Stage::meeting;
  SurvivorBody body{{}, from_.salvage.valid, 0, 0};
  for (const auto& generation : from_.salvage.generations) {
    body.latest = std::max(body.latest, generation->number);
  }
  if (from_.lost_rows) body.source = from_.lost_rows->newest();
  peers_[self().value].met = true;
  peers_[self().value].survivor = body;
  tell_all(Kind::survivor, body, out);
  go_on(out);
}

bool Restore::take(const Envelope& envelope, Outbox&) {
  Peer& peer = peers_[envelope.from.value];
  Reader reader(envelope.body);
  switch (envelope.kind) {
    case Kind::survivor:
      peer.survivor = reader.get<SurvivorBody>();
      peer.met = true;
      return reader.finished();
    case Kind::offer:
      return on_offer(reader);
    case Kind::offered:
      return on_offered(peer, reader);
    case Kind::all_offered:
      peer.all_offered = true;
      return true;
    case Kind::add:
      return on_add(reader);
    case Kind::added:
      peer.added = true;
      return true;
    default:
      return false;
  }
}

// The generation in which workers ran last is what all go on from. Who has not been in it is new.
void Restore::choose() {
  uint32_t valid = 0, latest = 0;
  for (const Peer& peer : peers_) {
    valid = std::max(valid, peer.survivor.valid);
    latest = std::max(latest, peer.survivor.latest);
  }
  number_ = latest + 1;
  from_.salvage.valid = valid;
  auto& all = from_.salvage.generations;
  std::erase_if(all, [&](const auto& generation) { return generation->number != valid; });
  if (all.empty()) return;
  old_ = all.front().get();
  HEMIOLA_CHECK(old_->tables.size() == tables_.size());
}

void Restore::go_on(Outbox& out) {
  if (stage_ == Stage::meeting && all([](const Peer& p) { return p.met; })) {
    choose();
    stage_ = Stage::offering;
  }
  if (stage_ == Stage::offering) {
    while (!full()) {
      if (offer_some(out)) continue;
      tell_offered(out);
      stage_ = Stage::waiting;
      break;
    }
  }
  Peer& own = peers_[self().value];
  if (stage_ == Stage::waiting && !own.all_offered &&
      all([](const Peer& p) { return p.offered; })) {
    fill_lost(out);
    own.all_offered = true;
    tell_all(Kind::all_offered, StreamHead{}, out);
  }
  if (stage_ == Stage::waiting && all([](const Peer& p) { return p.all_offered; })) {
    plan_adding();
    stage_ = Stage::adding;
  }
  if (stage_ == Stage::adding) {
    while (!full()) {
      if (add_some(out)) continue;
      own.added = true;
      tell_all(Kind::added, StreamHead{}, out);
      stage_ = Stage::ending;
      break;
    }
  }
  done_ = stage_ == Stage::ending && all([](const Peer& p) { return p.added; });
}

bool Restore::full() const {
  for (uint32_t n = 0; n < peers_.size(); ++n) {
    if (NodeId{n} != self() && streams_.unacked_bytes(NodeId{n}) > kWindowBytes) return true;
  }
  return false;
}

// ---- as a new owner

float* Restore::row_of(TableId table, Key key) const {
  const Rows& rows = tables_.rows(table);
  return rows.adapts() ? rows.shelf().value(rows.shelf().find(key))
                       : rows.owned(rows.partition().index(key));
}

bool Restore::on_offer(Reader& reader) {
  const auto head = reader.get<RowsOfTable>();
  if (!reader.ok() || head.table.value >= tables_.size()) return false;
  const Rows& rows = tables_.rows(head.table);
  while (reader.left() > 0) {
    const auto version = reader.get<RowVersion>();
    const std::byte* units = reader.skip_all<UnitRecord>(version.units);
    const std::byte* row = reader.skip(rows.row_length() * sizeof(float));
    if (!reader.ok() || version.key.value >= rows.partition().rows()) return false;
    if (home(head.table, version.key) != self()) return false;
    consider(head.table, version, units, reinterpret_cast<const float*>(row));
  }
  return true;
}

void Restore::consider(TableId table, const RowVersion& head, const std::byte* units,
                       const float* row) {
  uint64_t& best = best_[table.value][head.key.value];
  const uint64_t score = score_of(head);
  const Rows& rows = tables_.rows(table);
  const bool stale = rows.options().sabotage == Sabotage::stale_copy_wins;
  if (best != 0 && (stale ? score >= best : score <= best)) return;
  best = score;
  vec().copy(row_of(table, head.key), row, rows.row_length());
  std::vector<Unit> in;
  for (uint32_t i = 0; i < head.units; ++i) {
    UnitRecord unit;
    std::memcpy(&unit, units + i * sizeof unit, sizeof unit);
    if (unit.gift == 0) in.push_back({NodeId{unit.origin}, unit.batch});
  }
  if (in.empty()) {
    if (!units_.empty()) units_.erase(place_of(table, head.key));
  } else {
    units_[place_of(table, head.key)] = std::move(in);
  }
}

bool Restore::on_offered(Peer& peer, Reader& reader) {
  const auto head = reader.get<OfferedHead>();
  const auto vouched = reader.get_all<uint32_t>();
  peer.received = reader.get_all<uint32_t>();
  if (!reader.finished()) return false;
  peer.offered = true;
  if (head.old_nodes == 0) return true;
  peer.then = NodeId{head.old_rank};
  old_nodes_ = head.old_nodes;
  vouched_.resize(std::max<size_t>(vouched_.size(), old_nodes_));
  for (const uint32_t rank : vouched) {
    if (rank >= old_nodes_) return false;
    vouched_[rank] = true;
  }
  return true;
}

// Rows that nobody has: those of which a backup says that they were never changed are what they
// are; the others are lost.
void Restore::fill_lost(Outbox& out) {
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const TableId table{t};
    const Partition& partition = tables_.rows(table).partition();
    Lost lost{std::vector<bool>(old_nodes_)};
    for (uint32_t i = 0; i < partition.owned_by(self()); ++i) {
      const Key key = partition.key(self(), i);
      if (best_[t][key.value] != 0) {
        if (version_of(best_[t][key.value]) == Version::backup) ++recovered_.from_backups;
        continue;
      }
      const uint32_t then = old_nodes_ == 0 ? 0 : key.value % old_nodes_;
      if (old_nodes_ != 0 && vouched_[then]) continue;
      if (old_nodes_ != 0) lost.homes[then] = true;
      if (fill_from_source(table, key)) {
        best_[t][key.value] = 1;
        ++lost.taken;
      } else {
        ++lost.initial;
      }
    }
    lost_[t] = lost.initial;
    recovered_.from_checkpoint += lost.taken;
    recovered_.initial += lost.initial;
    say_lost(table, lost, out);
  }
  if (from_.lost_rows) from_.lost_rows->close();
}

bool Restore::fill_from_source(TableId table, Key key) {
  if (!from_.lost_rows) return false;
  if (!source_) {
    uint32_t newest = 0;
    for (const Peer& peer : peers_) newest = std::max(newest, peer.survivor.source);
    source_ = from_.lost_rows->open(newest);
  }
  const std::span row(row_of(table, key), tables_.rows(table).row_length());
  return !source_->empty() && from_.lost_rows->fill(table, key, row);
}

void Restore::say_lost(TableId table, const Lost& lost, Outbox& out) const {
  std::string homes;
  for (uint32_t n = 0; n < lost.homes.size(); ++n) {
    if (lost.homes[n]) homes += (homes.empty() ? "" : ", ") + std::to_string(n);
  }
  const auto say = [&](uint64_t rows, const std::string& what) {
    if (rows == 0) return;
    out.say(Level::warning, std::to_string(rows) + " rows of table `" +
                                tables_.rows(table).options().spec.name +
                                "` were nowhere but on nodes that are gone (at home on rank " +
                                homes + "): they are " + what);
  };
  say(lost.taken, "taken from " + source_.value_or(""));
  say(lost.initial, "back to their initial values");
}

bool Restore::on_add(Reader& reader) {
  const auto head = reader.get<RowsOfTable>();
  if (!reader.ok() || head.table.value >= tables_.size()) return false;
  const Rows& rows = tables_.rows(head.table);
  while (reader.left() > 0) {
    const auto record = reader.get<AddRecord>();
    const std::byte* delta = reader.skip(rows.row_length() * sizeof(float));
    if (!reader.ok() || record.key.value >= rows.partition().rows()) return false;
    if (home(head.table, record.key) != self()) return false;
    add(head.table, record, reinterpret_cast<const float*>(delta));
  }
  return true;
}

void Restore::add(TableId table, const AddRecord& head, const float* delta) {
  if (head.origin != AddRecord::kUnsent) {
    auto& in = units_[place_of(table, head.key)];
    const Unit unit{NodeId{head.origin}, head.batch};
    if (std::find(in.begin(), in.end(), unit) != in.end()) return;
    in.push_back(unit);
  }
  uint64_t& best = best_[table.value][head.key.value];
  best = std::max<uint64_t>(best, 1);
  vec().add(row_of(table, head.key), delta, tables_.rows(table).row_length());
}

}  // namespace hemiola
