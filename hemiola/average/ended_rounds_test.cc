#include "hemiola/average/ended_rounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

// Never too early, and in the end: notes come late and in any order of links.
TEST(EndedRounds, A_worker_learns_that_all_have_ended_when_they_have) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const auto n = static_cast<uint32_t>(1 + random.below(9));
    std::vector<Edge> edges;
    for (uint32_t w = 1; w < n; ++w) edges.push_back({static_cast<uint32_t>(random.below(w)), w});
    const Graph tree = graph_of_edges(n, edges);
    std::vector<EndedRounds> workers;
    for (uint32_t w = 0; w < n; ++w) workers.emplace_back(tree, w);
    std::vector<uint32_t> round(n), wanted(n);
    std::map<std::pair<uint32_t, uint32_t>, std::deque<Note>> links;
    for (uint32_t w = 0; w < n; ++w) {
      wanted[w] = static_cast<uint32_t>(random.below(6));
      workers[w].ask(wanted[w]);
    }
    const auto gather = [&] {
      for (uint32_t w = 0; w < n; ++w) {
        for (const Note& note : workers[w].take_notes()) links[{w, note.to}].push_back(note);
      }
    };
    const auto least = [&] { return *std::min_element(round.begin(), round.end()); };
    for (int turn = 0; turn < 2000; ++turn) {
      gather();
      const auto w = static_cast<uint32_t>(random.below(n));
      if (random.chance(0.2) && round[w] < 6) workers[w].reached(++round[w]);
      if (!links.empty()) {
        auto link = std::next(links.begin(), static_cast<long>(random.below(links.size())));
        if (!link->second.empty()) {
          const Note note = link->second.front();
          link->second.pop_front();
          ASSERT_TRUE(workers[note.to].on_note(link->first.first, note.kind, note.round));
        }
      }
      for (uint32_t v = 0; v < n; ++v) {
        ASSERT_TRUE(!workers[v].all(wanted[v]) || least() >= wanted[v]) << seed;
      }
    }
    for (uint32_t v = 0; v < n; ++v) EXPECT_TRUE(workers[v].all(wanted[v])) << seed;
  }
}

TEST(EndedRounds, Nobody_is_asked_twice_for_the_same) {
  const Graph tree = graph_of_edges(3, {{0, 1}, {1, 2}});
  EndedRounds middle(tree, 1);
  EXPECT_TRUE(middle.on_note(0, Kind::ask_ended, 4));
  EXPECT_EQ(middle.take_notes(), (std::vector<Note>{{2, Kind::ask_ended, 4, 0}}));
  middle.ask(4);
  EXPECT_EQ(middle.take_notes(), (std::vector<Note>{{0, Kind::ask_ended, 4, 0}}));
  EXPECT_TRUE(middle.on_note(0, Kind::ask_ended, 4));
  EXPECT_TRUE(middle.take_notes().empty());
  EXPECT_FALSE(middle.on_note(7, Kind::ask_ended, 4));
}

}  // namespace
}  // namespace hemiola
