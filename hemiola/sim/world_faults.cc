// The half of the world that makes and breaks connections, nodes and their time.
#include <algorithm>
#include <string>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/sim/world.h"

namespace hemiola::sim {

namespace {

constexpr Duration kGrace = milliseconds(1000);

}  // namespace

// ---- the way of a message

// Reached the receiver's end of a link: behind a cut it is held, else it passes the card.
void World::arrive(uint32_t slot) {
  Record& record = records_[slot];
  Link& path = network_->link(record.peer, record.node);
  const bool lost = record.number != path.generation && record.what == What::message;
  if (lost || node(record.node).dead) {
    if (record.what == What::message) ++node(record.peer).counters.messages_lost;
    return drop(slot);
  }
  if (!record.admitted) {
    if (now_ < path.held_until || !path.held.empty()) {
      path.held.push_back(slot);
      return;
    }
    record.admitted = true;
    const Instant at = network_->admit(record.node, record.body.size(), now_);
    path.last_admitted = std::max(path.last_admitted, at.ns);
    if (at > now_) return push_slot(at, slot);
  }
  if (record.what == What::message) {
    ++node(record.node).counters.messages_received;
  } else {
    Link& own = network_->link(record.node, record.peer);
    if (record.age != own.ended) return drop(slot);  // it has hung up itself
    own.open = false;
  }
  enqueue(slot);
}

void World::cut(NodeId from, NodeId to, Instant end) {
  Link& path = network_->link(from, to);
  if (end <= path.held_until) return;
  path.held_until = end;
  if (end < kForever) push(end, {.what = What::release, .node = to, .peer = from});
}

void World::release(NodeId from, NodeId to) {
  Link& path = network_->link(from, to);
  if (now_ < path.held_until) return;
  std::vector<uint32_t> held;
  held.swap(path.held);
  for (const uint32_t slot : held) arrive(slot);
}

void World::lose_what_is_underway(Link& path) {
  ++path.generation;
  path.open = path.connecting = path.dialled = path.nowhere = false;
  for (std::vector<uint32_t>* slots : {&path.held, &path.waiting}) {
    for (const uint32_t slot : *slots) {
      if (records_[slot].what == What::message) ++node(records_[slot].peer).counters.messages_lost;
      drop(slot);
    }
    slots->clear();
  }
}

// ---- connections

void World::dial(NodeId from, NodeId to, Instant at) {
  if (to.value >= nodes_.size() || to == from || gone(to)) {
    return lose(from, to, "nobody answers at this address", at);
  }
  Link& there = network_->link(from, to);
  Link& back = network_->link(to, from);
  if (there.open) return;
  there.dialled = true;
  // PeerUp is on its way, unless the other end only believes in a connection.
  if (there.connecting || (back.open && !back.nowhere)) return;
  if (there.down_until == kForever) {
    lose_what_is_underway(there);
    return lose(from, to, "the connection cannot be made", at);
  }
  there.connecting = back.connecting = true;
  push(std::max(at, there.down_until) + network_->delay(there, at), {.what = What::connect,
                                                                     .node = from,
                                                                     .peer = to,
                                                                     .number = there.generation,
                                                                     .age = there.ended});
}

// The first packet has come through: both ends learn of it, each after a delay of its own.
void World::connect(const Record& record) {
  const NodeId ends[2] = {record.node, record.peer};
  Link& there = network_->link(ends[0], ends[1]);
  Link& back = network_->link(ends[1], ends[0]);
  if (record.number != there.generation || record.age != there.ended) return;
  if (gone(ends[0]) || gone(ends[1])) return;
  const Instant open_again = std::max(there.held_until, back.held_until);
  if (open_again == kForever) {
    for (int i = 0; i < 2; ++i) {
      Link& path = network_->link(ends[i], ends[1 - i]);
      if (path.dialled) lose(ends[i], ends[1 - i], "the connection cannot be made", now_);
      lose_what_is_underway(path);
    }
    return;
  }
  if (now_ < open_again) {
    return push(open_again, {.what = What::connect,
                             .node = ends[0],
                             .peer = ends[1],
                             .number = there.generation,
                             .age = there.ended});
  }
  for (int i = 0; i < 2; ++i) {
    const NodeId end = ends[i];
    const NodeId peer = ends[1 - i];
    Link& towards = network_->link(peer, end);
    // Behind all that came over an earlier connection, its loss too.
    const Instant soonest = now_ + network_->delay(towards, now_);
    const Instant at{std::max(soonest.ns, towards.last_arrival + 1)};
    towards.last_arrival = at.ns;
    push(at, {.what = What::peer_up,
              .again = there.was_open,
              .node = end,
              .peer = peer,
              .number = network_->link(end, peer).generation,
              .age = network_->link(end, peer).ended});
  }
}

void World::peer_up(uint32_t slot) {
  const Record& record = records_[slot];
  Link& path = network_->link(record.node, record.peer);
  const bool hung_up = record.age != path.ended;
  if (record.number != path.generation || hung_up || gone(record.node)) return drop(slot);
  const int64_t before = network_->link(record.peer, record.node).last_admitted;
  if (before >= now_.ns) return push_slot(Instant{before + 1}, slot);
  path.open = true;
  path.connecting = path.dialled = false;
  for (const uint32_t waiting : std::exchange(path.waiting, {})) depart(waiting, now_);
  path.was_open = network_->link(record.peer, record.node).was_open = true;
  enqueue(slot);
}

// PeerLost by itself, not as the last word that comes over the link.
void World::lose(NodeId at_end, NodeId peer, const char* why, Instant at) {
  push(at + network_->up_to(options_.network.notice),
       {.what = What::peer_lost, .admitted = true, .node = at_end, .peer = peer, .why = why});
}

void World::drop_connection(NodeId a, NodeId b, Instant down_until) {
  if (a == b || gone(a) || gone(b)) return;
  Link& there = network_->link(a, b);
  Link& back = network_->link(b, a);
  down_until = std::max(down_until, there.down_until);
  there.down_until = back.down_until = down_until;
  const bool wanted = there.open || back.open || there.connecting || back.connecting;
  const bool for_ever = down_until == kForever;
  if (there.open || (there.dialled && for_ever)) lose(a, b, "connection lost", now_);
  if (back.open || (back.dialled && for_ever)) lose(b, a, "connection lost", now_);
  lose_what_is_underway(there);
  lose_what_is_underway(back);
  if (!wanted || for_ever) return;
  there.connecting = back.connecting = true;
  // Later than both ends have noticed the loss.
  const Instant earliest = now_ + options_.network.notice + Duration{1};
  push(std::max(earliest, down_until) + network_->delay(there, now_), {.what = What::connect,
                                                                       .node = a,
                                                                       .peer = b,
                                                                       .number = there.generation,
                                                                       .age = there.ended});
}

void World::half_open(NodeId a, NodeId b, Instant end) {
  Link& there = network_->link(a, b);
  Link& back = network_->link(b, a);
  if (a == b || gone(a) || gone(b) || !there.open || !back.open || end == kForever) return;
  lose_what_is_underway(there);
  lose_what_is_underway(back);
  lose(a, b, "connection lost", now_);
  back.open = back.nowhere = true;
  // A new connection is made when the other end, too, has noticed.
  const Instant noticed = end + options_.network.notice + Duration{1};
  there.down_until = back.down_until = std::max(noticed, there.down_until);
  push(end, {.what = What::half_ends,
             .node = b,
             .peer = a,
             .number = back.generation,
             .age = back.ended});
}

void World::end_half(const Record& record) {
  Link& path = network_->link(record.node, record.peer);
  if (!path.nowhere || record.number != path.generation || record.age != path.ended) return;
  lose_what_is_underway(path);
  lose(record.node, record.peer, "connection lost", now_);
}

// ---- faults

void World::apply(const Fault& fault) {
  if (fault.a.value >= nodes_.size() || fault.b.value >= nodes_.size()) {
    throw UserError("a fault names a node that is not there (the nodes are 0 to " +
                    std::to_string(nodes_.size() - 1) + "): " + to_string(fault));
  }
  if (trace_.recording()) trace_.line(now_, fault.a, "fault", to_string(fault));
  const Instant end = until(now_, fault.span);
  switch (fault.kind) {
    case Fault::Kind::drop_link:
      return drop_connection(fault.a, fault.b, end);
    case Fault::Kind::cut_one_way:
      return cut(fault.a, fault.b, end);
    case Fault::Kind::half_open:
      return half_open(fault.a, fault.b, end);
    case Fault::Kind::clog: {
      Link& path = network_->link(fault.a, fault.b);
      path.clogged_until = end.ns;
      path.clog = fault.extra.ns;
      return;
    }
    case Fault::Kind::freeze:
      return freeze_node(fault.a, end);
    case Fault::Kind::thaw:
      if (node(fault.a).frozen) thaw_node(fault.a);
      return;
    case Fault::Kind::slow:
      node(fault.a).slow_until = end;
      node(fault.a).slow_factor = fault.factor;
      return;
    case Fault::Kind::kill:
      return kill_node(fault.a);
    case Fault::Kind::restart:
      return restart_node(fault.a);
    case Fault::Kind::leave:
      if (!gone(fault.a)) push(now_, {.what = What::leave_asked, .node = fault.a});
      return;
    case Fault::Kind::store_away:
      store_away_until_ = std::max(store_away_until_, end);
      for (NodeId id{0}; id.value < nodes_.size(); ++id.value) {
        if (!gone(id)) push(now_, {.what = What::store_lost, .node = id});
      }
      return push(end, {.what = What::ask_store});
    case Fault::Kind::store_forgets:
      stored_ = View{};
      return push(now_, {.what = What::ask_store});
  }
}

void World::freeze_node(NodeId id, Instant end) {
  Node& home = node(id);
  if (home.dead || (home.frozen && end <= home.frozen_until)) return;
  if (!home.frozen) home.frozen_since = now_;
  home.frozen = true;
  home.frozen_until = end;
  ++home.ice;
  if (end < kForever) push(end, {.what = What::ice_ends, .node = id, .number = home.ice});
}

void World::thaw_node(NodeId id) {
  Node& home = node(id);
  home.frozen = false;
  home.frozen_ns += now_.ns - home.frozen_since.ns;
  // The event in hand when the ice came takes its remaining time from now.
  if (home.busy_until > home.frozen_since) {
    home.busy_until = home.busy_until + (now_ - home.frozen_since);
  }
  for (const auto& [slot, due] : home.stalled) {
    Worker& worker = *workers_[records_[slot].tag];
    Instant at = now_;
    if (worker.state_ == Worker::State::spending) {
      at = due + Duration{home.frozen_ns - worker.frozen_ns_};
      worker.frozen_ns_ = home.frozen_ns;
    }
    push_slot(at, slot);
  }
  home.stalled.clear();
  if (!home.loop_due && !home.inbox.empty()) schedule_loop(id, home);
}

// A killed node's sockets are closed by its kernel: what it had sent may still arrive, or is
// lost when its peers had sent something that it had not read.
void World::kill_node(NodeId id) {
  Node& home = node(id);
  if (home.dead) return;
  home.dead = true;
  home.parting = false;
  ++home.generation;
  for (const uint32_t slot : home.inbox) drop(slot);
  home.inbox.clear();
  for (const auto& [slot, due] : home.stalled) drop(slot);
  home.stalled.clear();
  if (!home.over) --nodes_left_;
  if (clusterless_ && !home.started) --not_started_;
  for (const uint32_t index : home.workers) workers_left_ -= !workers_[index]->ended();
  for (NodeId peer{0}; peer.value < nodes_.size(); ++peer.value) {
    if (peer == id || node(peer).dead) continue;
    if (chance_.chance(0.5)) lose_what_is_underway(network_->link(id, peer));
    close(id, peer, {}, "connection closed by the other end");
  }
}

void World::restart_node(NodeId id) {
  Node& home = node(id);
  if (!home.dead && !home.over) return;
  HEMIOLA_CHECK(options_.reborn && !clusterless_);
  if (home.over) {  // how it ended counts no more
    any_over_ = false;
    for (const auto& other : nodes_) {
      if (!other->over || other.get() == &home || (any_over_ && !over_.ok)) continue;
      any_over_ = true;
      over_ = {other->over_well, other->over_reason};
    }
  }
  auto [core, worker_main] = options_.reborn(id);
  HEMIOLA_CHECK(core->self() == id);
  home.core = std::move(core);
  home.worker_main = std::move(worker_main);
  home.workers.clear();
  home.dead = home.over = home.started = home.parting = home.frozen = home.loop_due = false;
  // What is still under way to it was meant for the process before.
  for (NodeId peer{0}; peer.value < nodes_.size(); ++peer.value) {
    if (peer != id) lose_what_is_underway(network_->link(peer, id));
  }
  ++home.life;
  ++home.generation;
  ++home.ice;
  home.busy_until = now_ + network_->up_to(options_.start_spread);
  ++nodes_left_;
  home.inbox.push_back(take({.what = What::timer,
                             .node = id,
                             .number = static_cast<uint32_t>(MachineId::cluster),
                             .age = home.life}));
  if (options_.view_store) home.inbox.push_back(take({.what = What::stored, .node = id}));
  schedule_loop(id, home);
}

// A node whose job is over says goodbye, and its peers hold it for lost only when their own job
// goes on for long.
void World::leave(NodeId id) {
  for (NodeId peer{0}; peer.value < nodes_.size(); ++peer.value) {
    if (peer == id || node(peer).dead) continue;
    close(id, peer, kGrace, "it left: its job is over");
  }
}

// The end of a connection from one side, told to the other behind all that was sent.
void World::close(NodeId id, NodeId peer, Duration later, const char* why) {
  Link& out = network_->link(id, peer);
  Link& in = network_->link(peer, id);
  const bool told = in.open || in.dialled;
  lose_what_is_underway(in);
  out.open = out.connecting = out.dialled = out.nowhere = false;
  ++out.ended;
  if (!told) return;
  const Instant at = now_ + later + network_->delay(out, now_);
  out.last_arrival = std::max(at.ns, out.last_arrival + 1);
  push(Instant{out.last_arrival}, {.what = What::peer_lost,
                                   .node = peer,
                                   .peer = id,
                                   .number = out.generation,
                                   .age = in.ended,
                                   .why = why});
}

}  // namespace hemiola::sim
