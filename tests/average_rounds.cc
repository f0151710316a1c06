#include "tests/average_rounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hemiola::averaging {

RoundsWatch::RoundsWatch(Trial& trial)
    : workers_per_node_(trial.workers_per_node), parts_(trial.workers()) {
  trial.after_event = [this](const std::vector<const Strategy*>& s) { look(s); };
}

void RoundsWatch::look(const std::vector<const Strategy*>& strategies) {
  std::vector<const NeighbourRounds*> all;
  for (const Strategy* s : strategies) all.push_back(dynamic_cast<const NeighbourRounds*>(s));
  graph_ = all[0]->graph();
  tree_ = all[0]->tree();
  for (uint32_t w = 0; w < parts_.size(); ++w) {
    const NeighbourRounds& at = *all[w / workers_per_node_];
    const auto& part = at.participation(WorkerId{w});
    const uint64_t fresh = part.taken - parts_[w].taken;
    const auto& recent = at.recent(WorkerId{w});
    ASSERT_LE(fresh, recent.size()) << "rounds of worker " << w << " were not seen";
    for (size_t i = recent.size() - fresh; i < recent.size(); ++i) {
      EXPECT_TRUE(rounds_[recent[i].round].emplace(w, recent[i]).second) << "took part twice";
    }
    parts_[w] = part;
  }
  if (on_event) on_event(all);
}

std::vector<uint32_t> RoundsWatch::epochs() const {
  std::set<uint32_t> first{0};
  for (const auto& [round, records] : rounds_) {
    for (const auto& [worker, record] : records) first.insert(record.epoch);
  }
  return {first.begin(), first.end()};
}

std::vector<Edge> RoundsWatch::used(uint32_t round) const {
  std::set<Edge> edges, other;
  for (const auto& [w, record] : rounds_.at(round)) {
    for (size_t i = 0; i < record.used.size(); ++i) {
      const uint32_t peer = graph_.near[w][i];
      if (!record.used[i]) continue;
      (w < peer ? edges : other).insert({std::min(w, peer), std::max(w, peer)});
    }
  }
  EXPECT_EQ(edges, other) << "the ends of an edge disagree in round " << round;
  return {edges.begin(), edges.end()};
}

Vectors RoundsWatch::mixed(const Vectors& values, uint32_t round) const {
  Vectors next = values;
  for (const auto& [w, record] : rounds_.at(round)) {
    for (size_t i = 0; i < values[w].size(); ++i) {
      next[w][i] = record.row.own * values[w][i];
      for (size_t n = 0; n < record.used.size(); ++n) {
        next[w][i] += record.row.of[n] * values[graph_.near[w][n]][i];
      }
    }
  }
  return next;
}

Vectors in_double(const std::vector<std::vector<float>>& vectors) {
  Vectors all;
  for (const auto& v : vectors) all.emplace_back(v.begin(), v.end());
  return all;
}

double spread_of(const Vectors& values) {
  double sum = 0;
  for (size_t i = 0; i < values[0].size(); ++i) {
    double mean = 0;
    for (const auto& v : values) mean += v[i] / static_cast<double>(values.size());
    for (const auto& v : values) sum += (v[i] - mean) * (v[i] - mean);
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace hemiola::averaging
