#include "hemiola/average/step_gate.h"

#include <algorithm>
#include <stdexcept>

#include "hemiola/core/wire.h"

namespace hemiola {
namespace {

struct PaceBody {
  WorkerId worker;
  uint32_t pass = 0;
  uint32_t steps = 0;
  uint32_t rests = 0;
};

}  // namespace

StepGate::StepGate(const Place& place, const Graph& graph, GapRule rule, bool ignored)
    : place_(place),
      graph_(graph),
      rule_(rule),
      ignored_(ignored),
      known_(graph.size()),
      held_(graph.size()) {}

uint32_t StepGate::ended_by(WorkerId other) const {
  const Count& count = known_[other.value];
  if (count.pass > pass_ || (count.pass == pass_ && count.rests)) return UINT32_MAX;
  return count.pass == pass_ ? count.steps : 0;
}

std::optional<WorkerId> StepGate::waits_for(WorkerId worker) const {
  const uint32_t next = known_[worker.value].steps + 1;
  for (const uint32_t near : graph_.near[worker.value]) {
    const uint32_t ended = ended_by(WorkerId{near});
    if (next > ended && next - ended > rule_.most) return WorkerId{near};
  }
  return std::nullopt;
}

uint32_t StepGate::stepped(WorkerId worker, Outbox& out) {
  ++known_[worker.value].steps;
  const uint32_t passed = catch_up(worker);
  tell_all(worker, out);
  return passed;
}

uint32_t StepGate::catch_up(WorkerId worker) {
  uint32_t& own = known_[worker.value].steps;
  uint32_t furthest = own, least = UINT32_MAX - rule_.most;
  for (const uint32_t near : graph_.near[worker.value]) {
    const uint32_t ended = ended_by(WorkerId{near});
    if (ended != UINT32_MAX) furthest = std::max(furthest, ended);
    least = std::min(least, ended);
  }
  const bool was_held = held_[worker.value];
  held_[worker.value] = false;
  if (was_held || least < own || 2 * (furthest - own) < rule_.most) return 0;
  furthest = std::min(furthest, least + rule_.most);
  const uint32_t passed = std::min(std::max(furthest, own) - own, rule_.skip);
  own += passed;
  return passed;
}

void StepGate::rested(WorkerId worker, Outbox& out) {
  known_[worker.value].rests = true;
  tell_all(worker, out);
}

void StepGate::next_pass() {
  ++pass_;
  for (uint32_t w = 0; w < known_.size(); ++w) {
    if (here(WorkerId{w})) known_[w] = {pass_, 0, false};
  }
}

void StepGate::tell(WorkerId worker, NodeId node, Outbox& out) const {
  const Count& count = known_[worker.value];
  Writer body(sizeof(PaceBody));
  body.put(PaceBody{worker, count.pass, count.steps, count.rests});
  out.send(node, Kind::pace, std::move(body).take());
}

void StepGate::tell_all(WorkerId worker, Outbox& out) const {
  std::vector<bool> told(place_.nodes);
  told[place_.self.value] = true;
  for (const uint32_t near : graph_.near[worker.value]) {
    const NodeId node = place_.node_of(WorkerId{near});
    if (told[node.value]) continue;
    told[node.value] = true;
    tell(worker, node, out);
  }
}

void StepGate::on_message(const Envelope& message) {
  Reader reader(message.body);
  const auto body = reader.get<PaceBody>();
  const bool fits = reader.finished() && body.worker.value < known_.size() && body.rests <= 1 &&
                    place_.node_of(body.worker) == message.from && message.from != place_.self;
  if (!fits) throw std::runtime_error("a pace that cannot be");
  Count& known = known_[body.worker.value];
  if (body.pass < known.pass) return;
  if (body.pass > known.pass) known = {body.pass, 0, false};
  known.steps = std::max(known.steps, body.steps);
  known.rests = known.rests || body.rests != 0;
}

void StepGate::up_again(NodeId peer, Outbox& out) {
  for (uint32_t w = 0; w < known_.size(); ++w) {
    const auto& near = graph_.near[w];
    const bool matters =
        here(WorkerId{w}) && std::any_of(near.begin(), near.end(), [&](uint32_t n) {
          return place_.node_of(WorkerId{n}) == peer;
        });
    if (matters) tell(WorkerId{w}, peer, out);
  }
}

}  // namespace hemiola
