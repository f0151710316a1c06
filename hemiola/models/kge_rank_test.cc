#include "hemiola/models/kge_rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

const KgeKernels& kernels_here() {
#if defined(__x86_64__)
  if (simd_here() == Simd::avx512) return kKgeAvx512;
  if (simd_here() == Simd::avx2) return kKgeAvx2;
#endif
  return kKgeBaseline;
}

struct Set {
  std::vector<uint32_t> head, relation, tail;

  void add(uint32_t h, uint32_t r, uint32_t t) {
    head.push_back(h), relation.push_back(r), tail.push_back(t);
  }
  TripleSpans spans() const { return {head, relation, tail}; }
  std::vector<KgeTriple> triples() const {
    std::vector<KgeTriple> all;
    for (size_t i = 0; i < head.size(); ++i) all.push_back({head[i], relation[i], tail[i]});
    return all;
  }
};

Set some(size_t n, uint32_t entities, uint32_t relations, uint64_t seed) {
  Random random(seed);
  Set set;
  for (size_t i = 0; i < n; ++i) {
    const auto h = static_cast<uint32_t>(random.below(entities));
    const auto r = static_cast<uint32_t>(random.below(relations));
    set.add(h, r, static_cast<uint32_t>(random.below(entities)));
  }
  return set;
}

TEST(KgeFilter, Holds_each_known_answer_of_all_three_sets_once) {
  Set train, valid, test;
  train.add(0, 0, 1), train.add(0, 0, 3), train.add(2, 0, 1), train.add(0, 0, 1);
  valid.add(0, 0, 2), valid.add(4, 1, 4);
  test.add(0, 0, 4);
  const KgeData data{train.spans(), valid.spans(), test.spans(), 5, 2};
  const TripleSpans asked[] = {test.spans()};
  const KgeFilter filter(data, asked);
  const auto list = [&](KgeSide side, KgeTriple t) {
    const auto found = filter.answers(side, t);
    return std::vector<uint32_t>(found.begin(), found.end());
  };
  EXPECT_EQ(list(KgeSide::tail, {0, 0, 4}), (std::vector<uint32_t>{1, 2, 3, 4}));
  EXPECT_EQ(list(KgeSide::head, {0, 0, 4}), (std::vector<uint32_t>{0}));
  EXPECT_TRUE(list(KgeSide::tail, {4, 1, 4}).empty()) << "nobody asked";
}

// Of few levels, so that there are many ties and sums without rounding; 0: of any value.
LocalTables tables_of(const KgeShape& shape, uint64_t seed, uint64_t levels) {
  std::vector<TableSpec> specs;
  specs.push_back({"entities", shape.entities, static_cast<uint32_t>(shape.values), 0, {}});
  specs.push_back(
      {"relations", shape.relation_rows(), static_cast<uint32_t>(shape.relation_values), 0, {}});
  LocalTables tables(specs, false);
  Random random(seed);
  for (const TableId table : {kKgeEntities, kKgeRelations}) {
    for (uint32_t k = 0; k < tables.row_count(table); ++k) {
      for (float& x : tables.row(table, Key{k})) {
        x = levels > 0 ? static_cast<float>(random.below(levels)) / 2
                       : static_cast<float>(random.uniform(-1, 1));
      }
    }
  }
  return tables;
}

// Sorted by hand: the answer among all others that are not known, equal ones half above it.
double plain_rank(const std::vector<float>& scores, uint32_t answer,
                  const std::set<uint32_t>& known) {
  double rank = 1;
  for (uint32_t e = 0; e < scores.size(); ++e) {
    if (known.contains(e)) continue;
    rank += scores[e] > scores[answer] ? 1 : scores[e] == scores[answer] ? 0.5 : 0;
  }
  return rank;
}

TEST(KgeRanking, Ranks_are_those_of_a_search_through_all_entities_with_ties_at_their_mean) {
  for (const KgeScorer scorer : {KgeScorer::complex, KgeScorer::distmult, KgeScorer::rescal,
                                 KgeScorer::transe, KgeScorer::rotate}) {
    for (const uint32_t norm : {1U, 2U}) {
      for (const bool by_pointer : {false, true}) {
        KgeOptions options;
        options.scorer = scorer, options.norm = norm, options.dim = 3;
        options.reciprocal = by_pointer;
        const uint32_t entities = 4'500;  // more than are scored at once
        const Set train = some(3'000, entities, 2, 1), test = some(60, entities, 2, 2);
        const KgeData data{train.spans(), {}, test.spans(), entities, 2};
        const KgeShape shape(options, entities, 2);
        const bool exact = scorer != KgeScorer::rotate;  // its cosines have endless digits
        LocalTables tables = tables_of(shape, 3, exact ? 3 : 0);
        LocalParameters params(tables, by_pointer);
        const TripleSpans asked[] = {test.spans()};
        const KgeFilter filter(data, asked);
        const KgeKernels& kernels = kernels_here();
        const auto ranks = KgeRanking(shape, kernels, filter).ranks(test.triples(), params);
        ASSERT_EQ(ranks.size(), 120);

        const KgeQuestions questions(shape, kernels);
        std::vector<float> q(shape.values), spread(shape.spread), scores(entities);
        for (size_t i = 0; i < ranks.size(); ++i) {
          const KgeSide side = i < 60 ? KgeSide::tail : KgeSide::head;
          const KgeTriple t = test.triples()[i % 60];
          const uint32_t from = side == KgeSide::tail ? t.head : t.tail;
          const uint32_t answer = side == KgeSide::tail ? t.tail : t.head;
          questions.spread(
              tables.row(kKgeRelations, Key{shape.relation_row(side, t.relation)}).data(),
              spread.data());
          questions.ask(side, tables.row(kKgeEntities, Key{from}).data(), spread.data(), q.data());
          const auto all = tables.all(kKgeEntities);
          kKgePlain.match(shape.match, q.data(), {nullptr, all.base, all.stride}, entities,
                          shape.values, scores.data());
          std::set<uint32_t> known{answer};
          for (const Set* set : {&train, &test}) {
            for (const KgeTriple& o : set->triples()) {
              if (o.relation != t.relation) continue;
              if (side == KgeSide::tail && o.head == from) known.insert(o.tail);
              if (side == KgeSide::head && o.tail == from) known.insert(o.head);
            }
          }
          ASSERT_NEAR(ranks[i], plain_rank(scores, answer, known), exact ? 0 : 2) << i;
        }
      }
    }
  }
}

TEST(KgeRanking, Entities_that_are_all_alike_share_the_middle_rank) {
  for (const KgeScorer scorer : {KgeScorer::complex, KgeScorer::transe, KgeScorer::rotate}) {
    for (const uint32_t norm : {1U, 2U}) {
      KgeOptions options;
      options.scorer = scorer, options.norm = norm, options.dim = 37;
      const uint32_t entities = 2'101;
      const Set test = some(50, entities, 1, 4);
      const KgeData data{test.spans(), {}, test.spans(), entities, 1};
      const KgeShape shape(options, entities, 1);
      LocalTables tables = tables_of(shape, 5, 3);
      Random random(6);
      std::vector<float> row(shape.values);
      for (float& x : row) x = static_cast<float>(random.uniform(-1, 1));
      for (uint32_t e = 0; e < entities; ++e) {
        std::copy(row.begin(), row.end(), tables.row(kKgeEntities, Key{e}).begin());
      }
      LocalParameters params(tables);
      const TripleSpans asked[] = {test.spans()};
      const KgeFilter filter(data, asked);
      const auto triples = test.triples();
      const auto ranks = KgeRanking(shape, kernels_here(), filter).ranks(triples, params);
      for (size_t i = 0; i < ranks.size(); ++i) {
        const KgeSide side = i < 50 ? KgeSide::tail : KgeSide::head;
        const double others =
            entities - static_cast<double>(filter.answers(side, triples[i % 50]).size());
        EXPECT_EQ(ranks[i], 1 + others / 2);
      }
    }
  }
}

TEST(KgeRanking, A_score_that_is_no_number_is_ranked_last) {
  KgeOptions options;
  options.dim = 4;
  const Set test = some(3, 40, 1, 7);
  const KgeData data{test.spans(), {}, test.spans(), 40, 1};
  const KgeShape shape(options, 40, 1);
  LocalTables tables = tables_of(shape, 8, 3);
  tables.row(kKgeRelations, Key{0})[1] = std::numeric_limits<float>::quiet_NaN();
  LocalParameters params(tables);
  const TripleSpans asked[] = {test.spans()};
  const KgeFilter filter(data, asked);
  for (const double rank :
       KgeRanking(shape, kernels_here(), filter).ranks(test.triples(), params)) {
    EXPECT_EQ(rank, 40);
  }
}

}  // namespace
}  // namespace hemiola
