// When a round may be closed though not everybody is ready: the threshold rule of dynamic backup
// workers (Xiong, Yan, Singh, Li, arXiv 2102.06280, 2021; DTUR), decided by the workers themselves.
//
// Rounds are gathered into epochs. Within an epoch each round is closed by an edge that was not
// used in the epoch before, so that the edges used in an epoch connect all workers, and nobody is
// left out for longer than two epochs. One object of a rule belongs to one worker and knows what
// that worker has seen; the rules of all workers speak to each other by notes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "hemiola/average/graph.h"
#include "hemiola/core/message.h"

namespace hemiola {

// A small message to another worker.
struct Note {
  uint32_t to = 0;
  Kind kind{};
  uint32_t round = 0;
  uint32_t extra = 0;

  friend bool operator==(const Note&, const Note&) = default;
};

class CloseRule {
 public:
  virtual ~CloseRule() = default;

  // The reason in words why the worker's present round may be closed; empty: it may not yet.
  // REQUIRES: the worker is ready; ready[i] tells whether its near[i] is.
  virtual std::string_view closes(std::span<const uint8_t> ready) const = 0;

  // The worker has ended a round; used[i] tells whether the edge to near[i] was used in it, and
  // the other end is told the same of this edge.
  virtual void ended(uint32_t round, std::span<const uint8_t> used) = 0;

  // A note of another worker's rule. Returns false for one that cannot be.
  virtual bool on_note(uint32_t from, Kind kind, uint32_t round, uint32_t extra) = 0;

  // Says again what another worker may have missed; what is heard twice changes nothing.
  virtual void again(uint32_t other) = 0;

  // The first round of the epoch, as far as this worker has been told.
  virtual uint32_t epoch() const = 0;

  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

 protected:
  std::vector<Note> notes_;
};

// Edges of a spanning tree, each of which closes a round once in an epoch: an epoch lasts at most
// n - 1 rounds, and nobody misses more than 2 n - 4 in a row.
//
// Both ends of an edge know when it was last used, so nobody needs to know of other edges. A worker
// tells its parent once all edges of its subtree were used in the epoch (`whole`); the root then
// begins the next epoch, with the round after the last of those uses (`epoch`). Until then no
// edge is left to close a round with, so no round of the new epoch can have been closed before.
class TreeRule final : public CloseRule {
 public:
  // REQUIRES: the tree's edges are edges of the graph.
  TreeRule(const Graph& graph, const Graph& tree, uint32_t worker);

  std::string_view closes(std::span<const uint8_t> ready) const override;
  void ended(uint32_t round, std::span<const uint8_t> used) override;
  bool on_note(uint32_t from, Kind kind, uint32_t round, uint32_t extra) override;
  void again(uint32_t other) override;
  uint32_t epoch() const override { return epoch_; }

 private:
  struct TreeEdge {
    uint32_t other = 0;
    size_t at = 0;              // among the graph's neighbours
    bool up = false;            // to the parent
    uint32_t used_before = 0;   // the round after the last in which it was used; 0: never
    uint32_t whole_before = 0;  // the round after the last use below it
    bool whole = false;         // down: all edges below the child were used in this epoch
  };

  bool established(const TreeEdge& e) const { return e.used_before > epoch_; }
  void look_around();
  void begin_epoch(uint32_t round);

  std::vector<TreeEdge> edges_;
  bool root_ = false;
  uint32_t epoch_ = 0;
  bool told_ = false;         // the parent that the subtree is whole, in this epoch,
  uint32_t told_before_ = 0;  // and the round after the last use in it
};

}  // namespace hemiola
