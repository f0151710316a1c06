// Training on one batch of triples: the questions, their loss, and the changes of all rows.
#pragma once

#include <span>
#include <vector>

#include "hemiola/models/kge_questions.h"
#include "hemiola/models/kge_rows.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

struct KgeBatch {
  std::span<const KgeTriple> triples;
  std::span<const Key> negatives;  // shared: the set; own: for each triple those of tails, of heads
  float rate = 0;
  uint64_t seed = 0;  // of what dropout leaves out
};

// What the two ways to train have in common. Not for several threads: each has its own.
class KgeTrainer {
 public:
  KgeTrainer(const KgeShape& shape, const KgeOptions& options, const KgeKernels& kernels);
  virtual ~KgeTrainer() = default;
  KgeTrainer(const KgeTrainer&) = delete;
  KgeTrainer& operator=(const KgeTrainer&) = delete;

  // Returns the sum of the losses of the batch's questions.
  virtual double train(const KgeBatch& batch, Parameters& params) = 0;

 protected:
  // In: scores; out: the loss's gradient by each.
  float loss(float* scores, size_t n, float* positive) const;
  // For the rows of a table, but for the weights of penalties.
  KgeUpdate update_of(TableId table, float rate) const;
  // The spread relations of a batch, by slot of `relations`.
  void spread(const KgeRows& relations);
  const float* relation(const KgeRows& relations, size_t slot) const;
  // Steps down the gradients d, by slot, that stand in spread form.
  void update_relations(const KgeRows& relations, float rate, float* d, size_t ld,
                        Latches& latches);

  const KgeShape& shape_;
  const KgeOptions& options_;
  const KgeKernels& kernels_;
  const KgeQuestions questions_;

 private:
  std::vector<float> spread_;
};

}  // namespace hemiola
