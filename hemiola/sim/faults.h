// What goes wrong, and when: an explicit list, or one drawn from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hemiola/core/types.h"
#include "hemiola/sim/network.h"

namespace hemiola::sim {

struct Fault {
  enum class Kind : uint8_t {
    drop_link,
    cut_one_way,
    clog,
    freeze,
    thaw,
    slow,
    kill,
    restart,
    store_away,
    half_open,
    leave,
    store_forgets
  };

  Kind kind{};
  Instant at;         // in the past: at once
  NodeId a;           // the node, or the sending end
  NodeId b;           // the other end
  Duration span{};    // how long it lasts
  Duration extra{};   // clog: added to the latency
  double factor = 1;  // slow: work takes so many times as long
};

// The connection is lost and what is on the way with it, in both directions. Both ends get
// PeerLost, and PeerUp with again = true once the span is over.
Fault drop_link(Instant at, NodeId a, NodeId b, Duration span);
// What arrives from `from` at `to` is held back for the span, then delivered in order. Nobody
// is told. Without end: it never arrives.
Fault cut_one_way(Instant at, NodeId from, NodeId to, Duration span);
// Messages that leave within the span take longer by `extra`.
Fault clog(Instant at, NodeId from, NodeId to, Duration span, Duration extra);
// Neither loop nor workers of the node advance; its messages pile up. Ends with the span or thaw.
Fault freeze(Instant at, NodeId node, Duration span);
Fault thaw(Instant at, NodeId node);
// Work that a worker of the node begins within the span takes `factor` times as long.
Fault slow(Instant at, NodeId node, Duration span, double factor);
// The node is gone, its workers with it; peers that had a connection get PeerLost.
Fault kill(Instant at, NodeId node);

// A new process begins in the place of a node that is gone (WorldOptions::reborn makes it).
// A node that lives is left alone.
Fault restart(Instant at, NodeId node);
// The connection is lost at `a` at once, but `b` takes it for good until the span is over: what it
// sends goes nowhere, and a connection that `a` wants to make is refused as a second one.
Fault half_open(Instant at, NodeId a, NodeId b, Duration span);
// The keeper of views answers nobody for the span; what it is told meanwhile is lost.
Fault store_away(Instant at, Duration span);

// The keeper of views holds the view that all begin with, as if there had been none.
Fault store_forgets(Instant at);

// The node is asked to leave the job in order.
Fault leave(Instant at, NodeId node);

// "freeze node 2 at 1.500000 s for 0.250000 s"
std::string to_string(const Fault& fault);
// "lost links", "freezes", ...
const char* plural_of(Fault::Kind kind);

// What a drawn schedule is made of. Kills are drawn only when asked for.
struct SwizzleOptions {
  uint32_t nodes = 0;
  Duration horizon = seconds(1);        // all faults begin before
  Duration longest = milliseconds(50);  // no fault lasts longer
  double faults_per_node = 2;           // on average
  bool drops = true;
  bool cuts = true;
  bool clogs = true;
  bool freezes = true;
  bool slows = true;
  bool half_opens = false;
  uint32_t kills = 0;  // so many, each of any node
  // After each kill, within `longest` behind `back_after`; 0: killed nodes stay away.
  Duration back_after{};
  uint32_t store_away = 0;  // so often, each for up to `longest`
};

// The same list for the same arguments, in order of time. Faults come one by one and in volleys:
// a random part of the nodes is clogged in one order and released in another.
std::vector<Fault> swizzle(uint64_t seed, const SwizzleOptions& options);

}  // namespace hemiola::sim
