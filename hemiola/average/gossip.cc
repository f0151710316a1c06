#include "hemiola/average/gossip.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "hemiola/average/topology.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr uint64_t kDraws = 0x9055;
constexpr uint32_t kMostDoublings = 4;  // of the steps after which another is asked

Bytes values_of(const Bytes& body) {
  return body.slice(sizeof(PeerHead), body.size() - sizeof(PeerHead));
}

const float* floats_of(const Bytes& values) {
  return reinterpret_cast<const float*>(values.data());
}

}  // namespace

Gossip::Gossip(Crew& crew) : Strategy(crew), basis_(link_basis(crew)) {
  const AverageOptions& options = crew.options();
  Topology topology = parse_topology(options.topology.empty() ? "complete" : options.topology);
  topology.edges = options.edges;
  const Graph graph = base_graph(topology, crew.size(), options.seed);
  for (const WorkerId w : crew.local()) {
    Member& m = members_.emplace_back();
    m.due = options.rule.every;
    m.draws = Random(mix(options.seed, w.value, kDraws));
    for (const uint32_t near : graph.near[w.value]) m.partners.push_back(WorkerId{near});
  }
}

void Gossip::stepped(WorkerId worker, Instant, Outbox& out) {
  Member& m = member(worker);
  staleness_.add(static_cast<int32_t>(std::exchange(m.mixes, 0)));
  crew_.go_on(worker, out);
  if (m.due > 0) --m.due;
  if (m.due == 0 && !m.open && !m.partners.empty()) ask(worker, out);
}

WorkerId Gossip::draw_partner(Member& m) {
  size_t i = m.draws.below(m.partners.size());
  if (m.partners[i] == m.was_busy) i = (i + 1) % m.partners.size();
  m.was_busy.reset();
  return m.partners[i];
}

void Gossip::ask(WorkerId worker, Outbox& out) {
  Member& m = member(worker);
  const WorkerId partner = draw_partner(m);
  m.due = crew_.options().rule.every;
  const PeerHead head{worker, partner, ++m.last_id, m.answers[partner].id};
  m.open = Question{partner, m.last_id, message(head)};
  out.send(crew_.node_of(partner), Kind::propose, m.open->body);
}

void Gossip::on_message(const Envelope& message, Instant, Outbox& out) {
  Reader reader(message.body);
  const auto head = reader.get<PeerHead>();
  const bool exchange = message.kind == Kind::propose || message.kind == Kind::accept;
  const bool fits = reader.ok() && head.from.value < crew_.size() && head.to.value < crew_.size() &&
                    crew_.here(head.to) && crew_.node_of(head.from) == message.from &&
                    (reader.left() == 0 || exchange);
  if (!fits) throw std::runtime_error("an exchange of values that cannot be");
  const auto& partners = member(head.to).partners;
  if (!std::binary_search(partners.begin(), partners.end(), head.from)) {
    throw std::runtime_error("an exchange of workers that have no edge");
  }
  if (exchange) require_values(head, values_of(message.body));
  if (message.kind == Kind::propose) {
    on_question(head, values_of(message.body), out);
  } else if (message.kind == Kind::accept) {
    on_accept(head, values_of(message.body), out);
  } else if (message.kind == Kind::busy) {
    on_busy(head);
  } else if (message.kind == Kind::done) {
    Answer& answer = member(head.to).answers[head.from];
    if (answer.id == head.round) answer.values = {};
  } else {
    throw std::runtime_error("not a message of gossip");
  }
}

void Gossip::require_values(const PeerHead& head, const Bytes& values) {
  const Refusal refusal = packed(head.from) ? link(head.to, head.from).hold(values.span())
                          : values.size() == crew_.values() * sizeof(float) ? Refusal()
                                                                            : "of another size";
  if (!refusal.empty()) throw std::runtime_error("values that cannot be: " + std::string(refusal));
}

LinkCopies& Gossip::link(WorkerId worker, WorkerId peer) {
  return member(worker).links.try_emplace(peer, *basis_, worker, peer).first->second;
}

// The worker's values behind a head.
Bytes Gossip::message(const PeerHead& head) {
  if (!packed(head.to)) return with_floats(head, crew_.values(head.from));
  LinkCopies& copies = link(head.from, head.to);
  Writer body(sizeof head + copies.bytes_for_message());
  body.put(head);
  copies.encode(crew_.values(head.from), body);
  return std::move(body).take();
}

// The asker says in `extra` which question of this worker it had seen last. If that is the open
// one, its answer is lost or on its way, and the two have not crossed.
void Gossip::on_question(const PeerHead& head, const Bytes& values, Outbox& out) {
  const WorkerId worker = head.to;
  Member& m = member(worker);
  Answer& answer = m.answers[head.from];
  if (head.round <= answer.id) {
    if (head.round == answer.id) send_answer(worker, head.from, answer, out);
    return;
  }
  if (m.open && m.open->partner == head.from && head.extra < m.open->id) {
    take(head, values);
    answer = {head.round, m.open->id, true, values_of(m.open->body)};
    add_half(head, values, answer.values);
    decided("two asked each other");
    settle(worker, out);
    return;
  }
  if (m.open && sabotage() == AverageSabotage::hold_and_wait) {
    m.held.emplace_back(head, values);
    return;
  }
  if (!m.open) take(head, values);
  answer = {head.round, 0, !m.open, {}};
  if (answer.yes) {
    answer.values = values_of(message({worker, head.from}));
    if (sabotage() != AverageSabotage::pull_only) add_half(head, values, answer.values);
  }
  send_answer(worker, head.from, answer, out);
}

void Gossip::send_answer(WorkerId from, WorkerId to, const Answer& answer, Outbox& out) {
  const NodeId node = crew_.node_of(to);
  const PeerHead head{from, to, answer.id, answer.crossed};
  if (!answer.yes) {
    out.send(node, Kind::busy, with_floats(head, {}));
  } else if (!answer.values.empty()) {
    MutableBytes body(sizeof head + answer.values.size());
    std::memcpy(body.data(), &head, sizeof head);
    std::memcpy(body.data() + sizeof head, answer.values.data(), answer.values.size());
    out.send(node, Kind::accept, std::move(body).freeze());
  }
}

void Gossip::on_accept(const PeerHead& head, const Bytes& values, Outbox& out) {
  Member& m = member(head.to);
  if (!m.open || m.open->id != head.round || m.open->partner != head.from) {
    const bool again = sabotage() == AverageSabotage::answers_twice &&
                       m.answered.id == head.round && m.answered.partner == head.from;
    if (again) add_half(head, values, values_of(m.answered.body));
    if (head.round <= m.last_id) {
      out.send(crew_.node_of(head.from), Kind::done,
               with_floats(PeerHead{head.to, head.from, head.round}, {}));
    }
    return;
  }
  take(head, values);
  // The partner took this question for the answer to its own, which may have been lost.
  Answer& answer = m.answers[head.from];
  if (head.extra > answer.id) answer = {head.extra, m.open->id, true, {}};
  add_half(head, values, values_of(m.open->body));
  decided("the partner was free");
  settle(head.to, out);
}

// Where most questions meet open ones, more exchanges come about when fewer are asked.
void Gossip::on_busy(const PeerHead& head) {
  Member& m = member(head.to);
  if (!m.open || m.open->id != head.round || m.open->partner != head.from) return;
  m.open.reset();
  m.was_busy = head.from;
  m.due =
      1 + static_cast<uint32_t>(m.draws.below(1u << std::min(m.busy_in_a_row++, kMostDoublings)));
  decided("the partner was busy: another is asked");
}

// The open question has its answer.
void Gossip::settle(WorkerId worker, Outbox& out) {
  Member& m = member(worker);
  ++exchanges_;
  m.busy_in_a_row = 0;
  out.send(crew_.node_of(m.open->partner), Kind::done,
           with_floats(PeerHead{worker, m.open->partner, m.open->id}, {}));
  if (sabotage() == AverageSabotage::answers_twice) m.answered = *m.open;
  m.open.reset();
  for (const auto& [head, values] : std::exchange(m.held, {})) on_question(head, values, out);
}

// The peer's copy then stands at what it sent with these values, and so does the peer.
void Gossip::take(const PeerHead& head, const Bytes& values) {
  if (packed(head.from) && !link(head.to, head.from).take(values.span())) {
    throw std::runtime_error("an exchange without the one before it");
  }
}

// REQUIRES: theirs were taken.
void Gossip::add_half(const PeerHead& head, const Bytes& theirs, const Bytes& mine) {
  const std::span<float> values = crew_.values(head.to);
  const float* a = floats_of(theirs);
  const float* b = floats_of(mine);
  float weight = 0.5f;
  if (packed(head.from)) {
    const LinkCopies& copies = link(head.to, head.from);
    a = copies.theirs().data();
    b = copies.mine().data();
    weight *= copies.agreement();
  }
  for (size_t i = 0; i < values.size(); ++i) values[i] += weight * (a[i] - b[i]);
  ++member(head.to).mixes;
  crew_.others_changed(head.to);
}

void Gossip::up_again(NodeId peer, Instant, Outbox& out) {
  for (const WorkerId w : crew_.local()) {
    const Member& m = member(w);
    if (m.open && crew_.node_of(m.open->partner) == peer) {
      out.send(peer, Kind::propose, m.open->body);
    }
    for (const auto& [asker, answer] : m.answers) {
      if (crew_.node_of(asker) == peer && answer.id > 0) send_answer(w, asker, answer, out);
    }
  }
}

bool Gossip::settled(WorkerId worker) const { return !member(worker).open; }

}  // namespace hemiola
