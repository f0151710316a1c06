#include "hemiola/average/fastest_only.h"

#include <stdexcept>

#include "hemiola/average/messages.h"
#include "hemiola/average/neighbour_rounds.h"

namespace hemiola {

FastestOnly::FastestOnly(Crew& crew) : Strategy(crew), graph_(mixing_graph(crew)) {}

void FastestOnly::send(WorkerId from, WorkerId to, bool is_answer, Outbox& out) {
  const PeerHead head{from, to, 0, is_answer};
  out.send(crew_.node_of(to), Kind::mix, with_floats(head, crew_.values(from)));
}

void FastestOnly::stepped(WorkerId worker, Instant, Outbox& out) {
  for (const uint32_t to : graph_.near[worker.value]) send(worker, WorkerId{to}, false, out);
  if (graph_.near[worker.value].empty()) crew_.go_on(worker, out);
}

void FastestOnly::rested(WorkerId, Instant, Outbox&) {}

void FastestOnly::on_message(const Envelope& message, Instant, Outbox& out) {
  Reader reader(message.body);
  const auto head = reader.get<PeerHead>();
  if (!reader.ok() || reader.left() != crew_.values() * sizeof(float) || !crew_.here(head.to) ||
      head.from.value >= crew_.size()) {
    throw std::runtime_error("a replica that cannot be");
  }
  if (!crew_.waits(head.to)) {
    // Else two could wait for each other.
    if (head.extra == 0) send(head.to, head.from, true, out);
    return;
  }
  const auto theirs = floats_behind(reader);
  const auto own = crew_.values(head.to);
  for (size_t i = 0; i < own.size(); ++i) own[i] = (own[i] + theirs[i]) / 2;
  decided("the first neighbour was there");
  crew_.go_on(head.to, out);
}

}  // namespace hemiola
