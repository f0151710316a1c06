#include "hemiola/average/leaver.h"

namespace hemiola {

void AverageLeaver::on(Event& event, Instant, Outbox& out) {
  bool over = false;
  if (auto* arrived = std::get_if<MessageArrived>(&event)) {
    const Envelope& message = arrived->envelope;
    if (message.kind != Kind::part && message.kind != Kind::total) return;
    over = mean_.on_message(message, out);
  } else if (auto* up = std::get_if<PeerUp>(&event)) {
    if (up->again) mean_.up_again(up->peer, out);
  } else if (const auto* notice = std::get_if<Notice>(&event)) {
    over = std::holds_alternative<Connected>(*notice) && mean_.begin(out);
  }
  if (over) out.tell(StateReady{MachineId::average});
}

}  // namespace hemiola
