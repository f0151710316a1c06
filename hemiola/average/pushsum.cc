#include "hemiola/average/pushsum.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "hemiola/average/topology.h"
#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

struct PushHead {
  PeerHead peer;  // round: the step
  double mass = 0;
};

// One function for both ends of a share, so that what one gains is what the other loses.
[[gnu::noinline]] void add_times(std::span<float> values, float times, std::span<const float> x) {
  for (size_t i = 0; i < values.size(); ++i) values[i] += times * x[i];
}

}  // namespace

PushSum::PushSum(Crew& crew) : Strategy(crew), basis_(link_basis(crew)) {
  const AverageOptions& options = crew.options();
  Topology topology = parse_topology(options.topology.empty() ? "one-peer" : options.topology);
  topology.edges = options.edges;
  for (uint32_t step = 0; step < period_of(topology, crew.size()); ++step) {
    graphs_.push_back(graph_of(topology, crew.size(), step, options.seed));
    // That resting workers are asked in time rests on this.
    const auto in = in_lists(graphs_.back());
    for (uint32_t w = 0; w < crew.size(); ++w) {
      HEMIOLA_CHECK(in[w].size() == graphs_.back().out[w].size());
    }
  }
  for (const Graph& g : graphs_) {
    for (const auto& to : g.out) usual_delay_ += static_cast<double>(to.size());
  }
  usual_delay_ /= static_cast<double>(graphs_.size() * crew.size());
  members_.resize(crew.local().size());
  for (const Graph& g : graphs_) {
    const auto in = in_lists(g);
    for (const WorkerId w : crew.local()) {
      for (const uint32_t from : in[w.value]) {
        member(w).next[WorkerId{from}] = next_step(WorkerId{from}, w, 0);
      }
    }
  }
}

// The first step from `least` on in which `from` sends to `to`. REQUIRES: it does in some.
uint32_t PushSum::next_step(WorkerId from, WorkerId to, uint32_t least) const {
  for (uint32_t step = least; step < least + graphs_.size(); ++step) {
    const auto& out = graph(step).out[from.value];
    if (std::binary_search(out.begin(), out.end(), to.value)) return step;
  }
  HEMIOLA_CHECK(false);
}

// The sender of a message that has to come before the worker's next step.
std::optional<WorkerId> PushSum::late(WorkerId worker) const {
  const Member& m = member(worker);
  const int64_t needed = int64_t{m.steps} - 1 - crew_.options().rule.late;
  for (const auto& [from, next] : m.next) {
    if (next <= needed) return from;
  }
  return std::nullopt;
}

void PushSum::stepped(WorkerId worker, Instant, Outbox& out) {
  if (crew_.options().sabotage == AverageSabotage::restarted_mass) {
    const auto scale = static_cast<float>(1 / std::exchange(member(worker).mass, 1));
    for (float& x : crew_.values(worker)) x *= scale;
  }
  push(worker, out);
  if (late(worker)) return;
  decided("no message was too late");
  go_on(worker, out);
}

// Nothing is under way when all rest, so that steps may be counted from 0 again. Values are kept
// too, since they cannot be made again from the model, which is rounded.
void PushSum::state(StateFields& fields) {
  for (const WorkerId w : crew_.local()) {
    const std::string name = std::to_string(w.value);
    fields.number("mass." + name, member(w).mass);
    fields.floats("values." + name, crew_.values(w));
  }
}

void PushSum::rested(WorkerId worker, Instant, Outbox& out) { push_as_asked(worker, out); }

void PushSum::go_on(WorkerId worker, Outbox& out) {
  crew_.go_on(worker, out, static_cast<float>(1 / member(worker).mass));
}

void PushSum::push(WorkerId worker, Outbox& out) {
  Member& m = member(worker);
  ++m.steps;
  std::vector<WorkerId> plain, encoded;
  for (const uint32_t r : graph(m.steps - 1).out[worker.value]) {
    (packed(WorkerId{r}) ? encoded : plain).push_back(WorkerId{r});
  }
  const auto parts = static_cast<float>(plain.size() + encoded.size() + 1);
  const double mass = m.mass / parts;
  give_plain(worker, plain, 1 / parts, mass, out);
  if (!encoded.empty()) give_packed(worker, encoded, mass, out);
}

// What is left is what was not given, not a share of its own: the sum is that of before, but for
// the last bit.
void PushSum::give_plain(WorkerId worker, std::span<const WorkerId> to, float part, double mass,
                         Outbox& out) {
  const std::span<float> values = crew_.values(worker);
  for (const WorkerId peer : to) {
    const PushHead head{{worker, peer, member(worker).steps - 1}, mass};
    send(worker, peer,
         with_floats(head, values.size(),
                     [&](float* share) {
                       for (size_t i = 0; i < values.size(); ++i) share[i] = part * values[i];
                     }),
         out);
  }
  const auto count = static_cast<float>(to.size());
  for (float& x : values) x -= count * (part * x);
  member(worker).mass -= count * mass;
}

void PushSum::give_packed(WorkerId worker, std::span<const WorkerId> to, double mass, Outbox& out) {
  Member& m = member(worker);
  const std::span<float> values = crew_.values(worker);
  const auto scale = static_cast<float>(1 / m.mass);
  model_.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) model_[i] = scale * values[i];
  for (const WorkerId peer : to) {
    LinkCopies& copies = link(worker, peer);
    PushHead head{{worker, peer, m.steps - 1}, 0};
    Writer body(sizeof head + copies.bytes_for_message());
    body.put(head);
    copies.encode(model_, body);
    head.mass = mass * copies.share_sent() * copies.share_sent();
    body.patch(0, head);
    add_times(values, -static_cast<float>(head.mass), copies.mine());
    m.mass -= head.mass;
    send(worker, peer, std::move(body).take(), out);
  }
}

void PushSum::send(WorkerId worker, WorkerId to, Bytes body, Outbox& out) {
  Member& m = member(worker);
  out.send(crew_.node_of(to), Kind::push, body);
  m.unacked[to].push_back({m.steps - 1, std::move(body)});
  ++m.open;
}

LinkCopies& PushSum::link(WorkerId worker, WorkerId peer) {
  return member(worker).links.try_emplace(peer, *basis_, worker, peer).first->second;
}

void PushSum::push_as_asked(WorkerId worker, Outbox& out) {
  Member& m = member(worker);
  while (m.steps <= m.asked && !late(worker)) push(worker, out);
}

void PushSum::on_message(const Envelope& message, Instant, Outbox& out) {
  if (message.kind == Kind::push) {
    on_push(message, out);
  } else if (message.kind == Kind::done) {
    on_ack(message, out);
  } else {
    throw std::runtime_error("not a message of push-sum");
  }
}

void PushSum::on_push(const Envelope& message, Outbox& out) {
  Reader reader(message.body);
  const auto [peer, mass] = reader.get<PushHead>();
  const WorkerId worker = peer.to, from = peer.from;
  const bool fits = reader.ok() && std::isfinite(mass) && mass >= 0 && from.value < crew_.size() &&
                    crew_.node_of(from) == message.from && worker.value < crew_.size() &&
                    crew_.here(worker) && member(worker).next.contains(from);
  if (!fits) throw std::runtime_error("a share that cannot be");
  Member& m = member(worker);
  uint32_t& next = m.next[from];
  const Due due{from, peer.round};
  if (due.step < next) {
    const bool waits = m.due && m.due->to == from && m.due->step == due.step;
    if (!waits) ack(worker, due, out);
    return;
  }
  // One before it was lost, and comes again with all that follow it.
  if (due.step > next) return;
  lateness_.add(static_cast<int32_t>(int64_t{m.steps} - 1 - due.step));
  next = next_step(from, worker, due.step + 1);
  m.asked = std::max<int64_t>(m.asked, due.step);
  take_in(worker, from, mass, message.body, due.step);
  if (crew_.waits(worker) && !late(worker)) {
    decided("a message that was too late came");
    go_on(worker, out);
  }
  const bool idle = m.open == 0;
  if (crew_.rests(worker)) push_as_asked(worker, out);
  if (idle && m.open > 0) {
    m.due = due;
  } else {
    ack(worker, due, out);
  }
}

// REQUIRES: it is the next one of that sender.
void PushSum::take_in(WorkerId worker, WorkerId from, double mass, const Bytes& body,
                      uint32_t step) {
  std::span<const std::byte> tail = body.span().subspan(sizeof(PushHead));
  std::span<const float> shares;
  if (packed(from)) {
    LinkCopies& copies = link(worker, from);
    Refusal refusal = copies.hold(tail);
    if (refusal.empty() && !copies.take(tail)) refusal = "not the next of its link";
    if (!refusal.empty())
      throw std::runtime_error("a share that cannot be: " + std::string(refusal));
    shares = copies.theirs();
  } else {
    Reader reader(body);
    reader.get<PushHead>();
    shares = floats_behind(reader);
    if (shares.size() != crew_.values()) throw std::runtime_error("a share that cannot be");
  }
  const bool lost = crew_.options().sabotage == AverageSabotage::lost_shares &&
                    mix(from.value, worker.value, step) % 10 == 0;
  if (lost) return;
  add_times(crew_.values(worker), packed(from) ? static_cast<float>(mass) : 1, shares);
  member(worker).mass += mass;
  crew_.others_changed(worker);
}

void PushSum::on_ack(const Envelope& message, Outbox& out) {
  Reader reader(message.body);
  const auto head = reader.get<PeerHead>();
  const bool fits = reader.finished() && head.from.value < crew_.size() &&
                    crew_.node_of(head.from) == message.from && head.to.value < crew_.size() &&
                    crew_.here(head.to);
  if (!fits) throw std::runtime_error("an acknowledgement that cannot be");
  Member& m = member(head.to);
  const auto at = m.unacked.find(head.from);
  if (at == m.unacked.end()) return;
  m.open -= std::erase_if(at->second, [&](const Sent& s) { return s.step == head.round; });
  if (m.open == 0 && m.due) ack(head.to, *std::exchange(m.due, std::nullopt), out);
}

void PushSum::ack(WorkerId worker, const Due& due, Outbox& out) {
  out.send(crew_.node_of(due.to), Kind::done, with_floats(PeerHead{worker, due.to, due.step}, {}));
}

void PushSum::up_again(NodeId peer, Instant, Outbox& out) {
  for (const Member& m : members_) {
    for (const auto& [to, sent] : m.unacked) {
      if (crew_.node_of(to) != peer) continue;
      for (const Sent& s : sent) out.send(peer, Kind::push, s.body);
    }
  }
}

std::string PushSum::waits_for(WorkerId worker) const {
  const auto sender = late(worker);
  return sender ? "worker " + std::to_string(sender->value) : "nobody";
}

std::vector<PushSum::Pushed> PushSum::open() const {
  std::vector<Pushed> pushed;
  for (const WorkerId w : crew_.local()) {
    for (const auto& [to, sent] : member(w).unacked) {
      for (const Sent& s : sent) {
        pushed.push_back({w, to, s.step, Reader(s.body).get<PushHead>().mass});
      }
    }
  }
  return pushed;
}

bool PushSum::has(WorkerId worker, WorkerId from, uint32_t step) const {
  return step < member(worker).next.at(from);
}

}  // namespace hemiola
