// How silence is noticed. Nodes send each other heartbeats; each node judges each of its peers
// by what it heard and when. A lost connection is not judged here: that is a loss at once.
//
// While this node itself is held up (a stopped process, a loop that was busy for long) nobody
// can be heard, so that time counts for no peer's silence.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/cluster/options.h"
#include "hemiola/core/types.h"

namespace hemiola {

// What is known of one peer.
struct PeerHistory {
  Instant heard;     // when it was last heard, or its link came up
  Duration told;     // the silence that was last told of; 0: none, it was heard since
  Duration longest;  // of the silences between its heartbeats; old ones fade
};

enum class Silence : uint8_t { none, tell, end };

struct SilenceVerdict {
  Silence what = Silence::none;
  std::string reason;  // with tell and end
};

// Pure: the same history gives the same verdict. Where the job goes on without the silent, the
// limit is several times the longest silence that the peer was heard after, so that it follows the
// load of machines and links, and nobody sets it; never less than 2 s.
SilenceVerdict judge_silence(NodeId peer, const PeerHistory& history, Instant now,
                             const ClusterOptions& options);

class FailureDetector {
 public:
  explicit FailureDetector(const ClusterOptions& options) : options_(options) {}

  void watch(NodeId peer, Instant now) { peers_[peer] = {now, {}, {}}; }
  void forget(NodeId peer) { peers_.erase(peer); }

  // A heartbeat came. Gives the line to say when that ends a silence that was told of.
  std::optional<std::string> heard(NodeId peer, Instant now);

  struct Finding {
    NodeId peer;
    SilenceVerdict verdict;
  };
  struct Findings {
    std::optional<std::string> held_up;  // the line about this node's own absence
    Duration absence{};                  // so long it heard nobody, by its own fault
    std::vector<Finding> peers;          // those with something to say
  };
  // REQUIRES: called about once per heartbeat period, or it will think itself held up.
  Findings judge(Instant now);

 private:
  const ClusterOptions& options_;
  std::map<NodeId, PeerHistory> peers_;
  std::optional<Instant> judged_;
};

}  // namespace hemiola
