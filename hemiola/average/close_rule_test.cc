#include "hemiola/average/close_rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

// Tree rules of all workers, whose notes arrive when the test says so.
struct Rules {
  Graph graph, tree;
  std::vector<TreeRule> rules;
  std::deque<std::pair<uint32_t, Note>> under_way;  // by sender

  explicit Rules(Graph g) : graph(std::move(g)), tree(spanning_tree(graph)) {
    for (uint32_t w = 0; w < graph.size(); ++w) rules.emplace_back(graph, tree, w);
  }
  void deliver() {
    for (gather(); !under_way.empty(); gather()) {
      const auto [from, note] = under_way.front();
      under_way.pop_front();
      ASSERT_TRUE(rules[note.to].on_note(from, note.kind, note.round, note.extra));
    }
  }
  void gather() {
    for (uint32_t w = 0; w < rules.size(); ++w) {
      for (const Note& n : rules[w].take_notes()) under_way.emplace_back(w, n);
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
  void end(uint32_t round, const std::vector<bool>& ready) {
    for (uint32_t w = 0; w < rules.size(); ++w) {
      if (ready[w]) rules[w].ended(round, flags(w, ready));
    }
  }
};

Graph path(uint32_t n) {
  std::vector<Edge> edges;
  for (uint32_t w = 0; w + 1 < n; ++w) edges.push_back({w, w + 1});
  return graph_of_edges(n, edges);
}

TEST(TreeRule, An_edge_closes_one_round_in_an_epoch) {
  Rules rules(path(3));
  EXPECT_FALSE(rules.closes({true, false, true}));
  EXPECT_TRUE(rules.closes({true, true, false}));
  EXPECT_EQ(rules.rules[0].closes(std::vector<uint8_t>{1}), "all neighbours were ready");
  EXPECT_EQ(rules.rules[1].closes(std::vector<uint8_t>{1, 0}),
            "one more edge of the tree was ready");
  rules.end(0, {true, true, false});
  EXPECT_FALSE(rules.closes({true, true, false}));
  EXPECT_TRUE(rules.closes({false, true, true}));
}

TEST(TreeRule, The_epoch_ends_with_the_last_edge_and_no_round_before_all_know) {
  Rules rules(path(3));
  rules.end(0, {true, true, false});
  rules.deliver();
  EXPECT_EQ(rules.rules[0].epoch(), 0u);
  rules.end(1, {false, true, true});
  EXPECT_FALSE(rules.closes({true, true, true}));
  rules.deliver();
  for (const TreeRule& rule : rules.rules) EXPECT_EQ(rule.epoch(), 2u);
  EXPECT_TRUE(rules.closes({false, true, true}));
}

// Against the rule as it is written down: the edges of the tree that were used are a set, which is
// emptied when it is the tree.
TEST(TreeRule, It_closes_whenever_an_edge_is_ready_that_the_epoch_has_not_used) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const auto n = static_cast<uint32_t>(2 + random.below(9));
    std::vector<Edge> edges = edges_of(path(n));
    for (uint32_t i = 0; i < n; ++i) {
      edges.push_back(
          {static_cast<uint32_t>(random.below(n)), static_cast<uint32_t>(random.below(n))});
    }
    Rules rules(graph_of_edges(n, edges));
    const auto tree = edges_of(rules.tree);
    std::vector<bool> established(tree.size());
    for (uint32_t round = 0, tries = 0; tries < 100; ++tries) {
      std::vector<bool> ready;
      for (uint32_t w = 0; w < n; ++w) ready.push_back(random.chance(0.6));
      bool closes = false;
      for (size_t e = 0; e < tree.size(); ++e) {
        closes = closes || (!established[e] && ready[tree[e].a] && ready[tree[e].b]);
      }
      ASSERT_EQ(rules.closes(ready), closes) << seed << " round " << round;
      if (!closes) continue;
      rules.end(round++, ready);
      rules.deliver();
      for (size_t e = 0; e < tree.size(); ++e) {
        if (ready[tree[e].a] && ready[tree[e].b]) established[e] = true;
      }
      if (std::count(established.begin(), established.end(), true) + 1 == n) {
        established.assign(tree.size(), false);
      }
    }
  }
}

TEST(TreeRule, Notes_that_cannot_be_change_nothing) {
  Rules rules(path(4));
  TreeRule& rule = rules.rules[1];
  EXPECT_FALSE(rule.on_note(3, Kind::whole, 0, 1));  // no edge
  EXPECT_FALSE(rule.on_note(0, Kind::whole, 0, 1));  // from the parent
  EXPECT_FALSE(rule.on_note(2, Kind::whole, 5, 6));  // of an epoch that has not begun
  EXPECT_FALSE(rule.on_note(2, Kind::epoch, 5, 0));  // from a child
  EXPECT_TRUE(rule.on_note(0, Kind::epoch, 0, 0));   // again
  EXPECT_EQ(rule.epoch(), 0u);
  EXPECT_TRUE(rule.take_notes().empty());
}

}  // namespace
}  // namespace hemiola
