#include "hemiola/sim/network.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola::sim {

namespace {

int64_t transfer_ns(size_t bytes, double bytes_per_second) {
  if (bytes_per_second <= 0) return 0;
  return std::llround(static_cast<double>(bytes) * 1e9 / bytes_per_second);
}

}  // namespace

void NetworkModel::validate() const {
  const auto require = [](bool holds, const char* text) {
    if (!holds) throw UserError(std::string("network model: ") + text);
  };
  require(latency.ns >= 0 && jitter.ns >= 0 && tail.ns >= 0 && notice.ns >= 0,
          "latency, jitter, tail and notice must not be negative");
  require(tail_chance >= 0 && tail_chance <= 1, "tail_chance must be between 0 and 1");
  require(link_bytes_per_second >= 0 && nic_bytes_per_second >= 0,
          "a bandwidth must not be negative (0 means without limit)");
}

Network::Network(NetworkModel model, size_t nodes, uint64_t seed)
    : model_(model),
      nodes_(nodes),
      random_(seed),
      links_(nodes * nodes),
      out_free_(nodes),
      in_free_(nodes),
      out_busy_(nodes),
      in_busy_(nodes) {
  model_.validate();
}

std::optional<Instant> Network::depart(NodeId from, NodeId to, size_t body_bytes, Instant at) {
  Link& path = link(from, to);
  if (!path.open) return std::nullopt;
  const size_t bytes = wire_bytes(body_bytes);
  const int64_t card = transfer_ns(bytes, model_.nic_bytes_per_second);
  const int64_t wire = transfer_ns(bytes, model_.link_bytes_per_second);
  // A busy link holds up its own messages only: behind the card each link has a queue.
  const int64_t start = std::max(at.ns, out_free_[from.value]);
  out_free_[from.value] = start + card;
  out_busy_[from.value] += card;
  path.free_at = std::max(start, path.free_at) + wire;
  const int64_t gone = std::max(path.free_at, start + card);
  const int64_t arrival = gone + delay(path, at).ns;
  path.last_arrival = std::max(arrival, path.last_arrival + 1);
  return Instant{path.last_arrival};
}

// Bits stream through, so a card that was idle has the message when its last bit arrives.
Instant Network::admit(NodeId to, size_t body_bytes, Instant at) {
  if (model_.nic_bytes_per_second <= 0) return at;
  int64_t& free = in_free_[to.value];
  const int64_t card =
      std::max<int64_t>(1, transfer_ns(wire_bytes(body_bytes), model_.nic_bytes_per_second));
  free = std::max(at.ns, free + card);
  in_busy_[to.value] += card;
  return Instant{free};
}

Duration Network::delay(const Link& path, Instant at) {
  int64_t ns = model_.latency.ns + up_to(model_.jitter).ns;
  if (model_.tail_chance > 0 && random_.chance(model_.tail_chance)) ns += up_to(model_.tail).ns;
  if (at.ns < path.clogged_until) ns += path.clog;
  return Duration{ns};
}

Duration Network::up_to(Duration most) {
  return Duration{static_cast<int64_t>(random_.below(static_cast<uint64_t>(most.ns) + 1))};
}

}  // namespace hemiola::sim
