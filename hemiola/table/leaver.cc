#include "hemiola/table/leaver.h"

#include "hemiola/core/check.h"

namespace hemiola {

TableLeaver::TableLeaver(TableSet& tables)
    : streams_(tables.place().parties(), 0, Kind::survival_acked) {
  HEMIOLA_CHECK(tables.place().leaves());
}

TableLeaver::TableLeaver(TableSet& tables, TableRestore restore) : TableLeaver(tables) {
  restore_.emplace(tables, streams_, std::move(restore));
}

void TableLeaver::on(Event& event, Instant, Outbox& out) {
  if (auto* arrived = std::get_if<MessageArrived>(&event)) {
    const Envelope& envelope = arrived->envelope;
    if (!restore_ || envelope.kind < Kind::backup || envelope.kind > Kind::survival_acked) return;
    const bool has_head = envelope.body.size() >= sizeof(StreamHead);
    if (!has_head || (streams_.accept(envelope) && !restore_->take(envelope, out))) {
      out.say(Level::error, "dropped a message about rows that are handed over: it cannot be read");
    }
    streams_.acknowledge(envelope.from, false, out);
  } else if (auto* up = std::get_if<PeerUp>(&event)) {
    if (up->again) streams_.link_again(up->peer, out);
  } else if (const auto* notice = std::get_if<Notice>(&event)) {
    if (!std::holds_alternative<Connected>(*notice)) return;
    if (!restore_) return out.tell(StateReady{MachineId::table});
    restore_->begin(out);
  }
  go_on(out);
}

void TableLeaver::go_on(Outbox& out) {
  if (!restore_) return;
  restore_->go_on(out);
  if (ready_ || !restore_->done()) return;
  ready_ = true;
  out.tell(StateReady{MachineId::table});
}

}  // namespace hemiola
