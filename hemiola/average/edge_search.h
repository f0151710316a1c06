// The threshold rule without a tree that was chosen beforehand: within an epoch any edge may close
// a round whose ends are not joined yet by edges used in the epoch, so that the fastest connected
// set of edges is found on line. After Xiong, Yan, Wang, Li: DSGD-AAU (arXiv 2306.06559), whose
// Pathsearch tells every worker of every edge; here parts are told apart by labels instead.
//
// All workers of a part come to have the same label, its least worker's number. Two parts never
// have the same; but labels travel a little behind the rounds, so that now and then a round is
// closed by an edge within a part. That costs a shorter round, and an epoch is a round longer.
// An edge over which a worker got label 0 leads towards worker 0, who counts those that have it:
// with the last of them all are joined, and the next epoch begins.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "hemiola/average/close_rule.h"

namespace hemiola {

class SearchRule final : public CloseRule {
 public:
  SearchRule(const Graph& graph, uint32_t worker);

  std::string_view closes(std::span<const uint8_t> ready) const override;
  void ended(uint32_t round, std::span<const uint8_t> used) override;
  bool on_note(uint32_t from, Kind kind, uint32_t round, uint32_t extra) override;
  void again(uint32_t other) override;
  uint32_t epoch() const override { return epoch_; }

 private:
  struct GraphEdge {
    uint32_t other = 0;
    uint32_t label = 0;        // the other end's, as it was last told in this epoch
    uint32_t used_before = 0;  // the round after the last in which it was used; 0: never
  };

  bool established(const GraphEdge& e) const { return e.used_before > epoch_; }
  void look_around();
  void begin_epoch(uint32_t round);
  void count(uint32_t worker, uint32_t used_before);
  void tell_all(Kind kind, uint32_t extra);

  const uint32_t self_, workers_;
  std::vector<GraphEdge> edges_;  // in the order of the graph's neighbours
  uint32_t epoch_ = 0;
  uint32_t label_;
  std::optional<uint32_t> towards_0_;
  // Workers that have label 0, as far as it was told to or through this one, with the round after
  // the last use of the edge that they got it over.
  std::map<uint32_t, uint32_t> joined_;
};

}  // namespace hemiola
