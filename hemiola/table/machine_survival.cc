// The table machine at the begin and at the end of a generation, and its backups in between.
#include "hemiola/core/check.h"
#include "hemiola/table/machine.h"

namespace hemiola {

TableMachine::TableMachine(TableSet& tables, TableRestore restore) : TableMachine(tables, false) {
  restore_ = std::make_unique<Restore>(tables, backups_.streams(), std::move(restore));
  complete_ = ready_ = false;
}

void TableMachine::rows_were_loaded() {
  HEMIOLA_CHECK(!restore_ && !connected_);
  if (!backups_.on()) return;
  loaded_ = true;
  ready_ = false;
}

void TableMachine::on_notice(const Notice& notice, Instant now, Outbox& out) {
  if (std::holds_alternative<Connected>(notice)) {
    connected_ = true;
    if (loaded_) {
      for (uint32_t t = 0; t < tables_.size(); ++t) {
        const TableId table{t};
        tables_.rows(table).for_each_owned(
            [&](Key key, const float*) { backups_.changed(table, key); });
      }
      backups_.round(now, true, out);
      return restored(now, out);
    }
    if (!restore_) return out.tell(StateReady{MachineId::table});
    restore_->begin(out);
    restored(now, out);
  } else if (std::holds_alternative<JobStarted>(notice)) {
    started_ = true;
    if (!restore_) return;
    HEMIOLA_CHECK(ready_);
    restore_.reset();
    if (tables_.any_adapts()) keeper_.begin(now, out);
  }
}

void TableMachine::on_survival(const Envelope& envelope, Instant now, Outbox& out) {
  Streams& streams = backups_.streams();
  const bool has_head = envelope.body.size() >= sizeof(StreamHead);
  if (!has_head || (streams.accept(envelope) && !take_survival(envelope, out))) {
    out.say(Level::error, "dropped a message about rows that are to survive: it cannot be read");
  }
  streams.acknowledge(envelope.from, envelope.kind == Kind::backup_end, out);
  backups_.collect(out);
  const auto own = backups_.take_own_safe();
  if (!own.empty()) HEMIOLA_CHECK(keeper_.safe(own));
  restored(now, out);
  release_waiting(out);
}

bool TableMachine::take_survival(const Envelope& envelope, Outbox& out) {
  const bool of_leaver = envelope.from.value >= tables_.place().nodes;
  if (of_leaver) return restore_ && restore_->take(envelope, out);
  Reader reader(envelope.body);
  switch (envelope.kind) {
    case Kind::backup:
      return backups_.on_backup(reader);
    case Kind::backup_gone:
      return backups_.on_gone(reader);
    case Kind::backup_end:
      return true;
    case Kind::safe:
      return on_safe(envelope.from, reader);
    case Kind::safe_gift:
      return on_safe_gift(reader);
    case Kind::keeps_from: {
      const auto body = reader.get<KeepsFromBody>();
      backups_.keeps_from(envelope.from, false, body.low);
      return reader.finished();
    }
    default:
      return restore_ && restore_->take(envelope, out);
  }
}

bool TableMachine::on_safe(NodeId from, Reader& reader) {
  const auto head = reader.get<SafeHead>();
  const auto records = reader.get_all<SafeRecord>();
  if (!reader.finished()) return false;
  return head.moving != 0 ? keeper_.safe(records) : holder_.safe(from, records);
}

bool TableMachine::on_safe_gift(Reader& reader) {
  const auto head = reader.get<RowsOfTable>();
  const auto records = reader.get_all<GoneRecord>();
  return reader.finished() && keeper_.safe_gifts(head.table, records);
}

// An owner whose clock goes on is told what it need not remember for this node's sake.
void TableMachine::tell_what_is_kept(NodeId to, Outbox& out) {
  if (!backups_.on()) return;
  const uint32_t low = holder_.low(to);
  if (std::exchange(told_kept_[to.value], low) == low) return;
  Writer writer(sizeof(KeepsFromBody));
  writer.put(KeepsFromBody{{}, low});
  backups_.streams().send(to, Kind::keeps_from, std::move(writer), out);
}

// All rows that are not as they were at first get their backups before anybody goes on.
void TableMachine::restored(Instant now, Outbox& out) {
  if (ready_ || !connected_) return;
  if (!complete_) {
    restore_->go_on(out);
    if (!restore_->done()) return;
    complete_ = true;
    generation_ = restore_->number();
    rows_lost_ = restore_->lost();
    rows_recovered_ = restore_->recovered();
    restore_->each_taken([this](TableId table, Key key) { backups_.changed(table, key); });
    backups_.round(now, true, out);
  }
  if (backups_.on() && !backups_.idle()) return;
  ready_ = true;
  out.tell(StateReady{MachineId::table, rows_recovered_});
}

TableSalvage TableMachine::salvage() {
  TableSalvage all;
  if (restore_) all = restore_->give_back();
  if (!restore_) all.valid = generation_;
  if (!ready_ && !loaded_) return all;
  auto own = std::make_unique<TableGeneration>();
  own->number = generation_;
  own->vouches = started_ || !loaded_;
  own->place = tables_.place();
  for (uint32_t n = 0; n < own->place.nodes; ++n) own->now.push_back(NodeId{n});
  owner_.add_held_back();
  for (uint32_t n = 0; n < own->place.nodes; ++n)
    own->received.push_back(owner_.received(NodeId{n}));
  holder_.salvage(*own);
  keeper_.salvage(*own);
  own->logs = backups_.take_logs();
  own->backups = backups_.take_shelf();
  own->tables = tables_.take_rows();
  all.generations.push_back(std::move(own));
  return all;
}

}  // namespace hemiola
