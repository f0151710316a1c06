#include "hemiola/sim/faults.h"

#include <algorithm>
#include <cstdio>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola::sim {
namespace {

bool is_of_pair(Fault::Kind kind) {
  return kind <= Fault::Kind::clog || kind == Fault::Kind::half_open;
}

}  // namespace

Fault drop_link(Instant at, NodeId a, NodeId b, Duration span) {
  return {Fault::Kind::drop_link, at, a, b, span};
}
Fault cut_one_way(Instant at, NodeId from, NodeId to, Duration span) {
  return {Fault::Kind::cut_one_way, at, from, to, span};
}
Fault clog(Instant at, NodeId from, NodeId to, Duration span, Duration extra) {
  return {Fault::Kind::clog, at, from, to, span, extra};
}
Fault freeze(Instant at, NodeId node, Duration span) {
  return {Fault::Kind::freeze, at, node, node, span};
}
Fault thaw(Instant at, NodeId node) { return {Fault::Kind::thaw, at, node, node}; }
Fault slow(Instant at, NodeId node, Duration span, double factor) {
  return {Fault::Kind::slow, at, node, node, span, {}, factor};
}
Fault kill(Instant at, NodeId node) { return {Fault::Kind::kill, at, node, node}; }
Fault restart(Instant at, NodeId node) { return {Fault::Kind::restart, at, node, node}; }
Fault store_away(Instant at, Duration span) {
  return {Fault::Kind::store_away, at, NodeId{0}, NodeId{0}, span};
}

Fault store_forgets(Instant at) { return {Fault::Kind::store_forgets, at, NodeId{0}, NodeId{0}}; }

Fault leave(Instant at, NodeId node) { return {Fault::Kind::leave, at, node, node}; }

const char* plural_of(Fault::Kind kind) {
  static constexpr const char* kNames[] = {"lost links",      "one-way cuts",  "clogged links",
                                           "freezes",         "thaws",         "slow nodes",
                                           "killed nodes",    "restarts",      "keeper away",
                                           "half-open links", "leaving nodes", "forgotten views"};
  return kNames[static_cast<size_t>(kind)];
}

Fault half_open(Instant at, NodeId a, NodeId b, Duration span) {
  return {Fault::Kind::half_open, at, a, b, span};
}

std::string to_string(const Fault& fault) {
  static constexpr const char* kNames[] = {"drop link",  "cut",       "clog",  "freeze",
                                           "thaw",       "slow",      "kill",  "restart",
                                           "store away", "half open", "leave", "store forgets"};
  const auto kind = static_cast<size_t>(fault.kind);
  const bool pair = is_of_pair(fault.kind);
  const bool of_store =
      fault.kind == Fault::Kind::store_away || fault.kind == Fault::Kind::store_forgets;
  char text[160];
  int used = std::snprintf(text, sizeof text, "%s", kNames[kind]);
  const auto add = [&](const char* format, auto... values) {
    const auto at = static_cast<size_t>(used);
    used += std::snprintf(text + at, sizeof text - at, format, values...);
  };
  if (pair) {
    add(" %u %s %u", fault.a.value, fault.kind == Fault::Kind::drop_link ? "-" : "to",
        fault.b.value);
  } else if (!of_store) {
    add(" node %u", fault.a.value);
  }
  add(" at %.6f s", static_cast<double>(fault.at.ns) * 1e-9);
  if (fault.kind == Fault::Kind::thaw || fault.kind == Fault::Kind::kill ||
      fault.kind == Fault::Kind::restart || fault.kind == Fault::Kind::leave ||
      fault.kind == Fault::Kind::store_forgets) {
    return text;
  }
  if (fault.span == kWithoutEnd) {
    add(" for ever");
  } else {
    add(" for %.6f s", fault.span.seconds());
  }
  if (fault.kind == Fault::Kind::clog) add(" by %.6f s", fault.extra.seconds());
  if (fault.kind == Fault::Kind::slow) add(" by a factor of %g", fault.factor);
  return text;
}

namespace {

struct Draw {
  Random random;
  const SwizzleOptions& options;

  Duration span(Duration most) {
    return Duration{1 + static_cast<int64_t>(random.below(static_cast<uint64_t>(most.ns)))};
  }
  Instant moment() { return Instant{span(options.horizon).ns}; }
  NodeId node() { return NodeId{static_cast<uint32_t>(random.below(options.nodes))}; }
  NodeId other_than(NodeId node) {
    const auto step = static_cast<uint32_t>(1 + random.below(options.nodes - 1));
    return NodeId{(node.value + step) % options.nodes};
  }
};

Fault one(Draw& draw, Fault::Kind kind) {
  const NodeId node = draw.node();
  const NodeId peer = draw.options.nodes > 1 ? draw.other_than(node) : node;
  Fault fault{kind, draw.moment(), node, peer, draw.span(draw.options.longest)};
  if (!is_of_pair(kind)) fault.b = node;
  if (kind == Fault::Kind::clog) fault.extra = draw.span(draw.options.longest);
  if (kind == Fault::Kind::slow) fault.factor = draw.random.uniform(2, 20);
  return fault;
}

// Nodes fall silent one after another, and come back in another order.
void volley(Draw& draw, std::vector<Fault>& faults) {
  const Instant start = draw.moment();
  for (uint32_t node = 0; node < draw.options.nodes; ++node) {
    if (draw.random.chance(0.5)) continue;
    const Instant at = start + draw.span(draw.options.longest);
    const Duration span = draw.span(draw.options.longest);
    for (uint32_t peer = 0; peer < draw.options.nodes; ++peer) {
      if (peer == node) continue;
      faults.push_back(clog(at, NodeId{node}, NodeId{peer}, span, draw.options.longest));
    }
  }
}

}  // namespace

std::vector<Fault> swizzle(uint64_t seed, const SwizzleOptions& options) {
  HEMIOLA_CHECK(options.nodes > 0 && options.horizon.ns > 0 && options.longest.ns > 0);
  Draw draw{Random(mix(seed, 0x7377697a7aULL)), options};
  const bool pairs = options.nodes > 1;
  std::vector<Fault::Kind> kinds;
  if (options.drops && pairs) kinds.push_back(Fault::Kind::drop_link);
  if (options.cuts && pairs) kinds.push_back(Fault::Kind::cut_one_way);
  if (options.clogs && pairs) kinds.push_back(Fault::Kind::clog);
  if (options.freezes) kinds.push_back(Fault::Kind::freeze);
  if (options.slows) kinds.push_back(Fault::Kind::slow);
  if (options.half_opens && pairs) kinds.push_back(Fault::Kind::half_open);

  std::vector<Fault> faults;
  const auto most = static_cast<uint64_t>(2 * options.faults_per_node * options.nodes);
  for (uint64_t left = kinds.empty() ? 0 : draw.random.below(most + 1); left > 0; --left) {
    faults.push_back(one(draw, kinds[draw.random.below(kinds.size())]));
  }
  if (options.clogs && pairs && draw.random.chance(0.5)) volley(draw, faults);

  std::vector<uint32_t> victims(options.nodes);
  for (uint32_t i = 0; i < options.nodes; ++i) victims[i] = i;
  shuffle(victims, draw.random);
  const bool come_back = options.back_after > Duration{};
  const uint32_t kills = come_back ? options.kills : std::min(options.kills, options.nodes);
  for (uint32_t i = 0; i < kills; ++i) {
    const NodeId victim{victims[i % options.nodes]};
    const Instant at = draw.moment();
    faults.push_back(kill(at, victim));
    if (!come_back) continue;
    faults.push_back(restart(at + options.back_after + draw.span(options.longest), victim));
  }
  for (uint32_t i = 0; i < options.store_away; ++i) {
    faults.push_back(store_away(draw.moment(), draw.span(options.longest)));
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const Fault& x, const Fault& y) { return x.at < y.at; });
  return faults;
}

}  // namespace hemiola::sim
