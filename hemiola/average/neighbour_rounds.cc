#include "hemiola/average/neighbour_rounds.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "hemiola/average/edge_search.h"
#include "hemiola/average/messages.h"
#include "hemiola/average/topology.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr size_t kMixBlock = 2 << 10;  // floats that stay in the first cache while they are mixed

std::span<const std::byte> behind_head(const Bytes& body) {
  return body.span().subspan(sizeof(PeerHead));
}

}  // namespace

Graph mixing_graph(const Crew& crew) {
  const std::string& name = crew.options().topology;
  const uint32_t n = crew.size();
  Topology topology = parse_topology(!name.empty() ? name : n <= 4 ? "ring" : "random(4)");
  topology.edges = crew.options().edges;
  if (topology.directed()) {
    throw UserError("\"" + crew.options().rule.name() + "\" mixes along edges that go both ways, " +
                    "and those of \"" + topology.text() +
                    "\" do not; choose ring, torus, random(4), expander(4) or complete");
  }
  return base_graph(topology, n, crew.options().seed);
}

NeighbourRounds::NeighbourRounds(Crew& crew)
    : Strategy(crew),
      backup_(crew.options().rule.kind == AverageRule::Kind::backup),
      graph_(mixing_graph(crew)),
      tree_(spanning_tree(graph_)),
      basis_(link_basis(crew)) {
  for (const WorkerId w : crew.local()) {
    Member& m = members_.emplace_back();
    m.id = w;
    for (const uint32_t other : graph_.near[w.value]) {
      Neighbour& n = m.near.emplace_back(Neighbour{WorkerId{other}});
      if (basis_ && !crew.here(n.id)) n.link.emplace(*basis_, w, n.id);
    }
    m.ends = std::make_unique<EndedRounds>(tree_, w.value);
    if (!backup_) continue;
    if (crew.options().rule.search) {
      m.rule = std::make_unique<SearchRule>(graph_, w.value);
    } else {
      m.rule = std::make_unique<TreeRule>(graph_, tree_, w.value);
    }
  }
  change_.resize(std::min(kMixBlock, crew.values()));
}

void NeighbourRounds::stepped(WorkerId worker, Instant, Outbox& out) {
  advance(member(worker), out);
}

void NeighbourRounds::rested(WorkerId worker, Instant, Outbox& out) {
  Member& m = member(worker);
  m.wanted = m.round;
  m.ends->ask(m.wanted);
  advance(m, out);
}

bool NeighbourRounds::settled(WorkerId worker) const {
  const Member& m = member(worker);
  return m.ends->all(m.wanted);
}

float NeighbourRounds::times(WorkerId worker) const {
  const AverageOptions& options = crew_.options();
  if (!options.correct_participation) return 1;
  return static_cast<float>(std::min(1.0 + member(worker).missed, options.correction_most));
}

void NeighbourRounds::on_message(const Envelope& message, Instant, Outbox& out) {
  Reader reader(message.body);
  const auto head = reader.get<PeerHead>();
  const bool model = message.kind == Kind::mix;
  const bool packed = model && basis_ && !crew_.here(head.from);
  const size_t size = model ? crew_.values() * sizeof(float) : 0;
  if (!reader.ok() || (!packed && reader.left() != size) || head.from.value >= crew_.size() ||
      head.to.value >= crew_.size() || crew_.node_of(head.from) != message.from ||
      !crew_.here(head.to)) {
    throw std::runtime_error("a message between workers that cannot be");
  }
  Member& m = member(head.to);
  bool fits = false;
  switch (message.kind) {
    case Kind::ask_ended:
    case Kind::ended:
      fits = m.ends->on_note(head.from.value, message.kind, head.round);
      break;
    case Kind::whole:
    case Kind::epoch:
    case Kind::label:
      fits = m.rule && m.rule->on_note(head.from.value, message.kind, head.round, head.extra);
      break;
    default: {
      const auto from = std::find_if(m.near.begin(), m.near.end(),
                                     [&](const Neighbour& n) { return n.id == head.from; });
      fits = from != m.near.end() && can_be(m, *from, message.kind, head.round) &&
             (!packed || holds(m, *from, head.round, message.body));
      if (fits) hear(m, *from, message.kind, head.round, message.body, out);
    }
  }
  if (!fits) throw std::runtime_error("a message of a round or an edge that it cannot be of");
  advance(m, out);
}

bool NeighbourRounds::can_be(const Member& m, const Neighbour& from, Kind kind,
                             uint32_t round) const {
  if (round > m.round + furthest()) return false;
  const auto at = from.words.find(round);
  const Word said = at == from.words.end() ? Word{} : at->second;
  if (!backup_) return kind == Kind::mix;
  switch (kind) {
    case Kind::close:
      return true;
    case Kind::done:
      return !said.skips;
    case Kind::skip:
      return !said.done;
    case Kind::mix:
      return round < m.round || (round == m.round && m.ready && said.done);
    default:
      return false;
  }
}

// Every round that both took part in has one message each way. Of one whose number does not fit its
// round, or that cannot be decoded, nothing is kept.
bool NeighbourRounds::holds(const Member& m, Neighbour& from, uint32_t round,
                            const Bytes& body) const {
  if (round < m.round) return true;
  const auto message = behind_head(body);
  return LinkCopies::number_of(message) == from.link->taken() + 1 + (round - m.round) &&
         from.link->hold(message).empty();
}

// What is said of a round that this worker has skipped has crossed its own `skip`, which tells the
// other end all that it needs.
void NeighbourRounds::hear(Member& m, Neighbour& from, Kind kind, uint32_t round, const Bytes& body,
                           Outbox& out) {
  if (backup_ && kind != Kind::done) raise_closed(m, round + 1, from.id, out);
  if (kind == Kind::close) return;
  from.at = std::max(from.at, round);
  from.kept.erase(from.kept.begin(), from.kept.lower_bound(from.at));
  if (round < m.round) return;
  Word& word = from.words[round];
  if (kind == Kind::skip) {
    word.skips = true;
  } else {
    word.done = true;
  }
  if (kind == Kind::mix) word.mix = body;
}

void NeighbourRounds::advance(Member& m, Outbox& out) {
  for (;;) {
    if (!m.ready && becomes_ready(m)) get_ready(m, out);
    if (m.ready && m.closed <= m.round) ask_rule(m, out);
    if (m.closed <= m.round) break;
    if (!m.ready) {
      skip_round(m, out);
    } else if (exchange(m, out)) {
      mix_and_end(m, out);
    } else {
      break;
    }
  }
  send_notes(m, out);
}

// One who rests is ready when somebody asks; those who rest ask only when they were asked.
bool NeighbourRounds::becomes_ready(const Member& m) const {
  if (crew_.waits(m.id)) return true;
  if (!crew_.rests(m.id)) return false;
  if (m.closed > m.round) return true;
  return std::any_of(m.near.begin(), m.near.end(), [&](const Neighbour& n) {
    const auto word = n.words.find(m.round);
    return word != n.words.end() && word->second.done;
  });
}

void NeighbourRounds::get_ready(Member& m, Outbox& out) {
  m.ready = true;
  if (!backup_) return;
  for (const Neighbour& n : m.near) tell(m, n.id, Kind::done, m.round, out);
}

void NeighbourRounds::ask_rule(Member& m, Outbox& out) {
  if (!backup_ || m.near.empty()) {
    m.closed = m.round + 1;
    return;
  }
  std::vector<uint8_t> ready;
  for (Neighbour& n : m.near) {
    const auto word = n.words.find(m.round);
    ready.push_back(word != n.words.end() && word->second.done);
  }
  const std::string_view reason = m.rule->closes(ready);
  if (reason.empty()) return;
  decided(std::string(reason));
  m.decided = m.round + 1;
  raise_closed(m, m.round + 1, m.id, out);
}

// The close of a round goes to all along the graph; one who is not ready says it with `skip`.
void NeighbourRounds::raise_closed(Member& m, uint32_t closed, WorkerId heard_from, Outbox& out) {
  if (closed <= m.closed) return;
  m.closed = closed;
  if (m.round + 1 == closed && !m.ready && !crew_.rests(m.id)) return;
  for (const Neighbour& n : m.near) {
    if (n.id != heard_from) tell(m, n.id, Kind::close, closed - 1, out);
  }
}

void NeighbourRounds::skip_round(Member& m, Outbox& out) {
  for (const Neighbour& n : m.near) tell(m, n.id, Kind::skip, m.round, out);
  ++m.missed;
  ++m.part.missed;
  m.part.longest_gap = std::max(m.part.longest_gap, m.missed);
  next_round(m, false);
}

// Sends what is still to be sent; true when all that this worker waits for is here.
bool NeighbourRounds::exchange(Member& m, Outbox& out) {
  bool all = true;
  for (Neighbour& n : m.near) {
    const Word& word = n.words[m.round];
    if (!n.sent && (word.done || !backup_)) {
      n.sent = true;
      Bytes body = n.link ? encoded(m, n)
                          : with_floats(PeerHead{m.id, n.id, m.round, 0}, crew_.values(m.id));
      if (!crew_.here(n.id)) n.kept.emplace(m.round, body);
      out.send(crew_.node_of(n.id), Kind::mix, std::move(body));
    }
    all = all && (word.skips || !word.mix.empty());
  }
  return all;
}

Bytes NeighbourRounds::encoded(const Member& m, Neighbour& to) {
  Writer body(sizeof(PeerHead) + to.link->bytes_for_message());
  body.put(PeerHead{m.id, to.id, m.round, 0});
  to.link->encode(crew_.values(m.id), body);
  return std::move(body).take();
}

void NeighbourRounds::mix_and_end(Member& m, Outbox& out) {
  MixRecord record{m.round, m.rule ? m.rule->epoch() : m.round, {}, {}};
  for (Neighbour& n : m.near) record.used.push_back(n.words[m.round].done);
  record.row = metropolis_row(graph_, m.id.value, record.used);
  mix(m, record);
  if (!backup_ && !m.near.empty()) decided("all neighbours were ready");
  if (m.rule) m.rule->ended(m.round, record.used);
  m.recent.push_back(std::move(record));
  if (m.recent.size() > kRecent) m.recent.pop_front();
  ++m.part.taken;
  m.missed = 0;
  next_round(m, true);
  if (crew_.waits(m.id)) crew_.go_on(m.id, out);
}

// Differences are weighed, so that what one end gains is to the bit what the other loses.
void NeighbourRounds::mix(Member& m, const MixRecord& record) {
  const std::span<float> values = crew_.values(m.id);
  struct Used {
    const float *theirs, *own;
    float weight;
  };
  std::vector<Used> used;
  for (size_t i = 0; i < m.near.size(); ++i) {
    if (!record.used[i]) continue;
    Neighbour& n = m.near[i];
    const auto message = behind_head(n.words[m.round].mix);
    const auto weight = static_cast<float>(record.row.of[i]);
    if (!n.link) {
      used.push_back({reinterpret_cast<const float*>(message.data()), values.data(), weight});
    } else {
      HEMIOLA_CHECK(n.link->take(message));
      used.push_back(
          {n.link->theirs().data(), n.link->mine().data(), weight * n.link->agreement()});
    }
  }
  for (size_t from = 0; from < values.size(); from += kMixBlock) {
    const size_t count = std::min(kMixBlock, values.size() - from);
    std::fill_n(change_.begin(), count, 0.0f);
    for (const Used& u : used) {
      const float *theirs = u.theirs + from, *own = u.own + from;
      for (size_t j = 0; j < count; ++j) change_[j] += u.weight * (theirs[j] - own[j]);
    }
    for (size_t j = 0; j < count; ++j) values[from + j] += change_[j];
  }
}

void NeighbourRounds::next_round(Member& m, bool took_part) {
  m.took.push_back(took_part);
  if (m.took.size() > furthest()) m.took.pop_front();
  for (Neighbour& n : m.near) {
    n.words.erase(m.round);
    n.sent = false;
  }
  ++m.round;
  if (backup_ && !m.near.empty() && m.decided != m.round) decided("others said so");
  m.ready = false;
  m.ends->reached(m.round);
}

void NeighbourRounds::up_again(NodeId peer, Instant, Outbox& out) {
  for (Member& m : members_) {
    for (Neighbour& n : m.near) {
      if (crew_.node_of(n.id) == peer) say_again(m, n, out);
    }
    send_notes(m, out);
  }
}

// All that the neighbour may have missed. What comes twice changes nothing.
void NeighbourRounds::say_again(Member& m, Neighbour& n, Outbox& out) {
  if (backup_) {
    const auto first = m.round - static_cast<uint32_t>(m.took.size());
    for (uint32_t round = std::max(first, n.at); round < m.round; ++round) {
      tell(m, n.id, m.took[round - first] ? Kind::done : Kind::skip, round, out);
    }
    if (m.ready) tell(m, n.id, Kind::done, m.round, out);
    if (m.closed > 0) tell(m, n.id, Kind::close, m.closed - 1, out);
    m.rule->again(n.id.value);
  }
  for (const auto& [round, body] : n.kept) out.send(crew_.node_of(n.id), Kind::mix, body);
  m.ends->again(n.id.value);
}

void NeighbourRounds::tell(const Member& m, WorkerId to, Kind kind, uint32_t round, Outbox& out,
                           uint32_t extra) {
  const PeerHead head{m.id, to, round, extra};
  out.send(crew_.node_of(to), kind, std::move(Writer(sizeof head).put(head)).take());
}

void NeighbourRounds::send_notes(Member& m, Outbox& out) {
  const auto send = [&](const std::vector<Note>& notes) {
    for (const Note& n : notes) tell(m, WorkerId{n.to}, n.kind, n.round, out, n.extra);
  };
  send(m.ends->take_notes());
  if (m.rule) send(m.rule->take_notes());
}

std::string NeighbourRounds::waits_for(WorkerId worker) const {
  const Member& m = member(worker);
  for (const Neighbour& n : m.near) {
    const auto at = n.words.find(m.round);
    const bool here =
        at != n.words.end() &&
        (at->second.skips || (m.closed > m.round ? !at->second.mix.empty() : at->second.done));
    if (!here) return "worker " + std::to_string(n.id.value);
  }
  return m.closed > m.round ? "nobody" : "workers further away";
}

}  // namespace hemiola
