#include "hemiola/models/kge_course.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

// Notes what is said ahead, by the step it is said for.
class Notes : public LocalParameters {
 public:
  Notes(LocalTables& tables, std::span<const SamplerSpec> samplers)
      : LocalParameters(tables, samplers, 1, true) {}

  void intend(TableId table, std::span<const Key> keys, uint32_t first, uint32_t last) override {
    EXPECT_EQ(last, first + 1);
    for (const Key key : keys) wanted[now + first][table.value].insert(key.value);
  }
  Samples prepare_sample(uint32_t sampler, uint32_t n, uint32_t first, uint32_t last) override {
    drawable[now + first] += n;
    open += n;
    return LocalParameters::prepare_sample(sampler, n, first, last);
  }
  void sample(Samples samples, std::span<Key> keys) override {
    open -= keys.size();
    LocalParameters::sample(samples, keys);
  }
  void step(size_t) override { ++now; }

  size_t now = 0, open = 0;
  std::map<size_t, std::map<uint32_t, std::set<uint32_t>>> wanted;  // by step and table
  std::map<size_t, uint32_t> drawable;
};

struct World {
  std::vector<uint32_t> heads, relations, tails;
  KgeOptions options;
  KgeCut cut{1'030, 50, 4};
  KgeShape shape{options, 200, 5};
  std::vector<TableSpec> specs{{"entities", 200, 2, 0, {}}, {"relations", 5, 2, 0, {}}};
  std::vector<SamplerSpec> samplers{{"negatives", kKgeEntities, Key{0}, 200, nullptr}};
  LocalTables tables{specs, false};
  Notes notes{tables, samplers};

  World() {
    for (uint32_t i = 0; i < 1'030; ++i) {
      heads.push_back(i % 200), relations.push_back(i % 5), tails.push_back(i * 7 % 200);
    }
    options.lookahead = 3;
    options.negatives = 20;
  }
  // Goes through a block; returns its triples.
  std::vector<KgeTriple> go(const Work& work, bool check = true) {
    std::vector<KgeTriple> all;
    KgeCourse course(cut, {heads, relations, tails}, shape, options, work, notes);
    for (uint32_t b = 0; b < course.batches(); ++b) {
      EXPECT_EQ(course.begin(b).size(), options.sharing == KgeSharing::shared
                                            ? options.negatives
                                            : 2 * options.negatives * course.batch(b).size());
      for (const KgeTriple& t : course.batch(b)) {
        all.push_back(t);
        if (!check) continue;
        EXPECT_TRUE(notes.wanted[notes.now][0].contains(t.head));
        EXPECT_TRUE(notes.wanted[notes.now][0].contains(t.tail));
        EXPECT_TRUE(notes.wanted[notes.now][1].contains(t.relation));
      }
      notes.step(course.batch(b).size());
    }
    return all;
  }
};

TEST(KgeCourse, The_blocks_of_an_epoch_hold_each_triple_once) {
  World world;
  std::multiset<std::pair<uint32_t, uint32_t>> seen, all;
  EXPECT_EQ(world.cut.blocks(), 6);
  for (uint32_t b = 0; b < world.cut.blocks(); ++b) {
    const auto triples = world.go({b, 2, {}});
    EXPECT_EQ(triples.size(), world.cut.triples_of(b));
    for (const KgeTriple& t : triples) seen.insert({t.head, t.tail});
  }
  for (size_t i = 0; i < 1'030; ++i) all.insert({world.heads[i], world.tails[i]});
  EXPECT_EQ(seen, all);
}

TEST(KgeCourse, What_a_step_wants_is_said_ahead_also_over_the_end_of_a_block) {
  for (const KgeSharing sharing : {KgeSharing::shared, KgeSharing::own}) {
    World world;
    world.options.sharing = sharing;
    // The last block is short, and in the middle here.
    const uint32_t order[] = {2, 5, 0, 3};
    for (size_t i = 0; i < 4; ++i) {
      Work work{order[i], 0, {}};
      if (i + 1 < 4) work.next = order[i + 1];
      world.go(work);
      if (work.next && *work.next != 5) {
        EXPECT_EQ(world.notes.wanted.rbegin()->first, world.notes.now + 2)
            << "three steps ahead of the last step of the block";
      }
    }
    EXPECT_EQ(world.notes.open, 0) << "all that was announced was drawn";
    for (const auto& [step, draws] : world.notes.drawable) {
      EXPECT_GT(draws, 0) << step;
      if (sharing == KgeSharing::shared) {
        EXPECT_EQ(draws, 20) << "announced once, at step " << step;
      }
    }
  }
}

TEST(KgeCourse, Another_block_than_was_promised_leaves_no_announcement_behind) {
  World world;
  Work work{0, 0, 1};
  world.go(work);
  EXPECT_GT(world.notes.open, 0);
  world.go({3, 0, {}}, false);
  EXPECT_EQ(world.notes.open, 0);
  EXPECT_FALSE(world.notes.promised.has_value());
}

TEST(KgeCourse, All_entities_are_the_negatives_when_none_are_drawn) {
  World world;
  world.options.negatives = 0;
  KgeCourse course(world.cut, {world.heads, world.relations, world.tails}, world.shape,
                   world.options, {0, 0, {}}, world.notes);
  EXPECT_EQ(course.begin(0).size(), 200);
  EXPECT_EQ(world.notes.wanted[3][0].size(), 200);
  EXPECT_TRUE(world.notes.drawable.empty());
}

}  // namespace
}  // namespace hemiola
