#include "hemiola/average/close_rule.h"

#include <algorithm>

#include "hemiola/core/check.h"

namespace hemiola {

TreeRule::TreeRule(const Graph& graph, const Graph& tree, uint32_t worker) : root_(worker == 0) {
  const auto hops = hops_from(tree, 0);
  const auto& near = graph.near[worker];
  for (const uint32_t other : tree.near[worker]) {
    const auto at = std::lower_bound(near.begin(), near.end(), other);
    HEMIOLA_CHECK(at != near.end() && *at == other);
    TreeEdge edge;
    edge.other = other;
    edge.at = static_cast<size_t>(at - near.begin());
    edge.up = hops[other] < hops[worker];
    edges_.push_back(edge);
  }
}

std::string_view TreeRule::closes(std::span<const uint8_t> ready) const {
  const auto closing = [&](const TreeEdge& e) { return ready[e.at] && !established(e); };
  if (std::none_of(edges_.begin(), edges_.end(), closing)) return {};
  const bool all = std::all_of(ready.begin(), ready.end(), [](uint8_t r) { return r != 0; });
  return all ? "all neighbours were ready" : "one more edge of the tree was ready";
}

void TreeRule::ended(uint32_t round, std::span<const uint8_t> used) {
  for (TreeEdge& e : edges_) {
    if (used[e.at]) e.used_before = round + 1;
  }
  look_around();
}

bool TreeRule::on_note(uint32_t from, Kind kind, uint32_t round, uint32_t extra) {
  const auto edge = std::find_if(edges_.begin(), edges_.end(),
                                 [&](const TreeEdge& e) { return e.other == from; });
  if (edge == edges_.end()) return false;
  if (kind == Kind::whole && !edge->up && round <= epoch_ && extra > round) {
    if (round < epoch_) return true;
    edge->whole = true;
    edge->whole_before = extra;
    look_around();
    return true;
  }
  if (kind == Kind::epoch && edge->up) {
    if (round <= epoch_) return true;
    begin_epoch(round);
    look_around();
    return true;
  }
  return false;
}

void TreeRule::again(uint32_t other) {
  for (const TreeEdge& e : edges_) {
    if (e.other != other) continue;
    if (!e.up && epoch_ > 0) notes_.push_back({other, Kind::epoch, epoch_, 0});
    if (e.up && told_) notes_.push_back({other, Kind::whole, epoch_, told_before_});
  }
}

// The epoch ends here, or in this subtree, when all edges below were used in it.
void TreeRule::look_around() {
  if (told_ || edges_.empty()) return;
  uint32_t before = 0;
  for (const TreeEdge& e : edges_) {
    if (!established(e) || (!e.up && !e.whole)) return;
    before = std::max({before, e.used_before, e.whole_before});
  }
  if (root_) {
    begin_epoch(before);
    return;
  }
  told_ = true;
  told_before_ = before;
  for (const TreeEdge& e : edges_) {
    if (e.up) notes_.push_back({e.other, Kind::whole, epoch_, before});
  }
}

void TreeRule::begin_epoch(uint32_t round) {
  epoch_ = round;
  told_ = false;
  for (TreeEdge& e : edges_) {
    e.whole = false;
    e.whole_before = 0;
    if (!e.up) notes_.push_back({e.other, Kind::epoch, round, 0});
  }
}

}  // namespace hemiola
