// Every scorer with every loss against finite differences of formulas that are written out in
// doubles, with no thought of questions, panels or slots.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <map>
#include <numeric>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"
#include "hemiola/models/kge_own.h"
#include "hemiola/models/kge_shared.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

constexpr uint32_t kEntities = 9, kRelations = 2;
using Row = std::vector<double>;
using Number = std::complex<double>;

Number at(const Row& row, size_t i) { return {row[i], row[row.size() / 2 + i]}; }

double score_of(const KgeOptions& o, const Row& h, const Row& r, const Row& t) {
  double sum = 0;
  for (size_t i = 0; i < o.dim; ++i) {
    const auto apart = [&](double x) { return o.norm == 1 ? std::abs(x) : x * x; };
    if (o.scorer == KgeScorer::complex) sum += (at(h, i) * at(r, i) * std::conj(at(t, i))).real();
    if (o.scorer == KgeScorer::distmult) sum += h[i] * r[i] * t[i];
    if (o.scorer == KgeScorer::transe) sum -= apart(h[i] + r[i] - t[i]);
    if (o.scorer == KgeScorer::rotate) {
      sum -= apart(std::abs(at(h, i) * std::polar(1.0, r[i]) - at(t, i)));
    }
    for (size_t j = 0; o.scorer == KgeScorer::rescal && j < o.dim; ++j) {
      sum += h[i] * r[i * o.dim + j] * t[j];
    }
  }
  const bool distance = o.scorer == KgeScorer::transe || o.scorer == KgeScorer::rotate;
  return distance && o.norm == 2 ? -std::sqrt(-sum) : sum;
}

// A question of its own relation about the head is one about the tail, from the other end.
double score_of(const KgeOptions& o, KgeSide side, const Row& h, const Row& r, const Row& t) {
  return o.reciprocal && side == KgeSide::head ? score_of(o, t, r, h) : score_of(o, h, r, t);
}

double softplus(double x) { return std::log1p(std::exp(x)); }

// `weights`: of self_adversarial, held while the rows move; made when they are empty.
double loss_of(const KgeOptions& o, double positive, const Row& negatives, size_t n, Row& weights) {
  double sum = 0;
  if (o.loss == KgeLoss::softmax) {
    for (const double s : negatives) sum += std::exp(s - positive);
    return std::log1p(sum);
  }
  if (o.loss == KgeLoss::logistic) {
    for (const double s : negatives) sum += softplus(s) / static_cast<double>(n);
    return sum + softplus(-positive);
  }
  if (weights.empty()) {
    for (const double s : negatives) weights.push_back(std::exp(o.temperature * s));
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& w : weights) w /= all;
  }
  for (size_t j = 0; j < negatives.size(); ++j) {
    sum += weights[j] * softplus(o.margin + negatives[j]);
  }
  return sum + softplus(-(o.margin + positive));
}

struct Case {
  KgeOptions options;
  std::vector<KgeTriple> triples;
  std::vector<Key> negatives;
  KgeShape shape;
  std::vector<Row> rows[2];  // by table
  std::map<size_t, Row> weights;

  Case(const KgeOptions& o, std::vector<KgeTriple> t, std::vector<Key> n)
      : options(o),
        triples(std::move(t)),
        negatives(std::move(n)),
        shape(o, kEntities, kRelations) {
    Random random(o.dim);
    const auto fill = [&](std::vector<Row>& rows_of, size_t count, size_t length) {
      rows_of.assign(count, Row(length));
      for (Row& row : rows_of) {
        for (double& x : row) x = static_cast<float>(random.uniform(-1, 1));
      }
    };
    fill(rows[0], kEntities, shape.values);
    fill(rows[1], shape.relation_rows(), shape.relation_values);
  }

  double penalty(const Row& row, bool complex) const {
    double sum = 0;
    for (const double x : row) sum += options.l2 * x * x;
    for (size_t i = 0; complex && i < row.size() / 2; ++i) {
      sum += options.n3 * std::pow(std::abs(at(row, i)), 3);
    }
    for (size_t i = 0; !complex && i < row.size(); ++i) {
      sum += options.n3 * std::pow(std::abs(row[i]), 3);
    }
    return sum;
  }

  // Of all rows as they are now; `penalties` apart, which train() does not count.
  double objective(bool penalties) {
    double sum = 0;
    for (size_t i = 0; i < triples.size(); ++i) {
      const auto [h, r, t] = triples[i];
      for (const KgeSide side : kKgeSides) {
        const size_t s = side == KgeSide::tail ? 0 : 1;
        const uint32_t answer = side == KgeSide::tail ? t : h;
        std::span<const Key> asked = negatives;
        if (options.sharing == KgeSharing::own) {
          asked = asked.subspan((2 * i + s) * options.negatives, options.negatives);
        }
        const Row& relation = rows[1][shape.relation_row(side, r)];
        const auto with = [&](uint32_t e) {
          return side == KgeSide::tail ? score_of(options, side, rows[0][h], relation, rows[0][e])
                                       : score_of(options, side, rows[0][e], relation, rows[0][t]);
        };
        Row scores;
        const uint32_t from = side == KgeSide::tail ? h : t;
        bool counted = from == answer;
        for (const Key key : asked) {
          if (key.value != answer) scores.push_back(with(key.value));
          counted = counted || key.value == from;
        }
        if (!counted) scores.push_back(with(from));
        sum += loss_of(options, with(answer), scores, asked.size() + 1, weights[2 * i + s]);
        if (penalties && options.scorer != KgeScorer::rotate && (s == 0 || options.reciprocal)) {
          sum += penalty(relation, shape.complex);
        }
      }
      if (penalties) sum += penalty(rows[0][h], shape.complex) + penalty(rows[0][t], shape.complex);
    }
    return sum;
  }
};

// Trains with rate 1 and no state, so that each row changes by minus its gradient.
void expect_gradients(Case& c, const KgeKernels& kernels) {
  c.options.optimizer = Optimizer::sgd;
  const uint32_t counts[] = {kEntities, c.shape.relation_rows()};
  const size_t lengths[] = {c.shape.values, c.shape.relation_values};
  std::vector<TableSpec> specs;
  for (size_t t : {0, 1}) {
    specs.push_back({"t", counts[t], static_cast<uint32_t>(lengths[t]), 0, {}});
  }
  LocalTables tables(specs, false);
  const auto row = [&](size_t t, uint32_t k) {
    return tables.row(TableId{static_cast<uint32_t>(t)}, Key{k});
  };
  for (size_t t : {0, 1}) {
    for (uint32_t k = 0; k < counts[t]; ++k) {
      for (size_t i = 0; i < lengths[t]; ++i) row(t, k)[i] = static_cast<float>(c.rows[t][k][i]);
    }
  }
  LocalParameters params(tables);
  KgeOwn own(c.shape, c.options, kernels);
  KgeShared shared(c.shape, c.options, kernels);
  KgeTrainer& trainer =
      c.options.sharing == KgeSharing::own ? static_cast<KgeTrainer&>(own) : shared;
  const double loss = trainer.train({c.triples, c.negatives, 1.0f, 5}, params);
  EXPECT_NEAR(loss, c.objective(false), 1e-4 * loss);
  for (size_t t : {0, 1}) {
    for (uint32_t k = 0; k < counts[t]; ++k) {
      for (size_t i = 0; i < lengths[t]; ++i) {
        double& x = c.rows[t][k][i];
        const double before = x, h = 1e-5;
        x = before + h;
        const double up = c.objective(true);
        x = before - h;
        const double want = (up - c.objective(true)) / (2 * h);
        x = before;
        // Roots of distances have 11 bits in some kernels.
        ASSERT_NEAR(before - row(t, k)[i], want, 2e-3 * (1 + std::abs(want)))
            << "table " << t << " row " << k << " value " << i;
      }
    }
  }
}

struct Kind {
  KgeScorer scorer;
  uint32_t norm = 1;
};
constexpr Kind kKinds[] = {{KgeScorer::complex},   {KgeScorer::distmult},  {KgeScorer::rescal},
                           {KgeScorer::transe, 1}, {KgeScorer::transe, 2}, {KgeScorer::rotate, 1},
                           {KgeScorer::rotate, 2}};
constexpr KgeLoss kLosses[] = {KgeLoss::softmax, KgeLoss::logistic, KgeLoss::self_adversarial};

std::vector<const KgeKernels*> all_kernels() {
  std::vector<const KgeKernels*> kernels = {&kKgePlain, &kKgeBaseline};
#if defined(__x86_64__)
  if (simd_here() >= Simd::avx2) kernels.push_back(&kKgeAvx2);
  if (simd_here() >= Simd::avx512) kernels.push_back(&kKgeAvx512);
#endif
  return kernels;
}

void for_all_kinds(const std::function<void(KgeOptions)>& use) {
  for (const Kind& kind : kKinds) {
    for (const KgeLoss loss : kLosses) {
      for (const bool reciprocal : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << "scorer " << static_cast<int>(kind.scorer) << " norm " << kind.norm
                     << " loss " << static_cast<int>(loss) << " reciprocal " << reciprocal);
        KgeOptions o;
        o.scorer = kind.scorer, o.norm = kind.norm, o.loss = loss, o.reciprocal = reciprocal;
        o.dim = 5;
        o.margin = 1.5f, o.temperature = 0.5f;
        use(o);
      }
    }
  }
}

TEST(KgeGradient, Shared_negatives_pull_as_finite_differences_say) {
  for (const KgeKernels* kernels : all_kernels()) {
    for_all_kinds([&](KgeOptions o) {
      o.negatives = 4;
      // Entities in several roles, a triple twice, and negatives that are answers too.
      Case c(o, {{0, 0, 1}, {1, 1, 2}, {0, 0, 1}, {3, 0, 3}}, {Key{5}, Key{2}, Key{7}, Key{0}});
      expect_gradients(c, *kernels);
    });
  }
}

TEST(KgeGradient, Own_negatives_pull_as_finite_differences_say) {
  for (const KgeKernels* kernels : all_kernels()) {
    for_all_kinds([&](KgeOptions o) {
      o.negatives = 3;
      o.sharing = KgeSharing::own;
      Case c(o, {{0, 1, 1}}, {Key{5}, Key{2}, Key{7}, Key{6}, Key{0}, Key{8}});
      expect_gradients(c, *kernels);
    });
  }
}

TEST(KgeGradient, Penalties_count_for_each_triple_that_a_row_stands_in) {
  for (const KgeSharing sharing : {KgeSharing::shared, KgeSharing::own}) {
    for_all_kinds([&](KgeOptions o) {
      o.negatives = 2;
      o.sharing = sharing;
      o.l2 = 0.3f, o.n3 = 0.2f;
      std::vector<KgeTriple> triples = {{0, 0, 1}};
      if (sharing == KgeSharing::shared) triples.push_back({0, 1, 2});
      Case c(o, triples, {Key{5}, Key{6}, Key{7}, Key{8}});
      expect_gradients(c, kKgeBaseline);
    });
  }
}

TEST(KgeGradient, A_batch_longer_than_a_chunk_is_the_sum_of_its_triples) {
  std::vector<KgeTriple> triples;
  Random random(3);
  for (int i = 0; i < 130; ++i) {
    triples.push_back({static_cast<uint32_t>(random.below(kEntities)),
                       static_cast<uint32_t>(random.below(kRelations)),
                       static_cast<uint32_t>(random.below(kEntities))});
  }
  for (const Kind& kind : kKinds) {
    KgeOptions o;
    o.scorer = kind.scorer, o.norm = kind.norm;
    o.dim = 3;
    std::vector<Key> all;
    for (uint32_t e = 0; e < kEntities; ++e) all.push_back(Key{e});
    Case c(o, triples, all);
    expect_gradients(c, *all_kernels().back());
  }
}

}  // namespace
}  // namespace hemiola
