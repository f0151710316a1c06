// Knowledge-graph embeddings: triples (head, relation, tail) are ranked by a score of their rows.
//
// With q(h, r) a row made of head and relation, and q'(r, t) one made of relation and tail:
//   complex   Re <h, r, conj t>     Trouillon et al., Complex Embeddings (ICML 2016)
//   distmult  <h, r, t>             Yang et al., Embedding Entities and Relations (ICLR 2015)
//   rescal    h' R t                Nickel et al., A Three-Way Model (ICML 2011)
//   transe    -|h + r - t|          Bordes et al., Translating Embeddings (NIPS 2013)
//   rotate    -|h o r - t|, |r| = 1 Sun et al., RotatE (ICLR 2019)
//
// Table 0, "entities", and table 1, "relations"; a row is its values, then the optimiser's state.
// The one sampler draws entities, all alike.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "hemiola/models/optimizer.h"
#include "hemiola/models/task.h"

namespace hemiola {

class KgeFilter;
struct KgeCut;
struct KgeKernels;
struct KgeShape;

// Three spans of one length.
struct TripleSpans {
  std::span<const uint32_t> head, relation, tail;

  size_t size() const { return head.size(); }
};

struct KgeData {
  TripleSpans train, valid, test;  // borrowed; must outlive the task
  uint32_t entities = 0;
  uint32_t relations = 0;
};

enum class KgeScorer : uint8_t { complex, distmult, transe, rotate, rescal };

enum class KgeLoss : uint8_t {
  softmax,          // -log of the softmax of the true answer among the negatives and itself
  logistic,         // log(1 + exp(-score)), and the mean of log(1 + exp(score)) of the negatives
  self_adversarial  // the same about a margin; hard negatives weigh more (Sun et al. 2019, eq. 5)
};

// Beside what is drawn, the entity that a question starts from is one of its negatives: it would
// often score best, and hardly ever is the answer.
enum class KgeSharing : uint8_t {
  shared,  // one set of negatives for both sides of all triples of a batch: matrix products
  own      // a set for each side of each triple
};

// AdaGrad keeps a sum of squared gradients for each value, or the mean of them for each row: half
// the memory and traffic.
enum class KgeState : uint8_t { value, row };

struct KgeOptions {
  KgeScorer scorer = KgeScorer::complex;
  uint32_t dim = 128;       // complex numbers in a row of complex and rotate (2 * dim floats), else
                            // floats; a relation of rescal has dim * dim
  uint32_t norm = 1;        // of transe and rotate: 1 (rotate: the sum of moduli) or 2
  bool reciprocal = false;  // a relation of its own for questions about the head

  KgeLoss loss = KgeLoss::softmax;
  float margin = 9;           // self_adversarial: added to every score
  float temperature = 1;      // self_adversarial: 0 makes all negatives weigh the same
  uint32_t negatives = 1000;  // for each of the two questions of a triple; 0: all entities
  KgeSharing sharing = KgeSharing::shared;

  float n3 = 0;       // times the cubes of the moduli of a triple's three rows
  float l2 = 0;       // times the squares of their values
  float dropout = 0;  // the chance of a value of a question to be left out in training

  Optimizer optimizer = Optimizer::adagrad;
  KgeState state = KgeState::value;
  float rate = 0;          // 0: 0.1 for adagrad, 0.01 for sgd
  float decay = 1;         // the rate is multiplied by it after every epoch
  uint32_t batch = 512;    // triples in a step
  uint32_t block = 0;      // steps in a block; 0: at most 16, so that there are enough blocks
  float init_scale = 0;    // rows begin normal with this deviation; 0: what suits the scorer
  uint32_t lookahead = 4;  // steps ahead that rows and negatives are asked for
  uint64_t seed = 1;

  bool evaluate_test = true;    // metrics mrr, hits1, hits3, hits10
  bool evaluate_valid = false;  // metrics valid_mrr, valid_hits1, ...
};

class KgeTask : public Task {
 public:
  // Throws UserError when an id is out of range or a setting cannot be.
  KgeTask(const KgeData& data, const KgeOptions& options);
  ~KgeTask() override;

  std::vector<TableSpec> tables() const override;
  std::vector<SamplerSpec> samplers() const override;
  bool looks_ahead() const override { return true; }
  // Slices of a shuffle that is a pure function of seed and epoch; the argument changes nothing.
  BlockPlan plan(uint32_t workers) const override;
  // The loss is that of the two questions of a triple, without penalties. Throws UserError when
  // it is not finite any more.
  LossSum train(const Work& work, Parameters& params) const override;

  // Questions (h, r, ?) and (?, r, t) are ranked among all entities, but for the other known
  // answers of train, valid and test. Equal scores share the mean of their ranks.
  uint32_t evaluation_parts() const override;
  size_t metric_sums() const override;
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const override;
  std::vector<Metric> metrics(std::span<const double> sums) const override;

 private:
  KgeCut cut() const;
  uint32_t parts_of(const TripleSpans& spans) const;

  KgeData data_;
  KgeOptions options_;
  std::unique_ptr<const KgeShape> shape_;
  std::unique_ptr<const KgeFilter> filter_;
  const KgeKernels& kernels_;
};

}  // namespace hemiola
