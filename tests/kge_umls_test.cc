// Knowledge-graph embeddings on a real graph that is small enough for a test: UMLS, on which
// ConvE's authors report a mean reciprocal rank of .94 for ConvE. Bounds are below what each scorer
// reaches.
#include <gtest/gtest.h>

#include <filesystem>

#include "hemiola/data/triples.h"
#include "hemiola/models/kge.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

constexpr const char* kFolder = "../shared/data/umls/";

std::string file(const char* name) {
  for (const char* up : {"", "../", "../../"}) {
    const std::string path = std::string(up) + kFolder + name + ".txt.zst";
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

TripleSpans spans(const Triples& t) { return {t.head, t.relation, t.tail}; }

double mrr_after(const TripleData& data, const KgeOptions& options, uint32_t epochs) {
  const KgeTask task({spans(data.train), spans(data.valid), spans(data.test), data.entities.size(),
                      data.relations.size()},
                     options);
  const auto specs = task.tables();
  const auto samplers = task.samplers();
  LocalTables tables(specs, false);
  LocalParameters params(tables, samplers, 1);
  for (uint32_t e = 0; e < epochs; ++e) {
    for (uint32_t b = 0; b < task.plan(1).blocks.size(); ++b) task.train({b, e, {}}, params);
  }
  std::vector<double> sums(task.metric_sums());
  for (uint32_t p = 0; p < task.evaluation_parts(); ++p) task.evaluate(p, params, sums);
  return task.metrics(sums)[0].value;
}

TEST(KgeUmls, Each_scorer_ranks_the_facts_of_a_real_graph_well) {
  if (file("train").empty()) GTEST_SKIP() << "no " << kFolder;
  const TripleData data = read_triples(file("train"), file("valid"), file("test"));
  struct Bound {
    KgeScorer scorer;
    double mrr;
  };
  for (const Bound bound : {Bound{KgeScorer::complex, 0.87}, Bound{KgeScorer::rescal, 0.84},
                            Bound{KgeScorer::rotate, 0.78}, Bound{KgeScorer::transe, 0.74},
                            Bound{KgeScorer::distmult, 0.70}}) {
    KgeOptions options;
    options.scorer = bound.scorer;
    options.dim = 32;
    options.negatives = 0;
    options.batch = 128;
    options.n3 = bound.scorer == KgeScorer::rotate || bound.scorer == KgeScorer::transe ? 0 : 0.01f;
    EXPECT_GT(mrr_after(data, options, 30), bound.mrr) << static_cast<int>(bound.scorer);
  }
}

TEST(KgeUmls, Own_negatives_with_the_self_adversarial_loss_do_as_well) {
  if (file("train").empty()) GTEST_SKIP() << "no " << kFolder;
  const TripleData data = read_triples(file("train"), file("valid"), file("test"));
  KgeOptions options;
  options.scorer = KgeScorer::rotate;
  options.dim = 32;
  options.sharing = KgeSharing::own;
  options.negatives = 20;
  options.loss = KgeLoss::self_adversarial;
  options.margin = 6;
  options.batch = 128;
  EXPECT_GT(mrr_after(data, options, 20), 0.79);
}

}  // namespace
}  // namespace hemiola
