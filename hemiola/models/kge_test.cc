#include "hemiola/models/kge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <thread>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

struct Set {
  std::vector<uint32_t> head, relation, tail;

  void add(uint32_t h, uint32_t r, uint32_t t) {
    head.push_back(h), relation.push_back(r), tail.push_back(t);
  }
  TripleSpans spans() const { return {head, relation, tail}; }
};

struct Graph {
  Set train, valid, test;
  uint32_t entities = 0, relations = 0;

  KgeData data() const { return {train.spans(), valid.spans(), test.spans(), entities, relations}; }
};

// 100 things are of five kinds, and each of four relations leads from a thing to what it says of
// the kind: whoever knows one fact of a thing could know all four. A tenth is for testing.
Graph planted() {
  Graph graph;
  graph.entities = 120, graph.relations = 4;
  Random random(1);
  for (uint32_t r = 0; r < 4; ++r) {
    for (uint32_t e = 0; e < 100; ++e) {
      const uint64_t where = random.below(10);
      Set& set = where < 8 ? graph.train : where < 9 ? graph.valid : graph.test;
      set.add(e, r, 100 + 5 * r + e % 5);
    }
  }
  return graph;
}

KgeOptions small(KgeScorer scorer) {
  KgeOptions options;
  options.scorer = scorer;
  options.dim = 16;
  options.negatives = 40;
  options.batch = 32;
  return options;
}

void train(const KgeTask& task, Parameters& params, uint32_t epochs) {
  const auto blocks = static_cast<uint32_t>(task.plan(1).blocks.size());
  for (uint32_t e = 0; e < epochs; ++e) {
    for (uint32_t b = 0; b < blocks; ++b) {
      Work work{b, e, {}};
      if (b + 1 < blocks) work.next = b + 1;
      task.train(work, params);
    }
  }
}

std::map<std::string, double> measure(const KgeTask& task, Parameters& params) {
  std::vector<double> sums(task.metric_sums());
  for (uint32_t p = 0; p < task.evaluation_parts(); ++p) task.evaluate(p, params, sums);
  std::map<std::string, double> found;
  for (const Metric& m : task.metrics(sums)) found[m.name] = m.value;
  return found;
}

double mrr_after(const Graph& graph, const KgeOptions& options, uint32_t epochs) {
  const KgeTask task(graph.data(), options);
  const auto tables = task.tables();
  const auto samplers = task.samplers();
  LocalTables rows(tables, false);
  LocalParameters params(rows, samplers, 5);
  EXPECT_LT(measure(task, params)["mrr"], 0.2);
  train(task, params, epochs);
  return measure(task, params)["mrr"];
}

TEST(Kge, Each_scorer_finds_the_facts_that_a_planted_graph_implies) {
  const Graph graph = planted();
  for (const KgeSharing sharing : {KgeSharing::shared, KgeSharing::own}) {
    for (const KgeScorer scorer : {KgeScorer::complex, KgeScorer::distmult, KgeScorer::rescal,
                                   KgeScorer::transe, KgeScorer::rotate}) {
      for (const uint32_t norm : {1U, 2U}) {
        KgeOptions options = small(scorer);
        options.norm = norm, options.sharing = sharing;
        if (norm == 2 && scorer != KgeScorer::transe && scorer != KgeScorer::rotate) continue;
        const double mrr = mrr_after(graph, options, 60);
        EXPECT_GT(mrr, 0.6) << "scorer " << static_cast<int>(scorer) << " norm " << norm
                            << " sharing " << static_cast<int>(sharing);
      }
    }
  }
}

TEST(Kge, Each_loss_learns_with_each_optimiser) {
  const Graph graph = planted();
  for (const KgeLoss loss : {KgeLoss::softmax, KgeLoss::logistic, KgeLoss::self_adversarial}) {
    for (const int way : {0, 1, 2, 3}) {
      KgeOptions options = small(KgeScorer::rotate);
      options.loss = loss, options.margin = 4;
      options.state = way == 1 ? KgeState::row : KgeState::value;
      if (way == 2) options.optimizer = Optimizer::sgd, options.rate = 0.05f;
      if (way == 3) options.negatives = 0, options.reciprocal = true;
      EXPECT_GT(mrr_after(graph, options, 100), 0.4)
          << "loss " << static_cast<int>(loss) << " way " << way;
    }
  }
}

// Two workers take turns, each with draws of its own.
std::vector<float> two_workers(const KgeTask& task, bool by_pointer) {
  const auto specs = task.tables();
  const auto samplers = task.samplers();
  LocalTables tables(specs, true);
  LocalParameters one(tables, samplers, 1, by_pointer), two(tables, samplers, 2, by_pointer);
  const auto blocks = static_cast<uint32_t>(task.plan(2).blocks.size());
  for (uint32_t e = 0; e < 3; ++e) {
    for (uint32_t b = 0; b < blocks; ++b) {
      Work work{b, e, {}};
      if (b + 2 < blocks) work.next = b + 2;
      task.train(work, b % 2 == 0 ? one : two);
    }
  }
  EXPECT_EQ(one.examples() + two.examples(), 3 * 300);
  EXPECT_EQ(one.intended() > 0, by_pointer);
  std::vector<float> all;
  for (const TableId table : {TableId{0}, TableId{1}}) {
    for (uint32_t k = 0; k < tables.row_count(table); ++k) {
      const auto row = tables.row(table, Key{k});
      all.insert(all.end(), row.begin(), row.end());
    }
  }
  return all;
}

TEST(Kge, Rows_reached_by_pointer_end_with_the_same_bits_as_rows_reached_directly) {
  Graph graph = planted();
  for (Set* set : {&graph.train}) {
    set->head.resize(300, 3), set->relation.resize(300, 1), set->tail.resize(300, 5);
  }
  for (const KgeSharing sharing : {KgeSharing::shared, KgeSharing::own}) {
    for (const KgeScorer scorer : {KgeScorer::complex, KgeScorer::transe, KgeScorer::rotate}) {
      KgeOptions options = small(scorer);
      options.sharing = sharing, options.batch = 16, options.dropout = 0.2f, options.n3 = 0.01f;
      options.norm = scorer == KgeScorer::transe ? 2 : 1;
      const KgeTask task(graph.data(), options);
      EXPECT_EQ(two_workers(task, false), two_workers(task, true));
    }
  }
}

TEST(Kge, Threads_on_the_same_rows_learn_with_latches_and_without) {
  const Graph graph = planted();
  for (const bool latched : {false, true}) {
    for (const KgeSharing sharing : {KgeSharing::shared, KgeSharing::own}) {
      KgeOptions options = small(KgeScorer::complex);
      options.sharing = sharing, options.batch = 8, options.block = 4;
      const KgeTask task(graph.data(), options);
      const auto specs = task.tables();
      const auto samplers = task.samplers();
      LocalTables tables(specs, latched);
      const auto work = [&](uint32_t worker) {
        LocalParameters params(tables, samplers, worker, latched);
        const auto blocks = static_cast<uint32_t>(task.plan(2).blocks.size());
        for (uint32_t e = 0; e < 60; ++e) {
          for (uint32_t b = worker; b < blocks; b += 2) task.train({b, e, {}}, params);
        }
      };
      std::thread other(work, 1);
      work(0);
      other.join();
      LocalParameters params(tables, samplers, 3);
      EXPECT_GT(measure(task, params)["mrr"], 0.6);
    }
  }
}

TEST(Kge, Blocks_hold_all_triples_whatever_their_size) {
  const Graph graph = planted();
  for (const uint32_t batch : {1U, 7U, 1'000U}) {
    KgeOptions options = small(KgeScorer::complex);
    options.batch = batch;
    const KgeTask task(graph.data(), options);
    uint64_t examples = 0;
    for (const BlockSpec& block : task.plan(3).blocks) examples += block.examples;
    EXPECT_EQ(examples, graph.train.head.size());
  }
}

TEST(Kge, Metrics_are_of_the_sets_that_were_asked_for) {
  const Graph graph = planted();
  for (const int way : {0, 1, 2, 3}) {
    KgeOptions options = small(KgeScorer::distmult);
    options.evaluate_test = way & 1, options.evaluate_valid = way & 2;
    const KgeTask task(graph.data(), options);
    const auto specs = task.tables();
    LocalTables tables(specs, false);
    LocalParameters params(tables);
    const auto found = measure(task, params);
    EXPECT_EQ(found.size(), (way & 1 ? 4 : 0) + (way & 2 ? 4 : 0));
    for (const char* name : {"mrr", "hits1", "hits3", "hits10"}) {
      EXPECT_EQ(found.contains(name), (way & 1) != 0);
      EXPECT_EQ(found.contains(std::string("valid_") + name), (way & 2) != 0);
    }
    for (const char* before : {"", "valid_"}) {
      if (!found.contains(std::string(before) + "mrr")) continue;
      EXPECT_LE(found.at(std::string(before) + "hits1"), found.at(std::string(before) + "mrr"));
      EXPECT_LE(found.at(std::string(before) + "hits1"), found.at(std::string(before) + "hits10"));
    }
  }
}

std::string what_of(auto&& run) {
  try {
    run();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Kge, A_rate_that_makes_training_diverge_is_named) {
  const Graph graph = planted();
  KgeOptions options = small(KgeScorer::complex);
  options.optimizer = Optimizer::sgd;
  options.rate = 1'000;
  const std::string what = what_of([&] { mrr_after(graph, options, 20); });
  EXPECT_NE(what.find("lower train.rate (it is 1000"), std::string::npos) << what;
}

TEST(Kge, Data_and_settings_that_cannot_be_are_errors_with_names) {
  const auto make = [&](auto change) {
    Graph graph = planted();
    KgeOptions options = small(KgeScorer::complex);
    change(graph, options);
    return what_of([&] { KgeTask(graph.data(), options); });
  };
  const auto expect = [&](const char* part, auto change) {
    const std::string what = make(change);
    EXPECT_NE(what.find(part), std::string::npos) << what;
  };
  expect("tail 120 of the test set is out of range: there are 120",
         [](Graph& g, KgeOptions&) { g.test.tail[2] = 120; });
  expect("relation 9 of the training set", [](Graph& g, KgeOptions&) { g.train.relation[0] = 9; });
  expect("no triples", [](Graph& g, KgeOptions&) { g.train = {}; });
  expect("model.dim", [](Graph&, KgeOptions& o) { o.dim = 0; });
  expect("model.norm", [](Graph&, KgeOptions& o) { o.norm = 3; });
  expect("model.sharing",
         [](Graph&, KgeOptions& o) { o.negatives = 0, o.sharing = KgeSharing::own; });
  expect("model.dropout", [](Graph&, KgeOptions& o) { o.dropout = 1; });
  expect("train.rate", [](Graph&, KgeOptions& o) { o.rate = -1; });
  expect("train.batch", [](Graph&, KgeOptions& o) { o.batch = 0; });
  expect("model.n3", [](Graph&, KgeOptions& o) { o.n3 = std::nanf(""); });
}

}  // namespace
}  // namespace hemiola
