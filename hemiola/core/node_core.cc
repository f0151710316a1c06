#include "hemiola/core/node_core.h"

#include "hemiola/core/check.h"

namespace hemiola {

void NodeCore::add(MachineId id, std::unique_ptr<Machine> machine) {
  HEMIOLA_CHECK(!machines_[static_cast<size_t>(id)]);
  machines_[static_cast<size_t>(id)] = std::move(machine);
}

void NodeCore::on(Event event, Instant now, Outbox& out) {
  size_t next_send = out.sends.size();
  size_t next_notice = out.notices.size();
  deliver(event, now, out);
  for (;;) {
    if (next_notice < out.notices.size()) {
      Notice notice = out.notices[next_notice++];
      if (auto* changed = std::get_if<ViewChanged>(&notice)) epoch_ = changed->view.epoch;
      Event told{std::move(notice)};
      everyone(told, now, out);
    } else if (next_send < out.sends.size()) {
      if (out.sends[next_send].to != self_) {
        ++next_send;
        continue;
      }
      Outbox::Send own = std::move(out.sends[next_send]);
      out.sends.erase(out.sends.begin() + static_cast<ptrdiff_t>(next_send));
      Event arrived{MessageArrived{{self_, self_, epoch_, own.kind, std::move(own.body)}}};
      deliver(arrived, now, out);
    } else {
      return;
    }
  }
}

void NodeCore::deliver(Event& event, Instant now, Outbox& out) {
  MachineId target{};
  if (auto* arrived = std::get_if<MessageArrived>(&event)) {
    target = machine_of(arrived->envelope.kind);
    // Joining happens before there is a view, so the cluster's own messages check for themselves.
    if (target != MachineId::cluster && arrived->envelope.epoch != epoch_) {
      out.say(Level::debug, "dropped a message of another epoch");
      return;
    }
  } else if (auto* fired = std::get_if<TimerFired>(&event)) {
    target = fired->target;
  } else if (auto* posted = std::get_if<CallPosted>(&event)) {
    target = posted->call->target;
  } else {
    everyone(event, now, out);
    return;
  }
  const auto slot = static_cast<size_t>(target);
  if (slot < machines_.size() && machines_[slot]) {
    machines_[slot]->on(event, now, out);
  } else {
    out.say(Level::warning, "dropped a message for a machine that this node does not run");
  }
}

void NodeCore::everyone(Event& event, Instant now, Outbox& out) {
  for (auto& machine : machines_) {
    if (machine) machine->on(event, now, out);
  }
}

}  // namespace hemiola
