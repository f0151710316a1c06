#include "hemiola/average/edge_search.h"

#include <gtest/gtest.h>

#include <deque>
#include <numeric>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

// Joins parts the plain way.
struct Parts {
  std::vector<uint32_t> of;
  uint32_t left;

  explicit Parts(uint32_t n) : of(n), left(n) { std::iota(of.begin(), of.end(), 0); }
  bool join(uint32_t a, uint32_t b) {
    const uint32_t from = of[a], to = of[b];
    if (from == to) return false;
    for (uint32_t& part : of) part = part == from ? to : part;
    --left;
    return true;
  }
};

struct Rules {
  Graph graph;
  std::vector<SearchRule> rules;

  explicit Rules(Graph g) : graph(std::move(g)) {
    for (uint32_t w = 0; w < graph.size(); ++w) rules.emplace_back(graph, w);
  }
  void deliver() {
    std::deque<std::pair<uint32_t, Note>> under_way;
    const auto gather = [&] {
      for (uint32_t w = 0; w < rules.size(); ++w) {
        for (const Note& n : rules[w].take_notes()) under_way.emplace_back(w, n);
      }
    };
    for (gather(); !under_way.empty(); gather()) {
      const auto [from, note] = under_way.front();
      under_way.pop_front();
      ASSERT_TRUE(rules[note.to].on_note(from, note.kind, note.round, note.extra));
    }
  }
  std::vector<uint8_t> flags(uint32_t worker, const std::vector<bool>& ready) const {
    std::vector<uint8_t> list;
    for (const uint32_t other : graph.near[worker]) list.push_back(ready[worker] && ready[other]);
    return list;
  }
  bool closes(const std::vector<bool>& ready) const {
    for (uint32_t w = 0; w < rules.size(); ++w) {
      if (ready[w] && !rules[w].closes(flags(w, ready)).empty()) return true;
    }
    return false;
  }
};

// Where labels travel between two rounds, the rule is: an edge that joins two parts closes, and an
// epoch ends with the round that joins the last two.
TEST(SearchRule, An_edge_closes_a_round_when_it_joins_two_parts) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const auto n = static_cast<uint32_t>(2 + random.below(9));
    std::vector<Edge> edges;
    for (uint32_t w = 1; w < n; ++w) edges.push_back({static_cast<uint32_t>(random.below(w)), w});
    for (uint32_t i = 0; i < n; ++i) {
      edges.push_back(
          {static_cast<uint32_t>(random.below(n)), static_cast<uint32_t>(random.below(n))});
    }
    Rules rules(graph_of_edges(n, edges));
    edges = edges_of(rules.graph);
    Parts parts(n);
    for (uint32_t round = 0, tries = 0; tries < 200; ++tries) {
      std::vector<bool> ready;
      for (uint32_t w = 0; w < n; ++w) ready.push_back(random.chance(0.5));
      Parts joined = parts;
      bool closes = false;
      for (const Edge e : edges) {
        if (ready[e.a] && ready[e.b]) closes = joined.join(e.a, e.b) || closes;
      }
      ASSERT_EQ(rules.closes(ready), closes) << seed << " round " << round;
      if (!closes) continue;
      for (uint32_t w = 0; w < n; ++w) {
        if (ready[w]) rules.rules[w].ended(round, rules.flags(w, ready));
      }
      rules.deliver();
      ++round;
      parts = joined.left == 1 ? Parts(n) : joined;
      for (const SearchRule& rule : rules.rules) {
        EXPECT_EQ(rule.epoch() == round, joined.left == 1) << seed << " round " << round;
      }
    }
  }
}

TEST(SearchRule, Notes_that_cannot_be_change_nothing) {
  Rules rules(graph_of_edges(4, {{0, 1}, {1, 2}, {2, 3}}));
  SearchRule& rule = rules.rules[1];
  EXPECT_FALSE(rule.on_note(3, Kind::label, 0, 1));   // no edge
  EXPECT_FALSE(rule.on_note(0, Kind::label, 7, 0));   // of an epoch that has not begun
  EXPECT_FALSE(rule.on_note(0, Kind::label, 0, 44));  // of nobody
  EXPECT_FALSE(rule.on_note(2, Kind::whole, 1, 2));   // to one who has not label 0
  EXPECT_TRUE(rule.on_note(0, Kind::epoch, 0, 0));    // again
  EXPECT_TRUE(rule.take_notes().empty());
  EXPECT_EQ(rule.epoch(), 0u);
}

}  // namespace
}  // namespace hemiola
