#include "hemiola/core/node_core.h"

#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// Machines that live as long as a view, and know nodes by rank.
bool is_shared_state(MachineId id) { return id == MachineId::table || id == MachineId::average; }

}  // namespace

void NodeCore::add(MachineId id, std::unique_ptr<Machine> machine) {
  HEMIOLA_CHECK(!machines_[static_cast<size_t>(id)]);
  machines_[static_cast<size_t>(id)] = std::move(machine);
}

void NodeCore::replace(MachineId id, std::unique_ptr<Machine> machine) {
  machines_[static_cast<size_t>(id)] = std::move(machine);
}

void NodeCore::on(Event event, Instant now, Outbox& out) {
  size_t next_send = out.sends.size();
  size_t next_notice = out.notices.size();
  deliver(event, now, out);
  for (;;) {
    if (next_notice < out.notices.size()) {
      const Notice told = out.notices[next_notice++];
      notice(told, now, out);
    } else if (next_send < out.sends.size()) {
      if (out.sends[next_send].to != self_) {
        ++next_send;
        continue;
      }
      Outbox::Send own = std::move(out.sends[next_send]);
      out.sends.erase(out.sends.begin() + static_cast<ptrdiff_t>(next_send));
      Event arrived{MessageArrived{{self_, self_, epoch(), own.kind, std::move(own.body)}}};
      deliver(arrived, now, out);
    } else {
      return;
    }
  }
}

void NodeCore::notice(const Notice& notice, Instant now, Outbox& out) {
  if (std::holds_alternative<Parting>(notice)) parting_ = true;
  const auto* changed = std::get_if<ViewChanged>(&notice);
  if (changed) {
    view_ = changed->view;
    renumbers_ = false;
    for (uint32_t seat = 0; seat < view_.parties(); ++seat) {
      renumbers_ |= view_.party(seat).node != NodeId{seat};
    }
    parting_ = false;
    if (renew_ && view_.has(self_)) renew_(view_);
  }
  Event told{notice};
  everyone(told, now, out);
  if (!changed) return;
  for (Envelope& envelope : std::exchange(early_, {})) {
    Event again{MessageArrived{std::move(envelope)}};
    deliver(again, now, out);
  }
}

void NodeCore::deliver(Event& event, Instant now, Outbox& out) {
  if (auto* came = std::get_if<MessageArrived>(&event)) {
    arrived(*came, now, out);
  } else if (auto* fired = std::get_if<TimerFired>(&event)) {
    give(fired->target, event, now, out);
  } else if (auto* posted = std::get_if<CallPosted>(&event)) {
    give(posted->call->target, event, now, out);
  } else if (std::holds_alternative<Notice>(event)) {
    everyone(event, now, out);
  } else if (std::holds_alternative<PeerUp>(event) || std::holds_alternative<PeerLost>(event)) {
    everyone(event, now, out);
  } else {
    give(MachineId::cluster, event, now, out);
  }
}

void NodeCore::arrived(MessageArrived& came, Instant now, Outbox& out) {
  Envelope& envelope = came.envelope;
  const MachineId target = machine_of(envelope.kind);
  // Joining happens before there is a view, so the cluster's own messages check for themselves.
  if (target != MachineId::cluster && envelope.epoch != epoch()) {
    if (envelope.epoch > epoch() && early_.size() < kMostEarly) {
      early_.push_back(std::move(envelope));
    } else {
      out.say(Level::debug, "dropped a message of another epoch");
    }
    return;
  }
  Event event{std::move(came)};
  give(target, event, now, out);
}

void NodeCore::give(MachineId target, Event& event, Instant now, Outbox& out) {
  const auto slot = static_cast<size_t>(target);
  if (slot >= machines_.size() || !machines_[slot]) {
    out.say(Level::warning, "dropped a message for a machine that this node does not run");
    return;
  }
  if (!is_shared_state(target)) return machines_[slot]->on(event, now, out);
  if (parting_) return;
  const bool of_peer = std::holds_alternative<MessageArrived>(event) ||
                       std::holds_alternative<PeerUp>(event) ||
                       std::holds_alternative<PeerLost>(event);
  if (view_.members.empty() || !(of_peer || renumbers_)) {
    return machines_[slot]->on(event, now, out);
  }
  const auto to_seat = [this](NodeId& node) {
    const auto seat = view_.seat_of(node);
    if (seat) node = NodeId{*seat};
    return seat.has_value();
  };
  bool known = true;
  if (auto* came = std::get_if<MessageArrived>(&event)) {
    known = to_seat(came->envelope.from) && to_seat(came->envelope.to);
  } else if (auto* up = std::get_if<PeerUp>(&event)) {
    known = to_seat(up->peer);
  } else if (auto* lost = std::get_if<PeerLost>(&event)) {
    known = to_seat(lost->peer);
  }
  if (!known) return;
  const size_t before = out.sends.size();
  machines_[slot]->on(event, now, out);
  for (size_t i = before; i < out.sends.size(); ++i) {
    HEMIOLA_CHECK(out.sends[i].to.value < view_.parties());
    out.sends[i].to = view_.party(out.sends[i].to.value).node;
  }
}

void NodeCore::everyone(Event& event, Instant now, Outbox& out) {
  for (size_t i = 0; i < machines_.size(); ++i) {
    if (!machines_[i]) continue;
    Event own = event;
    give(static_cast<MachineId>(i), own, now, out);
  }
}

}  // namespace hemiola
