#include "hemiola/average/edge_search.h"

#include <algorithm>

namespace hemiola {

SearchRule::SearchRule(const Graph& graph, uint32_t worker)
    : self_(worker), workers_(graph.size()), label_(worker) {
  for (const uint32_t other : graph.near[worker]) edges_.push_back({other, other, 0});
}

std::string_view SearchRule::closes(std::span<const uint8_t> ready) const {
  bool joins = false;
  for (size_t i = 0; i < edges_.size(); ++i) {
    const GraphEdge& e = edges_[i];
    joins = joins || (ready[i] && !established(e) && e.label != label_);
  }
  if (!joins) return {};
  const bool all = std::all_of(ready.begin(), ready.end(), [](uint8_t r) { return r != 0; });
  return all ? "all neighbours were ready" : "an edge that joins two parts was ready";
}

void SearchRule::ended(uint32_t round, std::span<const uint8_t> used) {
  for (size_t i = 0; i < edges_.size(); ++i) {
    if (used[i]) edges_[i].used_before = round + 1;
  }
  look_around();
}

bool SearchRule::on_note(uint32_t from, Kind kind, uint32_t round, uint32_t extra) {
  const auto edge = std::find_if(edges_.begin(), edges_.end(),
                                 [&](const GraphEdge& e) { return e.other == from; });
  if (edge == edges_.end()) return false;
  switch (kind) {
    case Kind::epoch:
      if (round > epoch_) begin_epoch(round);
      return true;
    case Kind::label:
      // Its sender has told of the epoch before.
      if (round > epoch_ || extra >= workers_) return false;
      if (round == epoch_) edge->label = std::min(edge->label, extra);
      look_around();
      return true;
    case Kind::whole:
      // Uses of an edge in an epoch are behind its first round, so this is of an earlier epoch.
      if (round <= epoch_) return true;
      if (label_ != 0 || extra >= workers_) return false;
      count(extra, round);
      return true;
    default:
      return false;
  }
}

// Takes over the least label of the part.
void SearchRule::look_around() {
  const GraphEdge* over = nullptr;
  for (const GraphEdge& e : edges_) {
    if (!established(e) || e.label >= label_) continue;
    label_ = e.label;
    over = &e;
  }
  if (!over) return;
  tell_all(Kind::label, label_);
  if (label_ != 0) return;
  towards_0_ = over->other;
  count(self_, over->used_before);
}

// One worker more has label 0.
void SearchRule::count(uint32_t worker, uint32_t used_before) {
  if (!joined_.emplace(worker, used_before).second) return;
  if (self_ != 0) {
    notes_.push_back({*towards_0_, Kind::whole, used_before, worker});
    return;
  }
  if (joined_.size() + 1 < workers_) return;
  uint32_t last = 0;
  for (const auto& [other, before] : joined_) last = std::max(last, before);
  begin_epoch(last);
}

void SearchRule::again(uint32_t other) {
  const auto edge = std::find_if(edges_.begin(), edges_.end(),
                                 [&](const GraphEdge& e) { return e.other == other; });
  if (edge == edges_.end()) return;
  notes_.push_back({other, Kind::epoch, epoch_, 0});
  notes_.push_back({other, Kind::label, epoch_, label_});
  if (towards_0_ != other) return;
  for (const auto& [worker, before] : joined_) {
    notes_.push_back({other, Kind::whole, before, worker});
  }
}

void SearchRule::begin_epoch(uint32_t round) {
  epoch_ = round;
  label_ = self_;
  towards_0_.reset();
  joined_.clear();
  for (GraphEdge& e : edges_) e.label = e.other;
  tell_all(Kind::epoch, 0);
  look_around();
}

void SearchRule::tell_all(Kind kind, uint32_t extra) {
  for (const GraphEdge& e : edges_) notes_.push_back({e.other, kind, epoch_, extra});
}

}  // namespace hemiola
